/** What takes part in a transaction: AddPartitionsToTxn, AddOffsetsToTxn, TxnOffsetCommit, Produce. */
import { deepEqual, equal } from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { messages, type RequestInput } from '../../wire/index.ts'
import type { RawClient } from '../server/raw-client.test-support.ts'
import { batchOf, startTestServer, type TestServer } from '../server/server.test-support.ts'
import {
  nameOf,
  TransactionClient,
  versions1,
  versions2,
  type Versions,
} from './transaction-client.test-support.ts'

const { addPartitionsToTxn, produce } = messages

async function serve(
  context: Pick<TestContext, 'after'>,
): Promise<TestServer & { readonly client: RawClient }> {
  const server = await startTestServer(context)
  await server.port.createTopic('t', { partitions: 2 })
  return { ...server, client: await server.connect() }
}

async function producerOf(
  client: RawClient,
  versions: Partial<Versions>,
  id = 'id',
): Promise<TransactionClient> {
  const producer = new TransactionClient(client, { ...versions1, ...versions }, id)
  equal(await producer.init(), 'NONE')
  return producer
}

test('AddPartitionsToTxn adds all partitions or none', async context => {
  const { client, log } = await serve(context)
  await log.port.createTopic('of an app', { partitions: 1, app: 'other' }).catch(() => undefined)
  for (const add of [0, 1, 2, 3]) {
    const producer = await producerOf(client, { add }, `id ${add}`)
    const fenced = add < 2 ? 'INVALID_PRODUCER_EPOCH' : 'PRODUCER_FENCED'
    deepEqual(await producer.add(['t', 0, 7], ['nope', 0]), [
      'OPERATION_NOT_ATTEMPTED',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'UNKNOWN_TOPIC_OR_PARTITION',
    ])
    // Nothing has begun.
    equal(await producer.end(true), 'INVALID_TXN_STATE')
    deepEqual(await producer.add(['__consumer_offsets', 0], ['__transaction_state', 0], ['t', 0]), [
      'TOPIC_AUTHORIZATION_FAILED',
      'TOPIC_AUTHORIZATION_FAILED',
      'OPERATION_NOT_ATTEMPTED',
    ])
    deepEqual(await producer.add(['t', -1], ['a/b', 0], ['', 0]), [
      'UNKNOWN_TOPIC_OR_PARTITION',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'UNKNOWN_TOPIC_OR_PARTITION',
    ])
    deepEqual(await producer.as({ transactionalId: '' }).add(['t', 0]), ['INVALID_REQUEST'])
    deepEqual(await producer.as({ transactionalId: 'nobody' }).add(['t', 0]), ['INVALID_PRODUCER_ID_MAPPING'])
    deepEqual(await producer.as({ producerId: 12_345 }).add(['t', 0]), ['INVALID_PRODUCER_ID_MAPPING'])
    deepEqual(await producer.as({ producerEpoch: 9 }).add(['t', 0]), [fenced])
    deepEqual(await producer.add(['t', 0, 0], ['t', 0], ['t', 1]), ['NONE', 'NONE', 'NONE', 'NONE'])
    deepEqual(await producer.add(['t', 0]), ['NONE'])
    equal(await producer.end(true), 'NONE')
    // A transaction without partitions begins as well.
    deepEqual(await producer.add(), [])
    equal(await producer.end(false), 'NONE')
  }
})

