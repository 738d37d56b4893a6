/**
 * How a run ends, and what the next one finds: until 'end', until 'now', finish, stop, starting from scratch.
 * Also when a run commits, and what it reports.
 */
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError, type ErrorCode } from '../../src/base/index.ts'
import { json, text, topic, windowed } from '../../src/schema/index.ts'
import { App, tumbling } from '../../src/stream/index.ts'
import { BatchBuilder } from '../../src/wire/index.ts'
import { type Incoming, type Outgoing, World } from './world.ts'

const input = topic('input', { key: text(), value: json<string>() })
const counts = topic('counts', { key: windowed(text()), value: json<number>(), partitions: 1 })
const totals = topic('totals', { key: text(), value: json<number>(), partitions: 1 })

/** Per key and 100 ms behind an exchange, and per key in total. */
function counting(name = 'app', source = input): App {
  const app = new App(name)
  const events = app.stream(source)
  events
    .groupBy((_, key) => key!.toUpperCase())
    .windowedBy(tumbling(100))
    .count()
    .emit('final')
    .to(counts)
  events.groupByKey().count().to(totals)
  return app
}

const event = (timestamp: number, key = 'a', partition = 0): Incoming => ({
  key,
  value: '"x"',
  timestamp,
  partition,
})

/** The results, as `K start count`. */
const windowsOf = (records: readonly Outgoing[]): string[] =>
  records.map(({ key, value }) => {
    const { key: of, start } = JSON.parse(key ?? '') as { key: string; start: number }
    return `${of} ${start} ${value}`
  })
const totalsOf = (records: readonly Outgoing[]): string[] =>
  records.map(({ key, value }) => `${key} ${value}`)

const withCode =
  (code: ErrorCode) =>
  (error: unknown): boolean =>
    isMillraceError(error, code)

