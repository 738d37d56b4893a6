import { deepEqual, equal } from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { nodeNet } from '../../base/index.ts'
import { SimulatedLog, valuesIn } from '../simulated-log.test-support.ts'
import type { InProcessLog } from '../in-process.ts'
import { RawClient } from '../server/raw-client.test-support.ts'
import { startTestServer } from '../server/server.test-support.ts'
import { TransactionClient, versions1, versions2, type Versions } from './transaction-client.test-support.ts'

test('an end is answered once and again, and its opposite is refused', async context => {
  const { connect, port } = await startTestServer(context)
  await port.createTopic('t', { partitions: 1 })
  const client = await connect()
  for (const end of [0, 1, 2, 3, 4, 5])
    for (const committed of [true, false]) {
      const versions = { ...(end === 5 ? versions2 : versions1), end }
      const producer = new TransactionClient(client, versions, `id ${end} ${committed}`)
      await producer.init()
      equal(await producer.end(true), 'INVALID_TXN_STATE')
      if (end < 5) equal(await producer.end(false), 'INVALID_TXN_STATE')
      equal(await producer.as({ transactionalId: '' }).end(true), 'INVALID_REQUEST')
      equal(await producer.as({ transactionalId: 'nobody' }).end(true), 'INVALID_PRODUCER_ID_MAPPING')
      equal(await producer.as({ producerId: 12_345 }).end(true), 'INVALID_PRODUCER_ID_MAPPING')
      deepEqual(await producer.add(['t', 0]), ['NONE'])
      equal(
        await producer.as({ producerEpoch: 9 }).end(true),
        end < 2 ? 'INVALID_PRODUCER_EPOCH' : 'PRODUCER_FENCED',
      )
      const asked = producer.as({})
      equal(await producer.end(committed), 'NONE')
      equal(producer.producerEpoch, end < 5 ? 0 : 1)
      const again = asked.as({})
      equal(await again.end(committed), 'NONE')
      equal(again.producerEpoch, producer.producerEpoch)
      equal(await asked.as({}).end(!committed), 'INVALID_TXN_STATE')
    }
})

test('an abort without a transaction raises the epoch in version 5', async context => {
  const { connect } = await startTestServer(context)
  const producer = new TransactionClient(await connect(), versions2)
  await producer.init()
  const first = producer.as({})
  equal(await producer.end(false), 'NONE')
  equal(producer.producerEpoch, 1)
  equal(await first.as({}).end(false), 'NONE')
  equal(await first.as({}).end(true), 'INVALID_TXN_STATE')
  equal(await producer.end(false), 'NONE')
  equal(await first.end(false), 'PRODUCER_FENCED')
})

interface Served {
  readonly port: InProcessLog
  readonly client: RawClient
}

/** A log that loses power when a test says so, with clients that find it again. */
function powered(context: Pick<TestContext, 'after'>): {
  readonly log: SimulatedLog
  readonly serve: (port: Promise<InProcessLog>) => Promise<Served>
} {
  const log = new SimulatedLog()
  const clients: RawClient[] = []
  const servers: { close(): Promise<void> }[] = []
  context.after(async () => {
    for (const client of clients) client.close()
    for (const server of servers) await server.close()
  })
  return {
    log,
    async serve(opening) {
      const port = await opening
      const server = await port.listen({ net: nodeNet, address: { port: 0 } })
      servers.push(server)
      const client = await RawClient.connect(nodeNet, server.address)
      clients.push(client)
      return { port, client }
    },
  }
}

async function begin(producer: TransactionClient, value: string): Promise<void> {
  if (producer.versions.produce < 12) deepEqual(await producer.add(['t', 0]), ['NONE'])
  equal(await producer.produce(value), 'NONE')
  producer.sequence += 1
}

test('a produce without a request before is told of a crash in its version', async context => {
  const { log, serve } = powered(context)
  const first = await serve(log.open())
  await first.port.createTopic('t', { partitions: 1 })
  const producer = new TransactionClient(first.client, versions1)
  equal(await producer.init(), 'NONE')
  await begin(producer, 'lost')
  producer.client = (await serve(log.crash())).client
  const codes = { 4: 'INVALID_TXN_STATE', 5: 'UNKNOWN_PRODUCER_ID', 10: 'UNKNOWN_PRODUCER_ID' }
  for (const [version, code] of Object.entries(codes))
    equal(await producer.as({ versions: { ...versions1, produce: Number(version) } }).produce('more'), code)
  const newest = producer.as({ versions: { ...versions1, produce: 11 } })
  equal(await newest.produce('more'), 'TRANSACTION_ABORTABLE')
  // A client that bumps its epoch begins with sequence 0.
  equal(await producer.init(true), 'NONE')
  await begin(producer, 'next')
  equal(await producer.end(true), 'NONE')
  await log.close()
})

