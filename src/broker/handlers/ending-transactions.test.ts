/** What clients are told while a transaction is ending, and while the disk has no room for it. */
import { deepEqual, equal } from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { nodeNet, seededRandom, systemClock } from '../../base/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { valuesOf } from '../../log/log.test-support.ts'
import { Broker } from '../broker.ts'
import { KafkaServer } from '../server/kafka-server.ts'
import { RawClient } from '../server/raw-client.test-support.ts'
import { TransactionClient, versions1, versions2 } from './transaction-client.test-support.ts'

async function serve(context: Pick<TestContext, 'after'>) {
  const random = seededRandom(1)
  const disk = new SimulatedDisk({ random })
  const broker = await Broker.open('/data', { disk, clock: systemClock, random })
  const errors: unknown[] = []
  const server = await KafkaServer.listen(broker, {
    net: nodeNet,
    clock: systemClock,
    address: { port: 0 },
    onError: error => errors.push(error),
  })
  const connect = async (): Promise<RawClient> => {
    const client = await RawClient.connect(nodeNet, server.address)
    context.after(() => client.close())
    return client
  }
  context.after(() => broker.close())
  await broker.createTopic('t', { partitions: 2 })
  return { broker, disk, connect, errors }
}

/** The same producer over another connection. */
async function again(
  producer: TransactionClient,
  connect: () => Promise<RawClient>,
): Promise<TransactionClient> {
  const copy = producer.as({})
  copy.client = await connect()
  return copy
}

for (const [name, versions] of Object.entries({ 'version 1': versions1, 'version 2': versions2 })) {
  test(`${name}: nothing is added to a transaction that is ending, and its client may try again`, async context => {
    const { broker, connect, errors } = await serve(context)
    const producer = new TransactionClient(await connect(), versions)
    equal(await producer.init(), 'NONE')
    deepEqual(await producer.add(['t', 0]), ['NONE'])
    equal(await producer.addOffsets(), 'NONE')
    equal(await producer.produce('a'), 'NONE')
    producer.sequence = 1
    const partition = broker.partition('t', 0)
    const disk = Promise.withResolvers<void>()
    const settle = partition.settle.bind(partition)
    const asked = Promise.withResolvers<void>()
    partition.settle = async () => {
      asked.resolve()
      await disk.promise
      await settle()
    }
    const other = await again(producer, connect)
    const ended = producer.end(true)
    await asked.promise
    const told = [
      ...(await other.add(['t', 1])),
      await other.addOffsets(),
      await other.produce('b'),
      ...(await other.commit()),
    ]
    // Apache Kafka answers these with CONCURRENT_TRANSACTIONS as well; here they wait.
    const repeated = await again(producer, connect)
    const endedAgain = repeated.end(true)
    const next = new TransactionClient(await connect(), versions)
    const registered = next.init()
    disk.resolve()
    const busy = 'CONCURRENT_TRANSACTIONS'
    // All of them are retried. Clients of version 1 do not expect the code of the others for the last two.
    const lastTwo =
      versions === versions2 ? [busy, busy] : ['NOT_ENOUGH_REPLICAS', 'COORDINATOR_NOT_AVAILABLE']
    deepEqual(told, [busy, busy, ...lastTwo])
    deepEqual(await Promise.all([ended, endedAgain, registered]), ['NONE', 'NONE', 'NONE'])
    deepEqual([repeated.producerId, repeated.producerEpoch], [producer.producerId, producer.producerEpoch])
    equal(next.producerEpoch, producer.producerEpoch + 1)
    // The first producer is told that another one has its id.
    equal(await producer.addOffsets(), 'PRODUCER_FENCED')
    deepEqual(await next.add(['t', 1]), ['NONE'])
    equal(await next.produce('c', 1), 'NONE')
    equal(await next.end(true), 'NONE')
    equal(partition.lastStableOffset, partition.logEndOffset)
    deepEqual(errors, [])
  })

  test(`${name}: a full disk refuses each request of a transaction, and leaves nothing half done`, async context => {
    const { broker, disk, connect, errors } = await serve(context)
    const client = await connect()
    const producer = new TransactionClient(client, versions)
    /** What the call is told while there is no room, and that it succeeds once there is. */
    const check = async <T>(call: () => Promise<T>, full: T, done: T): Promise<void> => {
      disk.capacityBytes = disk.sizeBytes
      deepEqual(await call(), full)
      deepEqual(await call(), full)
      disk.capacityBytes = Infinity
      deepEqual(await call(), done)
    }
    const unavailable = 'COORDINATOR_NOT_AVAILABLE'
    await check(() => producer.init(), unavailable, 'NONE')
    const { producerEpoch } = producer
    const isVersion1 = versions === versions1
    // In version 2 the beginning of a transaction is not written.
    if (isVersion1) {
      await check(() => producer.add(['t', 0]), [unavailable], ['NONE'])
      equal(await producer.end(false), 'NONE')
      await broker.transactions.outcomesVisible(broker.partition('t', 0))
      await check(() => producer.addOffsets(), unavailable, 'NONE')
    } else deepEqual(await producer.add(['t', 0]), ['NONE'])
    deepEqual(await producer.add(['t', 0]), ['NONE'])
    await check(() => producer.produce('a'), 'KAFKA_STORAGE_ERROR', 'NONE')
    await check(() => producer.commit(), [unavailable], ['NONE'])
    await check(() => producer.end(true), unavailable, 'NONE')
    equal(producer.producerEpoch, producerEpoch + (isVersion1 ? 0 : 1))
    const partition = broker.partition('t', 0)
    await broker.transactions.outcomesVisible(partition)
    equal(partition.lastStableOffset, partition.logEndOffset)
    equal(broker.groupOffsets.now('g').get({ topic: 't', partition: 0 })?.offset, 3)
    // The next transaction is whole as well.
    producer.sequence = isVersion1 ? 1 : 0
    deepEqual(await producer.add(['t', 0]), ['NONE'])
    equal(await producer.produce('b'), 'NONE')
    await check(() => producer.end(false), unavailable, 'NONE')
    await broker.transactions.outcomesVisible(partition)
    equal(partition.lastStableOffset, partition.logEndOffset)
    deepEqual(partition.openTransactions, [])
    deepEqual(await valuesOf(partition, 'read_committed'), ['a'])
    deepEqual(errors, [])
  })
}
