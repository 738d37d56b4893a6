/** When a run commits: by time, also within a batch, and what a restart finds there. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic, windowed } from '../../src/schema/index.ts'
import { App, tumbling } from '../../src/stream/index.ts'
import { type VirtualClock } from '../../src/testing/virtual-clock.ts'
import { type Incoming, inPlaceOf, World } from './world.ts'

const input = topic('input', {
  key: text(),
  value: json<number>(),
  watermark: { outOfOrderness: 20 },
})
const totals = topic('totals', { key: text(), value: json<number>(), partitions: 1 })
const counts = topic('counts', { key: windowed(text()), value: json<number>(), partitions: 1 })
const late = topic('late', { key: text(), value: json<number>(), partitions: 1 })

/** Counts per key, and per key and window, in an app whose function takes `ms` for each record. */
function counting(world: World, ms: number): App {
  const app = new App('app')
  const events = app.stream(input).mapValues(value => {
    world.clock.block(ms)
    return value
  })
  events.groupByKey().count().to(totals)
  const windows = events
    .groupBy((_, key) => key!.toUpperCase())
    .windowedBy(tumbling(100))
    .count()
  windows.emit('final').to(counts)
  windows.late().to(late)
  return app
}

const inOneBatch = (count: number): Incoming[] =>
  Array.from({ length: count }, (_, n) => ({ key: 'a', value: n, timestamp: n }))

for (const exchange of ['memory', 'topic'] as const) {
  test(`a batch of 300 records that take 10 ms each commits about every 200 ms (${exchange})`, async () => {
    const world = await World.open()
    await world.write('input', inOneBatch(300))
    let committedAt = world.clock.monotonic()
    const between: number[] = []
    const { metrics } = await world.run(counting(world, 10), {
      until: 'now',
      exchange,
      commitInterval: '200ms',
      onPhase: phase => {
        if (phase !== 'committing') return
        between.push(world.clock.monotonic() - committedAt)
        committedAt = world.clock.monotonic()
      },
    })
    ok(metrics.commits >= 14 && metrics.commits <= 18, `${metrics.commits} commits`)
    ok(Math.max(...between) <= 250, `${Math.max(...between)} ms between two commits`)
    equal((await world.read('totals')).length, 300)
  })
}

test('of windows that close together, many fire in one turn of the event loop', async () => {
  const world = await World.open()
  const keys = Array.from({ length: 5000 }, (_, n) => ({ key: `k${n}`, value: n, timestamp: n % 100 }))
  await world.write('input', [...keys, { key: 'later', value: 0, timestamp: 1000 }])
  const app = new App('app')
  const groups = app.stream(input).groupByKey()
  groups.windowedBy(tumbling(100)).count().emit('final').to(counts)
  let turns = 0
  const clock = new Proxy(
    world.clock,
    inPlaceOf<VirtualClock>({
      yield: () => {
        turns += 1
        return world.clock.yield()
      },
    }),
  )
  const { done } = world.start(app, { until: 'now' }, world.port, clock)
  await world.settle(done)
  equal((await world.read('counts')).length, 5000)
  // 5,001 records, 5,000 results, and 5,000 rows that expire: about 2,048 of them per turn.
  ok(turns < 20, `${turns} turns`)
})

test('a batch that takes longer than the transaction time-out is processed in several transactions', async () => {
  const world = await World.open()
  await world.write('input', inOneBatch(2500), { perBatch: 2500 })
  await world.run(counting(world, 30), { until: 'now' })
  equal((await world.read('totals')).at(-1)?.value, '2500')
})

for (const inHand of [0, 1])
  test(`another instance gets its partitions while a long batch of partition ${inHand} is processed`, async () => {
    const world = await World.open()
    const long = Array.from({ length: 2000 }, (_, n) => ({
      key: 'a',
      value: n,
      // The partition with the lower event time is read.
      timestamp: n % 2 === inHand ? n : n + 10_000,
      partition: n % 2,
    }))
    // A batch of one record raises this partition's event time above the other's.
    const one = long.findIndex(({ partition }) => partition !== inHand)
    await world.write('input', long.splice(one, 1), { partitions: 2 })
    await world.write('input', long)
    const options = { exchange: 'topic', commitInterval: '100ms' } as const
    const first = world.start(counting(world, 30), { ...options, instance: '0' })
    await world.clock.advance(100)
    const second = world.start(counting(world, 30), { ...options, instance: '1' })
    while (second.instance.progress().records === 0) {
      equal(first.outcome(), 'running')
      await world.clock.advance(100)
    }
    ok(first.instance.progress().records < 1500, 'the first one has not read both partitions')
    await world.stop(first)
    await world.stop(second)
    await world.run(counting(world, 0), { ...options, until: 'now' })
    const values = (await world.read('totals')).map(({ value }) => Number(value))
    deepEqual(
      values.slice().sort((a, b) => a - b),
      [...values.keys()].flatMap(n => (n < 1000 ? [n + 1, n + 1] : [])),
    )
  })