test('AddPartitionsToTxn of brokers answers each transaction of a request', async context => {
  const { client } = await serve(context)
  for (const version of [4, 5]) {
    const [one, two] = [
      await producerOf(client, {}, `one ${version}`),
      await producerOf(client, {}, `two ${version}`),
    ]
    const ask = async (
      producers: readonly TransactionClient[],
      topics: readonly (readonly [topic: string, ...partitions: number[]])[],
      verifyOnly = false,
    ): Promise<string[][]> => {
      const transactions = producers.map(({ transactionalId, producerId, producerEpoch }) => ({
        transactionalId,
        producerId,
        producerEpoch,
        verifyOnly,
        topics: topics.map(([name, ...partitions]) => ({ name, partitions })),
      }))
      const answer = await client.ask(addPartitionsToTxn, version, { transactions })
      equal(answer.errorCode, 0)
      return answer.resultsByTransaction.map(({ topicResults }) =>
        topicResults.flatMap(({ resultsByPartition }) =>
          resultsByPartition.map(({ partitionErrorCode }) => nameOf(partitionErrorCode)),
        ),
      )
    }
    deepEqual(await ask([one], [['t', 0]], true), [['TRANSACTION_ABORTABLE']])
    deepEqual(await ask([one, two.as({ producerEpoch: 4 })], [['t', 0]]), [['NONE'], ['PRODUCER_FENCED']])
    deepEqual(await ask([one, two], [['t', 0, 1]], true), [
      ['NONE', 'TRANSACTION_ABORTABLE'],
      ['TRANSACTION_ABORTABLE', 'TRANSACTION_ABORTABLE'],
    ])
    deepEqual(await ask([one], [['__consumer_offsets', 0]]), [['NONE']])
    deepEqual(await ask([one], [['__transaction_state', 0]]), [['TOPIC_AUTHORIZATION_FAILED']])
    deepEqual(
      await ask(
        [one],
        [
          ['t', 0],
          ['nope', 0],
        ],
      ),
      [['OPERATION_NOT_ATTEMPTED', 'UNKNOWN_TOPIC_OR_PARTITION']],
    )
    for (const verifyOnly of [true, false]) {
      deepEqual(await ask([one.as({ transactionalId: '' })], [['t', 0]], verifyOnly), [['INVALID_REQUEST']])
      deepEqual(await ask([one.as({ transactionalId: 'nobody' })], [['t', 0]], verifyOnly), [
        ['INVALID_PRODUCER_ID_MAPPING'],
      ])
    }
    deepEqual(await ask([], []), [])
    // What brokers add is of version 2.
    equal(await one.as({ versions: versions2 }).end(true), 'NONE')
  }
})

test('AddOffsetsToTxn begins a transaction', async context => {
  const { client } = await serve(context)
  for (const addOffsets of [0, 1, 2, 3, 4]) {
    const producer = await producerOf(client, { addOffsets }, `id ${addOffsets}`)
    equal(await producer.as({ transactionalId: '' }).addOffsets(), 'INVALID_REQUEST')
    equal(await producer.as({ transactionalId: 'nobody' }).addOffsets(), 'INVALID_PRODUCER_ID_MAPPING')
    equal(
      await producer.as({ producerEpoch: 5 }).addOffsets(),
      addOffsets < 2 ? 'INVALID_PRODUCER_EPOCH' : 'PRODUCER_FENCED',
    )
    equal(await producer.addOffsets(), 'NONE')
    equal(await producer.addOffsets(''), 'NONE')
    equal(await producer.end(true), 'NONE')
  }
})

test('TxnOffsetCommit commits offsets with the transaction', async context => {
  const { client, port } = await serve(context)
  for (const version of [0, 1, 2, 3, 4, 5]) {
    const groupId = `g ${version}`
    const isVersion2 = version === 5
    const versions = { ...(isVersion2 ? versions2 : versions1), commit: version }
    const producer = await producerOf(client, versions, `id ${version}`)
    if (!isVersion2) {
      deepEqual(await producer.commit({ groupId }), [
        version < 4 ? 'INVALID_TXN_STATE' : 'TRANSACTION_ABORTABLE',
      ])
      equal(await producer.addOffsets(groupId), 'NONE')
    }
    const partitions = [0, 6, 0].map((partitionIndex, n) => ({
      partitionIndex,
      committedOffset: n + 1,
      committedMetadata: n === 2 ? 'x'.repeat(4097) : null,
    }))
    const nope = [{ partitionIndex: 0, committedOffset: 1, committedMetadata: null }]
    const topics: RequestInput<typeof messages.txnOffsetCommit>['topics'] = [
      { name: 't', partitions },
      { name: 'nope', partitions: nope },
    ]
    deepEqual(await producer.commit({ groupId, topics }), [
      'NONE',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'OFFSET_METADATA_TOO_LARGE',
      'UNKNOWN_TOPIC_OR_PARTITION',
    ])
    // Nothing else is looked at where no partition exists, or none is named.
    const fenced = producer.as({ producerEpoch: 30 })
    deepEqual(await fenced.commit({ topics: [{ name: 'nope', partitions: nope }] }), [
      'UNKNOWN_TOPIC_OR_PARTITION',
    ])
    deepEqual(await fenced.commit({ topics: [] }), [])
    deepEqual(await fenced.commit({ groupId }), ['INVALID_PRODUCER_EPOCH'])
    deepEqual(await producer.as({ producerId: 12_345 }).commit({ groupId }), ['INVALID_PRODUCER_ID_MAPPING'])
    deepEqual(await producer.as({ transactionalId: '' }).commit({ groupId }), ['INVALID_REQUEST'])
    deepEqual(await producer.commit({ groupId: '' }), ['INVALID_GROUP_ID'])
    deepEqual(await producer.commit({ groupId }, -1), ['OFFSET_OUT_OF_RANGE'])
    if (version >= 3) {
      const member = { memberId: 'x', generationId: 2 }
      deepEqual(await producer.commit({ groupId, ...member }), ['UNKNOWN_MEMBER_ID'])
      deepEqual(await producer.commit({ groupId: `new ${version}`, ...member }), ['ILLEGAL_GENERATION'])
      deepEqual(await producer.commit({ groupId }), ['NONE'])
    }
    equal(await producer.end(true), 'NONE')
    const [offset] = await port.committedOffsets(groupId, [{ topic: 't', partition: 0 }])
    equal(offset?.offset, version < 3 ? 1 : 3)
    const aborted = await producerOf(client, versions, `id ${version}`)
    if (!isVersion2) await aborted.addOffsets(groupId)
    deepEqual(await aborted.commit({ groupId }, 99), ['NONE'])
    equal(await aborted.end(false), 'NONE')
    const [same] = await port.committedOffsets(groupId, [{ topic: 't', partition: 0 }])
    equal(same?.offset, offset?.offset)
  }
})