for (const exchange of ['memory', 'topic'] as const) {
  test(`until 'now' stops at the current end, and the next run continues from there (${exchange})`, async () => {
    const world = await World.open()
    await world.write('input', [event(10), event(20)])
    const first = await world.run(counting(), { until: 'now', exchange })
    // The window is still open.
    deepEqual(windowsOf(await world.read('counts')), [])
    deepEqual(totalsOf(await world.read('totals')), ['a 1', 'a 2'])
    equal(first.progress().lag, 0)

    // No new records: no results.
    const second = await world.run(counting(), { until: 'now', exchange })
    deepEqual([second.metrics.records, second.metrics.results['on-time']], [0, 0])

    await world.write('input', [event(30), event(150)])
    await world.run(counting(), { until: 'now', exchange })
    deepEqual(windowsOf(await world.read('counts')), ['A 0 3'])
    deepEqual(totalsOf(await world.read('totals')), ['a 1', 'a 2', 'a 3', 'a 4'])
  })

  test(`until 'end' closes every window and finishes the app, which may start from scratch (${exchange})`, async () => {
    const world = await World.open()
    await world.write('input', [event(10), event(150)])
    const { metrics, progress } = await world.run(counting(), { until: 'end', exchange }).then(instance => ({
      metrics: instance.metrics,
      progress: instance.progress(),
    }))
    deepEqual(windowsOf(await world.read('counts')), ['A 0 1', 'A 100 1'])
    deepEqual(
      [progress.watermark, progress.lag, metrics.results['on-time']],
      [Number.POSITIVE_INFINITY, 0, 2],
    )

    await world.write('input', [event(160)])
    for (const until of ['end', 'now', undefined] as const)
      await rejects(
        world.run(counting(), { ...(until && { until }), exchange }),
        withCode('APP_FINISHED'),
        String(until),
      )

    await world.run(counting(), { until: 'end', restart: true, exchange })
    deepEqual(windowsOf(await world.read('counts')), ['A 0 1', 'A 100 1', 'A 0 1', 'A 100 2'])
    deepEqual(totalsOf(await world.read('totals')), ['a 1', 'a 2', 'a 1', 'a 2', 'a 3'])
    await rejects(world.run(counting(), { until: 'end', exchange }), withCode('APP_FINISHED'))
  })

  test(`an app of tables without event time continues, and finishes (${exchange})`, async () => {
    const world = await World.open()
    const app = (): App => {
      const lengths = new App('app')
      lengths
        .table(input)
        .groupBy((value, key) => [key.length.toString(), value])
        .count()
        .to(totals)
      return lengths
    }
    await world.write('input', [event(10, 'a'), event(10, 'bb')])
    await world.run(app(), { until: 'now', exchange })
    await world.write('input', [event(10, 'c')])
    await world.run(app(), { until: 'now', exchange })
    await world.run(app(), { until: 'end', exchange })
    deepEqual(totalsOf(await world.read('totals')).toSorted(), ['1 1', '1 2', '2 1'])
    await rejects(world.run(app(), { until: 'end', exchange }), withCode('APP_FINISHED'))
  })

  test(`a live run that is finished reads what is there, and treats it as all of the input (${exchange})`, async () => {
    const world = await World.open()
    await world.write('input', [event(10), event(150)])
    const running = world.start(counting(), { exchange })
    await world.clock.advance(300)
    deepEqual(windowsOf(await world.read('counts')), ['A 0 1'])
    running.instance.finish()
    await world.settle(running.done)
    deepEqual(windowsOf(await world.read('counts')), ['A 0 1', 'A 100 1'])
    await rejects(world.run(counting(), { exchange }), withCode('APP_FINISHED'))
  })

  test(`after a crash the next run finishes with the input that the finishing run began with (${exchange})`, async () => {
    // At each of the commits.
    for (let commits = 1; commits <= 3; commits += 1) {
      const world = await World.open()
      await world.write('input', [event(10, 'a', 0), event(20, 'b', 1), event(150, 'b', 1)], {
        partitions: 2,
      })
      const seen = { commits: 0 }
      const running = world.start(counting(), {
        until: 'end',
        exchange,
        commitInterval: 1,
        onPhase: phase => {
          if (phase === 'committed') seen.commits += 1
        },
      })
      while (running.outcome() === 'running' && seen.commits !== commits) await world.clock.advance(1)
      await world.crash()
      await world.write('input', [event(30, 'a', 0)])
      try {
        await world.run(counting(), { until: 'end', exchange })
      } catch (error) {
        ok(isMillraceError(error, 'APP_FINISHED'), String(error))
      }
      const final = new Map(windowsOf(await world.read('counts')).map(row => [row.slice(0, -2), row]))
      const rows = [...final.values()].sort()
      // Records from after the crash count only in a partition that had not ended.
      ok(
        ['A 0 1,B 0 1,B 100 1', 'A 0 2,B 0 1,B 100 1'].includes(rows.join(',')),
        `after ${commits} commits: ${rows.join(',')}`,
      )
      await rejects(world.run(counting(), { until: 'end', exchange }), withCode('APP_FINISHED'))
    }
  })
}

test('a run until the end reads past markers and aborted records', async () => {
  const world = await World.open()
  await world.write('input', [event(10)])
  const publish = async (): Promise<void> => {
    const writer = await world.port.openWriter({ transactionalId: 'publisher' })
    for (const outcome of ['commit', 'abort'] as const) {
      const batch = new BatchBuilder()
      batch.append(20, Buffer.from('a'), Buffer.from('"x"'))
      await writer.append('input', 0, batch)
      await writer[outcome]()
    }
    await writer.close()
  }
  await world.settle(publish())
  for (const until of ['now', 'end'] as const) {
    const instance = await world.run(counting(), { until })
    equal(instance.progress().lag, 0)
  }
  deepEqual(windowsOf(await world.read('counts')), ['A 0 2'])
})