/** Version 1 with the requests of old clients, too, which do not know TRANSACTION_ABORTABLE. */
const generations: readonly (readonly [string, Versions])[] = [
  ['transactions of version 1, old clients', { ...versions1, end: 3, produce: 9 }],
  ['transactions of version 1', { ...versions1, init: 5, addOffsets: 4, produce: 11, commit: 4 }],
  ['transactions of version 2', versions2],
]

for (const [name, versions] of generations) {
  const isOld = versions.end < 4
  test(`${name}: a crash keeps commits, and aborts what is open`, async context => {
    const { log, serve } = powered(context)
    const first = await serve(log.open())
    await first.port.createTopic('t', { partitions: 1 })
    const producer = new TransactionClient(first.client, versions)
    equal(await producer.init(), 'NONE')
    await begin(producer, 'committed')
    const asked = producer.as({})
    equal(await producer.end(true), 'NONE')
    await begin(producer, 'lost')

    const second = await serve(log.crash())
    asked.client = producer.client = second.client
    deepEqual(await valuesIn(second.port, 't'), ['committed'])
    if (versions.produce < 12) deepEqual(await producer.add(['t', 0]), ['INVALID_PRODUCER_ID_MAPPING'])
    else equal(await producer.produce('more'), 'TRANSACTION_ABORTABLE')
    equal(await producer.end(true), isOld ? 'INVALID_PRODUCER_ID_MAPPING' : 'TRANSACTION_ABORTABLE')
    // Old clients take a new epoch at once, others abort.
    equal(await (isOld ? producer.init(true) : producer.end(false)), 'NONE')
    await begin(producer, 'next')
    equal(await producer.end(true), 'NONE')
    deepEqual(await valuesIn(second.port, 't'), ['committed', 'next'])
    equal(await asked.end(true), versions.end < 5 && !isOld ? 'NONE' : 'PRODUCER_FENCED')
    await log.close()
  })

  test(`${name}: the answer to a commit that a crash has cut off is given again`, async context => {
    const { log, serve } = powered(context)
    const first = await serve(log.open())
    await first.port.createTopic('t', { partitions: 1 })
    const producer = new TransactionClient(first.client, versions)
    equal(await producer.init(), 'NONE')
    await begin(producer, 'a')
    const asked = producer.as({})
    equal(await producer.end(true), 'NONE')
    const second = await serve(log.crash())
    asked.client = second.client
    equal(await asked.end(true), 'NONE')
    deepEqual([asked.producerId, asked.producerEpoch], [producer.producerId, producer.producerEpoch])
    deepEqual(await valuesIn(second.port, 't'), ['a'])
    await log.close()
  })
}

test('a client that changes to version 2 is told what a crash has aborted', async context => {
  const { log, serve } = powered(context)
  const first = await serve(log.open())
  await first.port.createTopic('t', { partitions: 1 })
  const old = new TransactionClient(first.client, versions1)
  equal(await old.init(), 'NONE')
  await begin(old, 'a')
  equal(await old.end(true), 'NONE')
  const producer = old.as({ versions: versions2 })
  await begin(producer, 'lost')
  const second = await serve(log.crash())
  producer.client = second.client
  // What it produces must not become another transaction, without the records before.
  equal(await producer.produce('rest'), 'TRANSACTION_ABORTABLE')
  equal(await producer.end(true), 'TRANSACTION_ABORTABLE')
  equal(await producer.end(false), 'NONE')
  deepEqual(await valuesIn(second.port, 't'), ['a'])
  await log.close()
})

test('a transaction that takes too long is aborted, and its client may continue', async context => {
  for (const versions of [versions1, versions2]) {
    const { log, serve } = powered(context)
    const { port, client } = await serve(log.open())
    await port.createTopic('t', { partitions: 1 })
    const producer = new TransactionClient(client, versions)
    equal(await producer.init(), 'NONE')
    await begin(producer, 'slow')
    await log.clock.advance(61_000)
    equal(await producer.produce('late'), 'INVALID_PRODUCER_EPOCH')
    const isNewest = versions === versions2
    const stale = producer.as({})
    equal(await producer.end(true), isNewest ? 'INVALID_TXN_STATE' : 'PRODUCER_FENCED')
    equal(await producer.end(false), isNewest ? 'NONE' : 'PRODUCER_FENCED')
    if (!isNewest) equal(await producer.init(true), 'NONE')
    equal(producer.producerEpoch, 1)
    await begin(producer, 'next')
    equal(await producer.end(true), 'NONE')
    for (const committed of [true, false]) equal(await stale.end(committed), 'PRODUCER_FENCED')
    if (isNewest) equal(await stale.init(true), 'PRODUCER_FENCED')
    deepEqual(await valuesIn(port, 't'), ['next'])
    await log.close()
  }
})
