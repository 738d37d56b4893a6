/** The types of messages: what the compiler takes, and what it refuses. */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { decodeRequest, encodeRequest } from './codec/message-codec.ts'
import type { Request, RequestInput, ResponseInput } from './message-types.ts'
import type { fetch } from './messages/01-fetch.ts'
import { initProducerId } from './messages/22-init-producer-id.ts'
import type { describeTopicPartitions } from './messages/75-describe-topic-partitions.ts'

type InitProducerId = typeof initProducerId

test('a request has every field, and one to encode may lack those with a default', () => {
  const given = { transactionalId: null, transactionTimeoutMs: 5 } satisfies RequestInput<InitProducerId>
  const bytes = Buffer.concat(encodeRequest(initProducerId, 0, given))
  const read: Request<InitProducerId> = decodeRequest(initProducerId, 0, bytes)
  const producerId: number = read.producerId
  const transactionalId: string | null = read.transactionalId
  deepEqual([producerId, transactionalId, read.producerEpoch], [-1, null, -1])
  // What was decoded can be encoded.
  deepEqual(Buffer.concat(encodeRequest(initProducerId, 0, read)), bytes)
})

test('what does not fit a definition is an error of the compiler', () => {
  // @ts-expect-error A field without a default must be given.
  const lacks: RequestInput<InitProducerId> = { transactionalId: null }
  // @ts-expect-error Another type.
  const wrong: RequestInput<InitProducerId> = { transactionalId: 'a', transactionTimeoutMs: '5' }
  // @ts-expect-error Not null.
  const noNull: RequestInput<InitProducerId> = { transactionalId: 'a', transactionTimeoutMs: null }
  const given = { transactionalId: 'a', transactionTimeoutMs: 5 }
  // @ts-expect-error A field that the definition lacks.
  const more: RequestInput<InitProducerId> = { ...given, transactionTimeout: 5 }
  // @ts-expect-error What was decoded does not change.
  const change = (request: Request<InitProducerId>): void => void (request.producerId = 1)
  deepEqual([lacks, wrong, noNull, more, change].length, 5)
})

test('structures, arrays and bytes have their types', () => {
  type Partition = Request<typeof fetch>['topics'][number]['partitions'][number]
  const offsetOf = ({ fetchOffset }: Partition): number => fetchOffset
  const answer: ResponseInput<typeof fetch>['responses'][number]['partitions'][number] = {
    partitionIndex: 0,
    errorCode: 0,
    highWatermark: 1,
    abortedTransactions: null,
    // Any bytes can be encoded; decoded ones are a Buffer.
    records: new Uint8Array(1),
    currentLeader: { leaderId: 1 },
  }
  const cursor: Request<typeof describeTopicPartitions>['cursor'] = null
  deepEqual([offsetOf.name, answer.errorCode, cursor], ['offsetOf', 0, null])
})
