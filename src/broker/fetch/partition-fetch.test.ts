import { deepEqual, equal, ok } from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { isMillraceError, Latch, MillraceError, seededRandom } from '../../base/index.ts'
import type { Partition, UnrecoveredPartition } from '../../log/index.ts'
import { UnrecoveredPartition as Unrecovered } from '../../log/unrecovered-partition.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { BatchBuilder } from '../../wire/index.ts'
import { Broker } from '../broker.ts'
import { FetchMemory } from './fetch-memory.ts'
import { fetchAll, type Fetched, type FetchOptions } from './partition-fetch.ts'

const mebibyte = 1024 * 1024

async function start(context: TestContext, partitions = 1) {
  const random = seededRandom(1)
  const clock = virtualClock(1_000_000)
  const broker = await Broker.open('/data', { disk: new SimulatedDisk({ random }), clock, random })
  await broker.createTopic('orders', { partitions })
  const memory = new FetchMemory(mebibyte, mebibyte)
  const over = new Latch()
  const running = { isDone: false }
  const all = Array.from({ length: partitions }, (_, index) => broker.partition('orders', index))
  context.after(() => broker.close())
  return {
    broker,
    clock,
    memory,
    over,
    all,
    running,
    append: async (partition: Partition, bytes: number): Promise<number> => {
      const builder = new BatchBuilder()
      builder.append(1, null, Buffer.alloc(bytes))
      const batch = builder.build()
      await partition.append(batch).durable
      return batch.length
    },
    /** Begins a fetch of these partitions, all from offset 0. */
    fetch: (
      targets: readonly { readonly find: () => Partition | UnrecoveredPartition }[],
      options: Partial<FetchOptions> & { readonly partitionBytesMax?: number; readonly offset?: number } = {},
    ): Promise<Fetched[]> => {
      const { offset = 0, partitionBytesMax: bytesMax = mebibyte } = options
      running.isDone = false
      const fetching = fetchAll(
        targets.map((_, index) => ({
          topic: 'orders',
          index,
          offset,
          bytesMax,
          leaderEpoch: -1,
          lastFetchedEpoch: -1,
        })),
        {
          find: ({ index }) => targets[index]!.find(),
          isolation: 'read_uncommitted',
          bytesMin: 1,
          bytesMax: mebibyte,
          waitMs: 500,
          over,
          ...options,
        },
        { clock, memory },
      )
      void fetching.then(() => (running.isDone = true))
      return fetching
    },
  }
}

const found = (partition: Partition) => ({ find: () => partition })

function sizes(fetched: readonly Fetched[]): number[] {
  return fetched.map(each => (each.kind === 'read' ? each.result.batches.length : -1))
}

test('a fetch that can get no more does not wait for its least bytes', async context => {
  const { all, append, clock, fetch, running } = await start(context)
  const size = await append(all[0]!, 1000)
  await append(all[0]!, 1000)
  // By the limit of the partition, and by that of the response. Apache Kafka would cut the second batch.
  for (const limits of [{ partitionBytesMax: 1500 }, { bytesMax: 1500 }]) {
    const fetching = fetch([found(all[0]!)], { bytesMin: 1500, ...limits })
    await clock.advance(1)
    ok(running.isDone)
    deepEqual(sizes(await fetching), [size])
  }
})

test('least bytes that never come are waited for until the end, and what there is is answered', async context => {
  const { all, append, clock, fetch, running } = await start(context)
  const size = await append(all[0]!, 1000)
  const timers = clock.pending
  const fetching = fetch([found(all[0]!)], { bytesMin: 100_000 })
  await clock.advance(490)
  ok(!running.isDone)
  await clock.advance(20)
  deepEqual(sizes(await fetching), [size])
  equal(clock.pending, timers)
})

test('records that come in small steps are read a few times, not at each step', async context => {
  const { all, append, clock, fetch, memory, running } = await start(context)
  const fetching = fetch([found(all[0]!)], { bytesMin: 200_000, waitMs: 10_000 })
  let reads = 0
  const lend = memory.lend.bind(memory)
  memory.lend = bytes => {
    reads += 1
    return lend(bytes)
  }
  let steps = 0
  for (; !running.isDone && steps < 1000; steps += 1) {
    await append(all[0]!, 1000)
    await clock.advance(5)
  }
  const [bytes] = sizes(await fetching)
  ok(bytes! >= 200_000)
  ok(steps < 300, `${steps} steps, where 200 have enough`)
  ok(reads < 25, `${reads} reads`)
})

