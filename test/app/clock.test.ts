/**
 * How the clock affects event time in a running app: arrival, records ahead of it, partitions without data,
 * stalls, and firing that a crash interrupts.
 */
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../src/base/index.ts'
import { json, text, topic, type WatermarkOptions, windowed } from '../../src/schema/index.ts'
import { isMillraceError } from '../../src/base/index.ts'
import { App, hopping, session, tumbling } from '../../src/stream/index.ts'
import { type Incoming, startsAndValues, World } from './world.ts'

const counts = topic('counts', { key: windowed(text()), value: json<number>(), partitions: 1 })

interface Counting {
  readonly size?: number
  readonly watermark?: WatermarkOptions
  readonly arrival?: boolean
}

function counting({ size = 500, watermark, arrival = false }: Counting): App {
  const app = new App('app')
  const input = topic('input', {
    key: text(),
    value: json<string>(),
    ...(watermark && { watermark }),
    ...(arrival && { timestamp: 'arrival' as const }),
  })
  app
    .stream(input)
    .groupBy((_, key) => key)
    .windowedBy(tumbling(size))
    .count()
    .emit('final')
    .to(counts)
  return app
}

const event = (timestamp: number, partition = 0, key = 'k'): Incoming => ({
  key,
  value: '"x"',
  timestamp,
  partition,
})

const year2262 = 9_223_372_036_854

for (const far of [year2262, 8_640_000_000_000_000, 1_000_000_000_000 + 86_400_001 + 1000])
  test(`a record of ${new Date(far).toISOString()} does not end event time for other records`, async () => {
    const world = await World.open()
    const times = Array.from({ length: 100 }, (_, n) => (n === 5 ? far : n * 10))
    await world.write(
      'input',
      times.map(time => event(time)),
    )
    const app = counting({})
    const failed = world.start(app)
    await rejects(world.settle(failed.done), error => {
      match((error as Error).message, /input-0, offset 5.*more than 1d ahead of the wall clock.*maxAhead/s)
      return (error as { code: string }).code === 'MALFORMED_RECORD'
    })
    const first = await world.run(app, { until: 'now', onError: 'skip' })
    deepEqual([first.metrics.dropped.malformed, first.metrics.dropped.late], [1, 0])
    await world.crash()
    await world.write('input', [event(999)])
    const { metrics } = await world.run(app, { until: 'end', onError: 'skip' })
    equal(metrics.dropped.late, 0)
    deepEqual(startsAndValues(await world.read('counts')), [
      [0, 49],
      [500, 51],
    ])
  })

test('a topic may state how far ahead its records are, as the message advises', async () => {
  const world = await World.open()
  await world.write('input', [event(year2262)])
  const { metrics } = await world.run(counting({ watermark: { maxAhead: '1000000d' } }), { until: 'end' })
  equal(metrics.dropped.malformed, 0)
  equal((await world.read('counts')).length, 1)
})

for (const exchange of ['memory', 'topic'] as const) {
  test(`arrival: nothing is late if the wall clock is set back, even after a restart (${exchange})`, async () => {
    const world = await World.open()
    let shiftMs = 0
    const clock: Clock = { ...world.clock, now: () => world.clock.now() + shiftMs }
    const app = counting({ size: 200, arrival: true })
    await world.write('input', [event(0)])
    for (const back of [0, -3_600_000, -7_200_000]) {
      shiftMs = back
      const running = world.start(app, { exchange }, world.port, clock)
      for (let n = 0; n < 10; n += 1) {
        if (n === 5) shiftMs -= 3_600_000
        await world.write('input', [event(0)])
        await world.clock.advance(20)
      }
      deepEqual(running.instance.metrics.dropped.late, 0)
      await world.stop(running)
    }
    const { metrics } = await world.run(app, { until: 'end', exchange })
    equal(metrics.dropped.late, 0)
    const total = startsAndValues(await world.read('counts')).reduce((sum, [, count]) => sum + count, 0)
    equal(total, 31)
  })

  test(`arrival: windows close by the clock, without data (${exchange})`, async () => {
    const world = await World.open()
    await world.write(
      'input',
      Array.from({ length: 5 }, () => event(0)),
      { partitions: 2 },
    )
    const running = world.start(counting({ arrival: true }), { exchange })
    await world.clock.advance(1500)
    deepEqual(
      startsAndValues(await world.read('counts')).map(([, count]) => count),
      [5],
    )
    await world.stop(running)
  })

  test(`if all inputs are idle, event time continues by the clock, and is committed (${exchange})`, async () => {
    const world = await World.open()
    const app = counting({ watermark: { idleAfter: 300 } })
    await world.write('input', [event(100), event(200), event(300)], { partitions: 2 })
    const running = world.start(app, { exchange })
    await world.clock.advance(250)
    deepEqual(await world.read('counts'), [])
    await world.clock.advance(750)
    deepEqual(startsAndValues(await world.read('counts')), [[0, 3]])
    await world.stop(running)
    await world.crash()
    const again = world.start(app, { exchange })
    await world.write('input', [event(350)])
    await world.clock.advance(300)
    deepEqual(again.instance.metrics.dropped.idle, 1)
    await world.stop(again)
    deepEqual(startsAndValues(await world.read('counts')), [[0, 3]])
  })
}

