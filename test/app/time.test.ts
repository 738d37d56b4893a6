/**
 * Event time in a running app: late records and their output, idle partitions, partitions that are ahead, and
 * all of these across restarts.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic, type WatermarkOptions, windowed } from '../../src/schema/index.ts'
import { App, tumbling } from '../../src/stream/index.ts'
import type { LogPort, Reader } from '../../src/port/index.ts'
import { type Incoming, inPlaceOf, startsAndValues, World } from './world.ts'

const counts = topic('counts', { key: windowed(text()), value: json<number>(), partitions: 1 })
const late = topic('late', { key: text(), value: json<string>(), partitions: 1 })

/** Counts per window of 100 ms; late records go to another topic. */
function counting(watermark: WatermarkOptions, { exchange = false, allowedLateness = 0 } = {}): App {
  const app = new App('app')
  const events = app.stream(topic('input', { key: text(), value: json<string>(), watermark }))
  const grouped = exchange ? events.groupBy((_, key) => `${key}${key}`) : events.groupByKey()
  const windows = grouped.windowedBy(tumbling(100, { allowedLateness })).count()
  windows.emit('final').to(counts)
  windows.late().to(late)
  return app
}

const event = (timestamp: number, value: string, partition = 0): Incoming => ({
  key: `k${partition}`,
  value: JSON.stringify(value),
  timestamp,
  partition,
})

for (const exchange of ['memory', 'topic'] as const) {
  test(`a late record goes to the side output with its key, value and time (${exchange})`, async () => {
    const world = await World.open()
    await world.write(
      'input',
      [event(50, 'a'), event(250, 'b'), event(60, 'too late'), event(160, 'in time')],
      {
        perBatch: 1,
      },
    )
    const { metrics } = await world.run(counting({ outOfOrderness: 100 }, { exchange: true }), {
      until: 'end',
      exchange,
    })
    deepEqual(startsAndValues(await world.read('counts')), [
      [0, 1],
      [100, 1],
      [200, 1],
    ])
    const [record, ...others] = await world.read('late')
    deepEqual(others, [])
    deepEqual([record?.key, record?.value, record?.timestamp], ['k0k0', '"too late"', 60])
    deepEqual([metrics.sideOutput, metrics.dropped.late], [{ late: 1, idle: 0 }, 0])
  })

  test(`the watermark survives a restart: a record that was late before is late after it (${exchange})`, async () => {
    const app = counting({ outOfOrderness: 0 }, { exchange: true })
    const world = await World.open()
    await world.write('input', [event(50, 'a'), event(250, 'b')])
    await world.run(app, { until: 'now', exchange })
    await world.crash()
    await world.write('input', [event(60, 'late'), event(260, 'in time')])
    const { metrics } = await world.run(app, { until: 'end', exchange })
    equal(metrics.sideOutput.late, 1)
    deepEqual(startsAndValues(await world.read('counts')), [
      [0, 1],
      [200, 2],
    ])
  })

  test(`an on-time result is not written again after a restart (${exchange})`, async () => {
    const app = counting({ outOfOrderness: 0 }, { exchange: true, allowedLateness: 1000 })
    const world = await World.open()
    await world.write('input', [event(50, 'a'), event(250, 'b')])
    await world.run(app, { until: 'now', exchange })
    await world.crash()
    await world.write('input', [event(260, 'c')])
    await world.run(app, { until: 'end', exchange })
    deepEqual(startsAndValues(await world.read('counts')), [
      [0, 1],
      [200, 2],
    ])
  })
}