test('the end of the broker, or of the client, ends the wait', async context => {
  const { over, all, clock, fetch } = await start(context)
  const fetching = fetch([found(all[0]!)], { waitMs: 3_600_000 })
  await clock.advance(10)
  over.open()
  deepEqual(sizes(await fetching), [0])
  deepEqual(sizes(await fetch([found(all[0]!)], { waitMs: 3_600_000 })), [0])
})

test('a topic that is deleted ends the wait', async context => {
  const { broker, clock, fetch } = await start(context)
  const fetching = fetch([{ find: () => broker.partition('orders', 0) }], { waitMs: 3_600_000 })
  await clock.advance(10)
  await broker.deleteTopic('orders')
  const [one] = await fetching
  ok(one?.kind === 'failed' && isMillraceError(one.error, 'UNKNOWN_TOPIC'))
})

test('a fetch without partitions is answered at once', async context => {
  const { fetch } = await start(context)
  deepEqual(await fetch([], { waitMs: 3_600_000 }), [])
})

test('a partition that is being recovered is waited for; one that cannot be is an error', async context => {
  const { all, append, clock, fetch } = await start(context)
  await append(all[0]!, 10)
  const unrecovered = (): Unrecovered =>
    new Unrecovered(
      {
        name: 'orders-0',
        folder: '/data/orders-0',
        config: {},
        isConfigured: true,
        settings: all[0]!.settings,
        recoveryPoint: undefined,
        logStartOffset: undefined,
      },
      () => undefined,
    )
  const opened = unrecovered()
  let isOpen = false
  const fetching = fetch([{ find: () => (isOpen ? all[0]! : opened) }], { waitMs: 10_000 })
  await clock.advance(100)
  isOpen = true
  opened.settle()
  ok(sizes(await fetching)[0]! > 0)

  const refused = unrecovered()
  const refusing = fetch([{ find: () => refused }], { waitMs: 10_000 })
  await clock.advance(100)
  refused.settle(new MillraceError('DISK_FULL', 'No room.', { retriable: true }))
  const [one] = await refusing
  ok(one?.kind === 'failed' && isMillraceError(one.error, 'DISK_FULL'))

  refused.failure = new MillraceError('DISK_FAILED', 'Bad.')
  const [again] = await fetch([{ find: () => refused }], { waitMs: 10_000 })
  ok(again?.kind === 'failed' && isMillraceError(again.error, 'DISK_FAILED'))

  const late = unrecovered()
  const waiting = fetch([{ find: () => late }], { waitMs: 100 })
  await clock.advance(100)
  equal((await waiting)[0]!.kind, 'unrecovered')
})

test('without memory a fetch waits for some, at most for its time', async context => {
  const { all, append, clock, fetch, memory, running } = await start(context)
  for (let n = 0; n < 10; n += 1) await append(all[0]!, 100_000)
  const held = memory.lend(mebibyte)
  // Scarce: little, but a whole batch.
  const [little] = sizes(await fetch([found(all[0]!)]))
  ok(little! > 100_000 && little! < 110_000)
  const rest = memory.lend(mebibyte)
  const fetching = fetch([found(all[0]!)])
  await clock.advance(400)
  ok(!running.isDone)
  await clock.advance(110)
  deepEqual(sizes(await fetching), [0])
  const answered = fetch([found(all[0]!)])
  await clock.advance(10)
  memory.giveBack(rest)
  ok(sizes(await answered)[0]! > 0)
  memory.giveBack(held)
})

test('ten thousand partitions are read, and waited for, in one fetch', async context => {
  const { all, append, clock, fetch } = await start(context, 10)
  const targets = Array.from({ length: 10_000 }, (_, n) => found(all[n % 10]!))
  const startMs = performance.now()
  const fetching = fetch(targets, { waitMs: 10_000 })
  await clock.advance(10)
  await append(all[3]!, 10)
  const fetched = await fetching
  equal(fetched.length, 10_000)
  // Of 1,000 that are the same partition: as many as scarce memory allows.
  ok(sizes(fetched).filter(bytes => bytes > 0).length > 500)
  ok(performance.now() - startMs < 2000)
})
