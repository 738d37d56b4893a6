/** A client of the requests of transactions: one producer, in the versions that a test says. */
import { messages, type RequestInput } from '../../wire/index.ts'
import { batchOf } from '../server/server.test-support.ts'
import type { RawClient } from '../server/raw-client.test-support.ts'
import { errorCodes, type KafkaError } from './error-codes.ts'

const { addOffsetsToTxn, addPartitionsToTxn, endTxn, initProducerId, produce, txnOffsetCommit } = messages

/** The newest versions with transactions of version 1, and of version 2. */
export const versions1 = { init: 4, add: 3, addOffsets: 3, produce: 10, commit: 3, end: 4 }
export const versions2 = { init: 5, add: 3, addOffsets: 4, produce: 12, commit: 5, end: 5 }
export type Versions = typeof versions1

/** Kafka's name of a code. */
export function nameOf(code: number): KafkaError {
  for (const [name, each] of Object.entries(errorCodes)) if (each === code) return name as KafkaError
  throw new Error(`Code ${code} has no name.`)
}

export class TransactionClient {
  client: RawClient
  readonly versions: Versions
  readonly transactionalId: string
  producerId = -1
  producerEpoch = -1
  sequence = 0

  constructor(client: RawClient, versions: Versions, transactionalId: string = 'id') {
    this.client = client
    this.versions = versions
    this.transactionalId = transactionalId
  }

  /** Another producer with the same identity, or with what is given. */
  as(
    other: Partial<
      Pick<TransactionClient, 'transactionalId' | 'producerId' | 'producerEpoch' | 'sequence' | 'versions'>
    >,
  ): TransactionClient {
    const { client, versions, transactionalId } = this
    const copy = new TransactionClient(
      client,
      other.versions ?? versions,
      other.transactionalId ?? transactionalId,
    )
    copy.producerId = other.producerId ?? this.producerId
    copy.producerEpoch = other.producerEpoch ?? this.producerEpoch
    copy.sequence = other.sequence ?? this.sequence
    return copy
  }

  /** Registers; states its identity if it has one and `isHeld`. */
  async init(isHeld: boolean = false, transactionTimeoutMs: number = 60_000): Promise<KafkaError> {
    const { transactionalId, producerId, producerEpoch } = this
    const answer = await this.client.ask(initProducerId, this.versions.init, {
      transactionalId,
      transactionTimeoutMs,
      ...(isHeld ? { producerId, producerEpoch } : {}),
    })
    if (answer.errorCode === errorCodes.NONE) this.#continue(answer)
    return nameOf(answer.errorCode)
  }

  /** The code of each partition, in the order of the request. */
  async add(
    ...topics: readonly (readonly [topic: string, ...partitions: number[]])[]
  ): Promise<KafkaError[]> {
    const { resultsByTopicV3AndBelow } = await this.client.ask(addPartitionsToTxn, this.versions.add, {
      v3AndBelowTransactionalId: this.transactionalId,
      v3AndBelowProducerId: this.producerId,
      v3AndBelowProducerEpoch: this.producerEpoch,
      v3AndBelowTopics: topics.map(([name, ...partitions]) => ({ name, partitions })),
    })
    return resultsByTopicV3AndBelow.flatMap(({ resultsByPartition }) =>
      resultsByPartition.map(({ partitionErrorCode }) => nameOf(partitionErrorCode)),
    )
  }

  async addOffsets(groupId: string = 'g'): Promise<KafkaError> {
    const { transactionalId, producerId, producerEpoch } = this
    const { errorCode } = await this.client.ask(addOffsetsToTxn, this.versions.addOffsets, {
      transactionalId,
      producerId,
      producerEpoch,
      groupId,
    })
    return nameOf(errorCode)
  }

  /** Produces one record to a partition of `t`. */
  async produce(value: string, partition: number = 0, transactional: boolean = true): Promise<KafkaError> {
    const { transactionalId, producerId, producerEpoch, sequence } = this
    const { responses } = await this.client.ask(
      produce,
      this.versions.produce,
      this.produceRequest(
        batchOf([value], { producerId, producerEpoch, baseSequence: sequence, transactional }),
        {
          transactionalId,
          partition,
        },
      ),
    )
    const { errorCode } = responses[0]!.partitionResponses[0]!
    return nameOf(errorCode)
  }

  produceRequest(
    records: Uint8Array,
    {
      transactionalId,
      partition = 0,
    }: { readonly transactionalId: string | null; readonly partition?: number },
  ): RequestInput<typeof produce> {
    return {
      transactionalId,
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: 't', partitionData: [{ index: partition, records }] }],
    }
  }

  /** The code of each partition. */
  async commit(
    request: Partial<RequestInput<typeof txnOffsetCommit>> = {},
    committedOffset: number = 3,
  ): Promise<KafkaError[]> {
    const { transactionalId, producerId, producerEpoch } = this
    const { topics } = await this.client.ask(txnOffsetCommit, this.versions.commit, {
      transactionalId,
      groupId: 'g',
      producerId,
      producerEpoch,
      topics: [{ name: 't', partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: null }] }],
      ...request,
    })
    return topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => nameOf(errorCode)))
  }

  /** In version 2 the producer continues with the identity that it is given. */
  async end(committed: boolean): Promise<KafkaError> {
    const { transactionalId, producerId, producerEpoch } = this
    const answer = await this.client.ask(endTxn, this.versions.end, {
      transactionalId,
      producerId,
      producerEpoch,
      committed,
    })
    if (answer.errorCode === errorCodes.NONE && this.versions.end >= 5) this.#continue(answer)
    return nameOf(answer.errorCode)
  }

  #continue({
    producerId,
    producerEpoch,
  }: {
    readonly producerId: number
    readonly producerEpoch: number
  }): void {
    if (producerId !== this.producerId || producerEpoch !== this.producerEpoch) this.sequence = 0
    this.producerId = producerId
    this.producerEpoch = producerEpoch
  }
}