test("a start from scratch drops only the app's own state, not that of apps whose names begin with its name", async () => {
  const world = await World.open()
  await world.write('input', [event(10)])
  const other = new App('app-two')
  other.stream(input).groupByKey().count().to(totals)
  await world.run(other, { until: 'now' })
  await world.run(counting(), { until: 'now' })
  await world.run(counting(), { until: 'now', restart: true })
  await world.write('input', [event(20)])
  await world.run(other, { until: 'now' })
  await world.run(counting(), { until: 'now' })
  deepEqual(totalsOf(await world.read('totals')), ['a 1', 'a 1', 'a 1', 'a 2', 'a 2'])
})

test('stop() commits what is complete', async () => {
  const world = await World.open()
  await world.write('input', [event(10), event(20)])
  const running = world.start(counting(), { commitInterval: '1h' })
  await world.clock.advance(50)
  deepEqual(await world.read('totals'), [])
  await world.stop(running)
  deepEqual(totalsOf(await world.read('totals')), ['a 1', 'a 2'])
  deepEqual([running.instance.metrics.commits, running.instance.progress().lag], [1, 0])
})

test('an abort signal stops a run as well', async () => {
  const world = await World.open()
  await world.write('input', [event(10)])
  const stopping = new AbortController()
  const { done } = world.start(counting(), { signal: stopping.signal })
  await world.clock.advance(50)
  stopping.abort()
  await world.settle(done)
  deepEqual(totalsOf(await world.read('totals')), ['a 1'])
})

test('an app commits early if more state has changed than the limit', async () => {
  const commits = async (dirtyBytesMax: number): Promise<number> => {
    const world = await World.open()
    const keys = Array.from({ length: 200 }, (_, n) => event(n, `k${n}`))
    await world.write('input', keys, { perBatch: 10 })
    const app = new App('app')
    app.stream(input).groupByKey().count().to(totals)
    const { metrics } = await world.run(app, { until: 'now', commitInterval: '1h', dirtyBytesMax })
    equal((await world.read('totals')).length, 200)
    return metrics.commits
  }
  equal(await commits(1_000_000), 1)
  // Every batch changes ten keys, of about a hundred bytes each.
  const early = await commits(2000)
  ok(early >= 5 && early <= 20, `${early} commits`)
})

test('an app with nothing to do commits nothing', async () => {
  const world = await World.open()
  await world.write('input', [event(10)])
  for (const exchange of ['memory', 'topic'] as const) {
    const running = world.start(counting(exchange), { exchange })
    await world.clock.advance(1000)
    const { commits } = running.instance.metrics
    await world.clock.advance(60_000)
    equal(running.instance.metrics.commits, commits, exchange)
    await world.stop(running)
  }
})

test('progress reports records, watermark, lag, results and drops', async () => {
  const world = await World.open()
  await world.write('input', [event(10), event(20)], { perBatch: 1 })
  const running = world.start(counting(), { onError: 'skip' })
  deepEqual(running.instance.progress(), {
    state: 'starting',
    records: 0,
    watermark: Number.NEGATIVE_INFINITY,
    lag: 0,
    metrics: running.instance.metrics,
  })
  await world.clock.advance(200)
  const { records, watermark, lag } = running.instance.progress()
  deepEqual([records, watermark, lag], [2, 20, 0])
  await world.write('input', [event(250), event(30), { key: null, value: '"x"', timestamp: 260 }])
  await world.clock.advance(200)
  deepEqual(running.instance.progress().watermark, 260)
  const { dropped, results, ...others } = running.instance.metrics
  deepEqual(
    { dropped, results, records: others.records, deadLetters: others.deadLetters },
    {
      // The record is late behind the exchange. Without a key the program's own function fails, before the
      // branch that would drop it.
      dropped: {
        late: 1,
        idle: 0,
        'not-sampled': 0,
        unmatched: 0,
        duplicate: 0,
        'null-key': 0,
        'null-value': 0,
        malformed: 0,
        failed: 1,
      },
      results: { early: 0, 'on-time': 1, late: 0, changes: 0 },
      records: 5,
      deadLetters: 0,
    },
  )
  await world.stop(running)
})

