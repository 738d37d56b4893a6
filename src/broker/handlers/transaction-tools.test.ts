/** What tools ask: WriteTxnMarkers, DescribeProducers, DescribeTransactions, ListTransactions. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { nodeNet, seededRandom, systemClock } from '../../base/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { messages, type RequestInput } from '../../wire/index.ts'
import { Broker } from '../broker.ts'
import { KafkaServer } from '../server/kafka-server.ts'
import { RawClient } from '../server/raw-client.test-support.ts'
import { batchOf } from '../server/server.test-support.ts'
import { nameOf, TransactionClient, versions1, versions2 } from './transaction-client.test-support.ts'

const { describeProducers, describeTransactions, listTransactions, writeTxnMarkers } = messages

async function serve(context: Pick<TestContext, 'after'>) {
  const random = seededRandom(1)
  const disk = new SimulatedDisk({ random })
  const broker = await Broker.open('/data', { disk, clock: systemClock, random })
  const server = await KafkaServer.listen(broker, { net: nodeNet, clock: systemClock, address: { port: 0 } })
  const client = await RawClient.connect(nodeNet, server.address)
  context.after(async () => {
    client.close()
    await broker.close()
  })
  await broker.createTopic('t', { partitions: 2 })
  const producer = new TransactionClient(client, versions1)
  equal(await producer.init(), 'NONE')
  return { broker, client, producer, server }
}

type Markers = RequestInput<typeof writeTxnMarkers>['markers'][number]

test('a transaction that hangs is ended by a marker', async context => {
  const { broker, client, producer } = await serve(context)
  const mark = async (version: number, marker: Partial<Markers>): Promise<string[]> => {
    const { markers } = await client.ask(writeTxnMarkers, version, {
      markers: [
        {
          producerId: 7000,
          producerEpoch: 3,
          transactionResult: false,
          topics: [{ name: 't', partitionIndexes: [1] }],
          coordinatorEpoch: 0,
          ...marker,
        },
      ],
    })
    return markers.flatMap(({ topics }) =>
      topics.flatMap(({ partitions }) => partitions.map(({ errorCode }) => nameOf(errorCode))),
    )
  }
  const hang = (producerId: number) => {
    const partition = broker.partition('t', 1)
    const stamp = { producerId, producerEpoch: 3, baseSequence: 0, transactional: true }
    return partition.append(batchOf(['x'], stamp)).written
  }
  const open = (): number => broker.partition('t', 1).openTransactions.length
  for (const version of [1, 2]) {
    const producerId = 7000 + version
    await hang(producerId)
    deepEqual(await mark(version, { producerId, producerEpoch: 2 }), ['INVALID_PRODUCER_EPOCH'])
    if (version === 2)
      deepEqual(await mark(version, { producerId, transactionVersion: 2 }), ['INVALID_PRODUCER_EPOCH'])
    equal(open(), 1)
    const topics = [
      { name: 't', partitionIndexes: [1, 9] },
      { name: 'nope', partitionIndexes: [0] },
    ]
    deepEqual(await mark(version, { producerId, coordinatorEpoch: 5, topics }), [
      'NONE',
      'UNKNOWN_TOPIC_OR_PARTITION',
      'UNKNOWN_TOPIC_OR_PARTITION',
    ])
    equal(open(), 0)
    // The answer was lost.
    deepEqual(await mark(version, { producerId, coordinatorEpoch: 5 }), ['NONE'])
    deepEqual(await mark(version, { topics: [] }), [])
    deepEqual((await client.ask(writeTxnMarkers, version, { markers: [] })).markers, [])
  }
  await broker
    .partition('t', 1)
    .append(batchOf(['x'], { producerId: 7001, producerEpoch: 4, baseSequence: 0, transactional: true }))
    .written
  deepEqual(await mark(1, { producerId: 7001, producerEpoch: 4 }), ['TRANSACTION_COORDINATOR_FENCED'])
  deepEqual(await mark(1, { producerId: 7001, producerEpoch: 4, coordinatorEpoch: 5 }), ['NONE'])

  // What the coordinator has in hand does not hang.
  deepEqual(await producer.add(['t', 1]), ['NONE'])
  equal(await producer.produce('a', 1), 'NONE')
  deepEqual(await mark(2, producer), ['INVALID_TXN_STATE'])
  equal(await producer.end(true), 'NONE')
  await broker.transactions.outcomesVisible(broker.partition('t', 1))
  const { lastStableOffset, logEndOffset } = broker.partition('t', 1)
  equal(lastStableOffset, logEndOffset)
})

test('the producers of a partition are described', async context => {
  const { client, producer } = await serve(context)
  const { producerId } = producer
  const ask = async (name: string, ...partitionIndexes: number[]) => {
    const { topics } = await client.ask(describeProducers, 0, { topics: [{ name, partitionIndexes }] })
    return topics[0]!.partitions
  }
  await producer.add(['t', 0])
  await producer.produce('a')
  const [described, unknown, other] = await ask('t', 0, 5, 1)
  const [active] = described!.activeProducers
  ok(active!.lastTimestamp > 0)
  deepEqual(
    { ...active, lastTimestamp: 0 },
    {
      producerId,
      producerEpoch: 0,
      lastSequence: 0,
      lastTimestamp: 0,
      coordinatorEpoch: -1,
      currentTxnStartOffset: 0,
    },
  )
  equal(nameOf(unknown!.errorCode), 'UNKNOWN_TOPIC_OR_PARTITION')
  equal(unknown!.errorMessage, null)
  deepEqual(other!.activeProducers, [])
  await producer.end(true)
  const [after] = (await ask('t', 0))[0]!.activeProducers
  deepEqual([after!.currentTxnStartOffset, after!.coordinatorEpoch], [-1, 0])
  equal(nameOf((await ask('nope', 0))[0]!.errorCode), 'UNKNOWN_TOPIC_OR_PARTITION')
  equal(nameOf((await ask('a/b', 0))[0]!.errorCode), 'INVALID_TOPIC_EXCEPTION')
})

test('transactional ids are described and listed', async context => {
  const { client, producer } = await serve(context)
  const describe = async (...transactionalIds: string[]) =>
    (await client.ask(describeTransactions, 0, { transactionalIds })).transactionStates
  const list = async (version: number, filters: Partial<RequestInput<typeof listTransactions>> = {}) => {
    const answer = await client.ask(listTransactions, version, {
      stateFilters: [],
      producerIdFilters: [],
      ...filters,
    })
    const { errorCode, unknownStateFilters, transactionStates } = answer
    return [
      nameOf(errorCode),
      unknownStateFilters,
      transactionStates.map(each => `${each.transactionalId} ${each.transactionState}`),
    ]
  }
  const states = await describe('id', '', 'nobody')
  deepEqual(
    states.map(({ errorCode, transactionState }) => [nameOf(errorCode), transactionState]),
    [
      ['NONE', 'Empty'],
      ['INVALID_REQUEST', ''],
      ['TRANSACTIONAL_ID_NOT_FOUND', ''],
    ],
  )
  deepEqual([states[0]!.transactionStartTimeMs, states[0]!.transactionTimeoutMs], [-1, 60_000])
  const second = new TransactionClient(client, versions2, 'second')
  await second.init()
  await second.produce('a', 1)
  await producer.add(['t', 0, 1])
  const [ongoing] = await describe('id')
  equal(ongoing!.transactionState, 'Ongoing')
  deepEqual(ongoing!.topics, [{ topic: 't', partitions: [0, 1] }])
  ok(ongoing!.transactionStartTimeMs > 0)
  await second.end(true)
  ok((await describe('second'))[0]!.transactionStartTimeMs > 0)
  const [all, one] = [['id Ongoing', 'second CompleteCommit'], ['id Ongoing']]
  deepEqual(await list(0), ['NONE', [], all])
  deepEqual(await list(1, { stateFilters: ['Ongoing', 'Nope', 'ongoing', 'Dead', 'Nope'] }), [
    'NONE',
    ['Nope', 'ongoing'],
    one,
  ])
  deepEqual(await list(1, { stateFilters: ['Nope'] }), ['NONE', ['Nope'], []])
  deepEqual(await list(1, { producerIdFilters: [producer.producerId, 99_999] }), ['NONE', [], one])
  deepEqual(await list(1, { durationFilter: 1_000_000 }), ['NONE', [], []])
  deepEqual(await list(2, { durationFilter: -1 }), ['NONE', [], all])
  for (const transactionalIdPattern of [null, '', '.*'])
    deepEqual(await list(2, { transactionalIdPattern }), ['NONE', [], all])
  deepEqual(await list(2, { transactionalIdPattern: 'i.' }), ['NONE', [], one])
  deepEqual(await list(2, { transactionalIdPattern: 'i' }), ['NONE', [], []])
  deepEqual(await list(2, { transactionalIdPattern: '[' }), ['INVALID_REGULAR_EXPRESSION', [], []])
  await new TransactionClient(client, versions2, 'two\nlines').init()
  deepEqual(await list(1), ['NONE', [], [...all, 'two\nlines Empty']])
})

test('a pattern that takes long does not keep other clients waiting', async context => {
  const { client, server } = await serve(context)
  // The longest id that there can be is four times as long.
  await new TransactionClient(client, versions2, 'a'.repeat(8000)).init()
  const other = await RawClient.connect(nodeNet, server.address)
  context.after(() => other.close())
  const answered: string[] = []
  const filters = { stateFilters: [], producerIdFilters: [], transactionalIdPattern: '(.?){400}' }
  await Promise.all([
    client.ask(listTransactions, 2, filters).then(() => answered.push('list')),
    other.ask(describeTransactions, 0, { transactionalIds: [] }).then(() => answered.push('other')),
  ])
  deepEqual(answered, ['other', 'list'])
})