test('a run that is cut off within a batch continues there, with its watermark', async () => {
  // Every seventh record is further out of order than allowed, and so late if the watermark is known.
  const records = Array.from({ length: 120 }, (_, n) => ({
    key: n % 2 === 0 ? 'a' : 'b',
    value: n,
    timestamp: n % 7 === 6 ? Math.max(0, n * 10 - 250) : n * 10,
  }))
  const outcome = async (cutOffAfter: number, exchange: 'memory' | 'topic'): Promise<unknown> => {
    const world = await World.open()
    await world.write('input', records)
    const seen = { commits: 0 }
    const options = { exchange, commitInterval: '20ms' } as const
    const running = world.start(counting(world, 10), {
      ...options,
      onPhase: phase => {
        if (phase === 'committed') seen.commits += 1
      },
    })
    if (cutOffAfter > 0) {
      while (seen.commits < cutOffAfter) await world.clock.advance(1)
      await world.crash()
    } else await world.stop(running)
    await world.run(counting(world, 0), { ...options, until: 'end' })
    const valuesOf = async (name: string): Promise<unknown> =>
      (await world.read(name)).map(({ key, value, timestamp }) => `${key} ${value} ${timestamp}`).sort()
    return [await valuesOf('totals'), await valuesOf('counts'), await valuesOf('late')]
  }
  for (const exchange of ['memory', 'topic'] as const) {
    const expected = await outcome(0, exchange)
    for (const cutOffAfter of [1, 2, 5, 17, 30])
      deepEqual(await outcome(cutOffAfter, exchange), expected, `${exchange}, ${cutOffAfter} commits`)
  }
})

test('results that fire are committed about every 200 ms, and a run that is cut off among them continues there', async () => {
  const keys = 300
  const records = Array.from({ length: keys }, (_, n) => ({ key: `k${n}`, value: n, timestamp: n % 100 }))
  /** Each result takes 10 ms downstream of its window. */
  const slow = (world: World): App => {
    const app = new App('app')
    app
      .stream(input)
      .groupByKey()
      .windowedBy(tumbling(100))
      .count()
      .emit('final')
      .filter(() => {
        world.clock.block(10)
        return true
      })
      .to(counts)
    return app
  }
  for (const cutOffAfter of [undefined, 2, 5, 9]) {
    const world = await World.open()
    await world.write('input', [...records, { key: 'end', value: 0, timestamp: 1000 }])
    let committedAt = world.clock.monotonic()
    const seen = { betweenMs: 0, commits: 0 }
    const running = world.start(slow(world), {
      commitInterval: '200ms',
      onPhase: phase => {
        if (phase === 'committed') seen.commits += 1
        if (phase !== 'committing') return
        seen.betweenMs = Math.max(seen.betweenMs, world.clock.monotonic() - committedAt)
        committedAt = world.clock.monotonic()
      },
    })
    if (cutOffAfter === undefined) {
      while (running.instance.metrics.results['on-time'] < keys) await world.clock.advance(1)
      ok(seen.betweenMs <= 400, `${seen.betweenMs} ms between two commits`)
      await world.stop(running)
    } else {
      while (seen.commits < cutOffAfter) await world.clock.advance(1)
      if (cutOffAfter % 2 === 0) await world.crash()
      else await world.stop(running)
      await world.run(slow(world), { until: 'now' })
    }
    const results = (await world.read('counts')).map(({ key, value }) => `${key} ${value}`)
    equal(new Set(results).size, keys, `cut off after ${cutOffAfter}`)
    equal(results.length, keys, `cut off after ${cutOffAfter}`)
  }
})

for (const exchange of ['memory', 'topic'] as const)
  test(`a commit carries the leader epoch of the last batch of each input (${exchange})`, async () => {
    const world = await World.open()
    const committed = async (): Promise<unknown> => {
      const [group] = await world.settle(world.port.listGroups())
      const found = group!.offsets.find(each => each.topic === 'input')
      return [found?.offset, found?.leaderEpoch]
    }
    await world.write('input', inOneBatch(3))
    await world.run(counting(world, 0), { until: 'now', exchange })
    deepEqual(await committed(), [3, 0])
    await world.crash()
    await world.run(counting(world, 0), { until: 'now', exchange })
    deepEqual(await committed(), [3, 0])
    await world.write('input', inOneBatch(2))
    await world.run(counting(world, 0), { until: 'now', exchange })
    deepEqual(await committed(), [5, 1])
  })