for (const exchange of ['memory', 'topic'] as const)
  test(`early results are known after a restart: those that no longer hold are retracted (${exchange})`, async () => {
    const app = new App('app')
    app
      .stream(topic('input', { key: text(), value: json<string>(), watermark: { outOfOrderness: 0 } }))
      .groupBy((_, key) => key)
      .windowedBy(tumbling(100))
      .count()
      .emit({ early: 50 })
      .filter(count => count < 2)
      .to(counts)
    const world = await World.open()
    await world.write('input', [event(10, 'a')])
    const running = world.start(app, { exchange })
    await world.clock.advance(1000)
    deepEqual(startsAndValues(await world.read('counts')), [[0, 1]])
    ok(running.outcome() === 'running')
    await world.crash()
    await world.write('input', [event(20, 'b'), event(110, 'c')])
    await world.run(app, { until: 'end', exchange })
    deepEqual(
      (await world.read('counts')).map(({ value, headers }) => [value, headers['millrace.pane']]),
      [
        ['1', 'early'],
        [null, 'on-time'],
        ['1', 'on-time'],
      ],
    )
  })

test('a partition without data holds back the others forever, unless it may become idle', async () => {
  const world = await World.open()
  await world.write('input', [event(50, 'a', 0), event(500, 'b', 0), event(10, 'c', 1)], { partitions: 2 })
  const running = world.start(counting({ outOfOrderness: 0 }, { exchange: true }), {})
  await world.clock.advance(60_000)
  deepEqual(await world.read('counts'), [])
  equal(running.instance.progress().watermark, 10)
  await world.stop(running)
})

for (const exchange of ['memory', 'topic'] as const) {
  test(`an idle partition gets the others' watermark, which is committed; its later records below it are late (${exchange})`, async () => {
    const app = counting({ outOfOrderness: 0, idleAfter: '1s' }, { exchange: true })
    const world = await World.open()
    await world.write('input', [event(10, 'c', 1), event(50, 'a', 0)], { partitions: 2 })
    const running = world.start(app, { exchange })
    // The other partition continues without a pause.
    for (let n = 0; n < 30; n += 1) {
      await world.write('input', [event(500 + n, 'b', 0)])
      await world.clock.advance(50)
    }
    deepEqual(startsAndValues(await world.read('counts')), [
      [0, 1],
      [0, 1],
    ])
    ok(running.instance.progress().watermark >= 500)
    await world.stop(running)
    await world.crash()

    // A restart still knows that the watermark was raised.
    const again = world.start(app, { exchange })
    await world.clock.advance(50)
    await world.write('input', [event(20, 'back', 1)])
    await world.clock.advance(200)
    deepEqual(
      (await world.read('late')).map(({ value }) => value),
      ['"back"'],
    )
    const { sideOutput } = again.instance.metrics
    deepEqual(sideOutput, { idle: 1, late: 0 })

    // The partition has caught up: a record that is late now is late by its own partition's data.
    await world.write('input', [event(900, 'on', 1), event(30, 'late', 1)], { perBatch: 1 })
    await world.clock.advance(200)
    deepEqual(sideOutput, { idle: 1, late: 1 })
    await world.stop(again)
  })
}

test('if all partitions are idle, all get the highest watermark, and time continues from there by the clock', async () => {
  const world = await World.open()
  await world.write('input', [event(50, 'a', 0), event(500, 'b', 1)], { partitions: 2 })
  const running = world.start(counting({ outOfOrderness: 0, idleAfter: '1s' }, { exchange: true }), {})
  await world.clock.advance(900)
  deepEqual(await world.read('counts'), [])
  await world.clock.advance(2000)
  deepEqual(startsAndValues(await world.read('counts')), [
    [0, 1],
    [500, 1],
  ])
  await world.stop(running)
})

test('bounded runs do not treat partitions as idle', async () => {
  const world = await World.open()
  await world.write('input', [event(50, 'a', 0), event(500, 'b', 1)], { partitions: 2 })
  const app = counting({ outOfOrderness: 0, idleAfter: 1 }, { exchange: true })
  const { metrics } = await world.run(app, { until: 'now' })
  await world.write('input', [event(60, 'c', 0)])
  await world.clock.advance(10_000)
  const end = await world.run(app, { until: 'end' })
  deepEqual(
    [metrics.dropped, end.metrics.dropped].map(({ idle, late: tooLate }) => idle + tooLate),
    [0, 0],
  )
})