test('while no records come, an app commits at most once a minute if no window waits', async () => {
  const world = await World.open()
  for (const app of [
    counting({ size: 10_000_000_000_000, watermark: { idleAfter: 300 } }),
    counting({ size: 10_000_000_000_000, arrival: true }),
  ]) {
    await world.write('input', [event(100)])
    const running = world.start(app)
    await world.clock.advance(1000)
    const { commits } = running.instance.metrics
    await world.clock.advance(120_000)
    ok(running.instance.metrics.commits - commits <= 3, `${running.instance.metrics.commits - commits}`)
    await world.stop(running)
  }
})

test('a stall of the process makes no partition idle', async () => {
  const world = await World.open()
  let stalledMs = 0
  const clock: Clock = {
    ...world.clock,
    now: () => world.clock.now() + stalledMs,
    monotonic: () => world.clock.monotonic() + stalledMs,
  }
  const app = counting({ size: 100, watermark: { idleAfter: 500 } })
  // Partition 1 is five minutes behind.
  await world.write('input', [event(300_000, 0), event(0, 1)], { partitions: 2 })
  const running = world.start(app, {}, world.port, clock)
  for (let n = 1; n <= 40; n += 1) {
    await world.write('input', [event(300_000 + 50 * n, 0), event(50 * n, 1)])
    if (n % 15 === 0) stalledMs += 1500
    await world.clock.advance(50)
  }
  const { dropped } = running.instance.metrics
  deepEqual([dropped.idle, dropped.late], [0, 0])
  await world.stop(running)
})

for (const exchange of ['memory', 'topic'] as const)
  test(`windows by processing time fire without data, also those that ended while the app was down (${exchange})`, async () => {
    const app = new App('app')
    app
      .stream(topic('input', { key: text(), value: json<string>() }))
      .groupBy((_, key) => key)
      .windowedBy(tumbling(10_000, { time: 'processing' }))
      .count()
      .emit('final')
      .to(counts)
    const world = await World.open()
    await world.write('input', [event(5, 0, 'a')])
    const options = { exchange, commitInterval: 50 }
    world.start(app, options)
    for (let n = 0; n < 12; n += 1) await world.clock.advance(50)
    await world.crash()
    deepEqual(await world.read('counts'), [])
    await world.clock.advance(20_000)
    const again = world.start(app, options)
    for (let n = 0; n < 12; n += 1) await world.clock.advance(50)
    deepEqual((await world.read('counts')).length, 1)
    await world.write('input', [event(1, 0, 'b')])
    for (let n = 0; n < 220; n += 1) await world.clock.advance(50)
    deepEqual((await world.read('counts')).length, 2)
    await world.stop(again)
  })

const manyKeys = 4200
/** A crash after this many commits: during firing, and during expiry. */
for (const crashAt of [2, 3, 5])
  for (const exchange of ['memory', 'topic'] as const)
    for (const [name, windows] of [
      ['tumbling', tumbling(100, { allowedLateness: 50 })],
      ['hopping', hopping(100, 50)],
      ['session', session(100)],
      ['tumbling by processing time', tumbling(100, { time: 'processing' })],
      ['session by processing time', session(100, { time: 'processing' })],
    ] as const)
      test(`windows that close at once survive commits in between and a crash after commit ${crashAt}: ${name} (${exchange})`, async () => {
        const app = new App('app')
        const grouped = app
          .stream(topic('input', { key: text(), value: json<string>() }))
          .groupBy((_, key) => key)
        const results =
          windows.kind === 'session'
            ? grouped.windowedBy(windows).count()
            : grouped.windowedBy(windows).count()
        results.emit('final').to(counts)
        const world = await World.open()
        await world.write(
          'input',
          Array.from({ length: manyKeys }, (_, n) => event(60, 0, `k${n}`)),
        )
        let commits = 0
        const options = { until: 'end', exchange, dirtyBytesMax: 1 } as const
        const crashed = world.start(app, {
          ...options,
          onPhase(phase) {
            if (phase === 'committed' && (commits += 1) === crashAt) throw new Error('crash')
          },
        })
        await world.settle(crashed.done.catch(() => {}))
        await world.crash()
        // The crash may have hit the last commit.
        await world.run(app, options).catch((error: unknown) => {
          if (!isMillraceError(error, 'APP_FINISHED')) throw error
        })
        const found = await world.read('counts')
        const expected = name === 'hopping' ? 2 * manyKeys : manyKeys
        deepEqual([found.length, new Set(found.map(({ key }) => key)).size], [expected, expected])
        deepEqual(
          found.filter(({ headers }) => headers['millrace.pane'] !== 'on-time'),
          [],
        )
      })