test('a run names once the partitions that its windows wait for; idleAfter, which it advises, closes them', async () => {
  const world = await World.open()
  await world.write('input', [event(10), event(250)], { partitions: 6 })
  const notices: string[] = []
  const running = world.start(counting(), { onNotice: message => notices.push(message) })
  const waitsFor = (): string[] | undefined =>
    running.instance.progress().waitsFor?.map(({ topic: name, partition }) => `${name} ${partition}`)
  await world.clock.advance(1000)
  deepEqual(
    waitsFor(),
    [1, 2, 3, 4, 5].map(partition => `input ${partition}`),
  )
  equal(notices.length, 0)
  await world.clock.advance(20_000)
  equal(notices.length, 1)
  match(notices[0]!, /'app'.*input-1 to 5.*idleAfter/)
  // Some of the same partitions: nothing new to report.
  await world.write('input', [event(20, 'b', 3), event(250, 'b', 3)])
  await world.clock.advance(20_000)
  deepEqual(
    waitsFor(),
    [1, 2, 4, 5].map(partition => `input ${partition}`),
  )
  equal(notices.length, 1)
  await world.stop(running)
  deepEqual(await world.read('counts'), [])

  const patient = topic('input', { key: text(), value: json<string>(), watermark: { idleAfter: '30s' } })
  const second = world.start(counting('app', patient), { onNotice: message => notices.push(message) })
  await world.clock.advance(60_000)
  ok(windowsOf(await world.read('counts')).includes('A 0 1'))
  deepEqual([second.instance.progress().waitsFor, notices.length], [undefined, 1])
  await world.stop(second)
})

test('progress, and the notice of waiting windows, name the record that is ahead in event time', async () => {
  const world = await World.open()
  const day = 86_400_000
  const far = 40 * day + 5
  await world.write('input', [event(10), event(20), event(far), event(30), event(11, 'b', 1)], {
    partitions: 3,
  })
  const notices: string[] = []
  const onNotice = (message: string): void => void notices.push(message)
  const running = world.start(counting(), { onNotice })
  await world.clock.advance(20_000)
  const ahead = { topic: 'input', partition: 0, offset: 2, timestamp: far, aheadMs: far - 11 }
  deepEqual(running.instance.progress().ahead, ahead)
  equal(notices.length, 1)
  match(
    notices[0]!,
    /wait for input-1 to 2.*input-0: its record at offset 2.*3456000005 \(1970-02-10T.*, 959h past/,
  )
  await world.stop(running)

  // The next run has not read this record, and still knows it.
  const next = world.start(counting(), { onNotice })
  await world.clock.advance(20_000)
  const { offset, ...known } = ahead
  deepEqual([next.instance.progress().ahead, offset], [known, 2])
  match(notices[1]!, /input-0: a record that an earlier run has read/)
  await world.stop(next)

  // Within the alignment there is nothing to report.
  const wide = world.start(counting(), { onNotice, alignment: '60d' })
  await world.clock.advance(20_000)
  equal(wide.instance.progress().ahead, undefined)
  await world.stop(wide)
  equal(notices[2]!.includes('furthest'), false)
})

test('a run without windows, or whose partitions keep up with each other, gives no notice', async () => {
  for (const withWindows of [true, false]) {
    const world = await World.open()
    await world.write('input', [event(10), event(20, 'b', 1)], { partitions: 2 })
    const notices: string[] = []
    const app = new App('app')
    if (withWindows)
      app.stream(input).groupByKey().windowedBy(tumbling('1h')).count().emit('final').to(counts)
    else app.stream(input).groupByKey().count().to(totals)
    const running = world.start(app, { onNotice: message => notices.push(message) })
    await world.clock.advance(60_000)
    deepEqual([notices, running.instance.progress().waitsFor], [[], undefined], String(withWindows))
    await world.stop(running)
  }
})