test('in a replay no partition is ahead of the slowest by more than the bound and one batch', async () => {
  const partitions = 3
  const perPartition = 40
  const stepMs = 10
  for (const [alignment, perBatch] of [
    [50, 1],
    [50, 4],
    [200, 1],
  ] as const) {
    const world = await World.open()
    // One partition after the other: in the order of arrival, the first would be read completely before the
    // last begins.
    for (let partition = 0; partition < partitions; partition += 1)
      await world.write(
        'input',
        Array.from({ length: perPartition }, (_, n) => event(n * stepMs, 'x', partition)),
        { partitions, perBatch },
      )
    const at = Array.from({ length: partitions }, () => 0)
    let aheadMax = 0
    const app = new App('app')
    app
      .stream(topic('input', { key: text(), value: json<string>(), watermark: { outOfOrderness: 0 } }))
      .peek((_, key) => {
        const partition = Number(key!.slice(1))
        at[partition] = (at[partition] as number) + stepMs
        aheadMax = Math.max(aheadMax, Math.max(...at) - Math.min(...at))
      })
    await world.run(app, { until: 'end', alignment })
    deepEqual(
      at,
      Array.from({ length: partitions }, () => perPartition * stepMs),
    )
    ok(aheadMax <= alignment + (perBatch + 1) * stepMs, `${aheadMax} ms ahead, bound ${alignment}`)
  }
})

/** A log whose disk returns nothing of one input partition while it is held. */
function slowDisk(world: World, partition: number): { readonly port: LogPort; isHeld: boolean } {
  const openReader: LogPort['openReader'] = async options => {
    const reader = await world.port.openReader(options)
    const isHeld = (name: string, of: number): boolean => disk.isHeld && name === 'input' && of === partition
    return new Proxy(
      reader,
      inPlaceOf<Reader>({
        take: (name, of) => (isHeld(name, of) ? undefined : reader.take(name, of)),
        atEnd: (name, of) => !isHeld(name, of) && reader.atEnd(name, of),
      }),
    )
  }
  const disk = { port: new Proxy(world.port, inPlaceOf<LogPort>({ openReader })), isHeld: true }
  return disk
}

test('a partition whose records are still being read from a slow disk is not idle', async () => {
  const world = await World.open()
  await world.write('input', [event(10, 'b', 1), event(500, 'a', 0)], { partitions: 2 })
  const disk = slowDisk(world, 1)
  const app = counting({ outOfOrderness: 0, idleAfter: '1s' }, { exchange: true })
  const running = world.start(app, {}, disk.port)
  for (let n = 1; n <= 50; n += 1) {
    await world.write('input', [event(500 + n, 'a', 0)])
    await world.clock.advance(100)
  }
  deepEqual(await world.read('counts'), [])
  disk.isHeld = false
  await world.clock.advance(500)
  const { dropped, sideOutput } = running.instance.metrics
  deepEqual([dropped.idle, sideOutput], [0, { late: 0, idle: 0 }])
  await world.stop(running)
})

test('in a replay no partition gets ahead of one that a slow disk holds up', async () => {
  const world = await World.open()
  const inOrder = (partition: number): Incoming[] =>
    Array.from({ length: 50 }, (_, n) => event(n * 10, String(n * 10), partition))
  await world.write('input', [...inOrder(0), ...inOrder(1)], { partitions: 2, perBatch: 1 })
  const disk = slowDisk(world, 1)
  disk.isHeld = false
  let latest = 0
  const app = new App('app')
  app
    .stream(topic('input', { key: text(), value: json<string>(), watermark: { outOfOrderness: 0 } }))
    .peek(value => {
      latest = Math.max(latest, Number(value))
      if (latest === 150) disk.isHeld = true
    })
  const running = world.start(app, { until: 'end', alignment: 100 }, disk.port)
  await world.clock.advance(5000)
  ok(latest > 150 && latest <= 150 + 120, `${latest}`)
  equal(running.outcome(), 'running')
  disk.isHeld = false
  await world.settle(running.done)
  equal(latest, 490)
})