test('a produce is refused where its partition is not part of the transaction, up to version 11', async context => {
  const { client } = await serve(context)
  for (const version of [3, 7, 9, 10, 11, 12]) {
    const isVersion2 = version >= 12
    const versions = { ...(isVersion2 ? versions2 : versions1), produce: version }
    const producer = await producerOf(client, versions, `id ${version}`)
    if (!isVersion2) {
      equal(await producer.produce('a'), version < 11 ? 'INVALID_TXN_STATE' : 'TRANSACTION_ABORTABLE')
      deepEqual(await producer.add(['t', 0]), ['NONE'])
    }
    equal(await producer.produce('a'), 'NONE')
    // The answer was lost.
    equal(await producer.produce('a'), 'NONE')
    equal(await producer.as({ sequence: 5 }).produce('gap'), 'OUT_OF_ORDER_SEQUENCE_NUMBER')
    equal(await producer.as({ sequence: 1 }).produce('outside', 0, false), 'INVALID_TXN_STATE')
    equal(await producer.as({ transactionalId: 'nobody' }).produce('a'), 'INVALID_PRODUCER_ID_MAPPING')
    equal(await producer.as({ producerId: 12_345 }).produce('a'), 'INVALID_PRODUCER_ID_MAPPING')
    equal(await producer.as({ producerEpoch: 5 }).produce('a'), 'INVALID_PRODUCER_EPOCH')
    equal(await producer.end(true), 'NONE')
    const later = await producerOf(client, versions, `id ${version}`)
    equal(await producer.produce('late'), 'INVALID_PRODUCER_EPOCH')
    equal(await later.end(false), isVersion2 ? 'NONE' : 'INVALID_TXN_STATE')
  }
})

test('a transactional batch without the id of its producer is refused', async context => {
  const { client } = await serve(context)
  const producer = await producerOf(client, {})
  const { producerId, producerEpoch } = producer
  const batch = batchOf(['a'], { producerId, producerEpoch, baseSequence: 0, transactional: true })
  for (const version of [3, 11, 12])
    for (const transactionalId of [null, '']) {
      const request = producer.produceRequest(batch, { transactionalId })
      const { responses } = await client.ask(produce, version, request)
      const { errorCode } = responses[0]!.partitionResponses[0]!
      equal(nameOf(errorCode), 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED')
    }
})

test('a topic that is deleted leaves the transaction, which ends in the others', async context => {
  for (const versions of [versions1, versions2]) {
    const { client, port } = await serve(context)
    await port.createTopic('gone', { partitions: 1 })
    const producer = await producerOf(client, versions)
    deepEqual(await producer.add(['t', 0], ['gone', 0]), ['NONE', 'NONE'])
    equal(await producer.produce('a'), 'NONE')
    await port.deleteTopic('gone')
    deepEqual(await producer.add(['gone', 0]), ['UNKNOWN_TOPIC_OR_PARTITION'])
    equal(await producer.end(true), 'NONE')
    equal(await port.offsets('t', 0, 'latest', 'read_committed'), 2)
  }
})
