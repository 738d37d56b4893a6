/**
 * State belongs to the offsets, changelogs and inputs of one commit. If these no longer match, the app gives
 * right numbers or refuses; it never gives a wrong number.
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError, type MillraceError } from '../../src/base/index.ts'
import { repairPartition } from '../../src/log/index.ts'
import { json, text, topic } from '../../src/schema/index.ts'
import { App, tumbling } from '../../src/stream/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { BatchBuilder } from '../../src/wire/index.ts'
import { type Files, World } from './world.ts'

const input = topic('input', { key: text(), value: json<number>() })
const output = topic('output', { key: json<unknown>(), value: json<unknown>(), partitions: 1 })

function counting(): App {
  const app = new App('app')
  app.stream(input).groupByKey().count().to(output)
  return app
}

const write = (world: World, count: number): Promise<void> =>
  world.write(
    'input',
    Array.from({ length: count }, (_, value) => ({ key: 'a', value, timestamp: value })),
  )

/** Runs the app. Returns its last count, or the error. */
async function outcome(world: World, app = counting()): Promise<number | MillraceError> {
  try {
    await world.run(app, { until: 'now' })
  } catch (error) {
    if (!isMillraceError(error)) throw error
    return error
  }
  return Number((await world.read('output')).at(-1)?.value)
}

/** An app that has counted 500 in five runs, its log closed. */
async function counted(): Promise<Files> {
  const world = await World.open()
  for (let run = 0; run < 5; run += 1) {
    await write(world, 100)
    await world.run(counting(), { until: 'now' })
  }
  await world.settle(world.port.close())
  return await world.files()
}

const changelog = 'app-count-1-aggregate-changelog'
const offsets = '__consumer_offsets'

/** Damages files of a log, repairs the partitions, counts 10 more: gives 510, or a refusal. */
async function checkDamaged(files: Files, label: string, partitions: readonly string[]): Promise<boolean> {
  let world: World
  try {
    world = await World.over(files)
    await world.settle(world.port.close())
    for (const partition of partitions)
      await world.settle(repairPartition('/data', partition, 0, { disk: world.disk, clock: world.clock }))
    await world.reopen()
    await write(world, 10)
  } catch (error) {
    ok(isMillraceError(error), `${label}: ${String(error)}`)
    return false
  }
  const found = await outcome(world)
  if (isMillraceError(found)) {
    ok(
      isMillraceError(found, 'STATE_INCOMPATIBLE', 'OFFSET_OUT_OF_RANGE', 'PARTITION_DAMAGED'),
      `${label}: ${found.code} ${found.message}`,
    )
    const isAboutOffsets = found.message.includes(offsets)
    if (found.code !== 'PARTITION_DAMAGED' || isAboutOffsets) {
      match(found.message, /'app'.*restart: true/s, label)
      // After the restart that the message advises, the app counts the records that are left.
      await world.run(counting(), { until: 'now', restart: true })
      const last = (await world.read('output')).at(-1)?.value
      equal(Number(last), (await world.read('input')).length, label)
    }
    return false
  }
  equal(found, 510, label)
  return true
}

for (const damaged of [changelog, offsets, 'input', 'app-plan-changelog'])
  test(`with a byte flipped anywhere in ${damaged}, and the partition repaired, the count is 510 or refused`, async () => {
    const files = await counted()
    const path = [...files.keys()].find(
      name => name.startsWith(`/data/${damaged}-0/`) && name.endsWith('.log'),
    )
    ok(path)
    const log = files.get(path) as Uint8Array
    await forSeeds(200, async random => {
      const at = random.int(log.length)
      const bytes = Uint8Array.from(log)
      bytes[at] = (bytes[at] as number) ^ 0x40
      await checkDamaged(new Map([...files, [path, bytes]]), `byte ${at}`, [damaged])
    })
  })

test('with all changelogs shorter and one repaired, a start from scratch ignores the others', async () => {
  const files = new Map(await counted())
  for (const [path, bytes] of files)
    if (path.endsWith('.log') && path.includes('-changelog-')) files.set(path, bytes.subarray(0, -100))
  const world = await World.over(files)
  await world.settle(world.port.close())
  await world.settle(
    repairPartition('/data', 'app-plan-changelog', 0, { disk: world.disk, clock: world.clock }),
  )
  await world.reopen()
  await write(world, 10)
  const refused = await outcome(world)
  ok(isMillraceError(refused, 'STATE_INCOMPATIBLE'))
  match(refused.message, /restart: true/)
  await world.run(counting(), { until: 'now', restart: true })
  equal(Number((await world.read('output')).at(-1)?.value), 510)
})

for (const way of ['restart', 'millrace app delete app'])
  test(`with folders of an app gone, the message names ${way}, which works`, async () => {
    const files = await counted()
    const lost = [[changelog], ['app-plan-changelog'], [changelog, 'app-plan-changelog']]
    for (const topics of lost) {
      const kept = [...files].filter(([path]) => !topics.some(name => path.startsWith(`/data/${name}-0/`)))
      const world = await World.over(new Map(kept))
      await write(world, 10)
      const refused = await outcome(world)
      ok(isMillraceError(refused, 'PARTITION_DAMAGED'), String(refused))
      ok(refused.message.includes(way), refused.message)
      if (way !== 'restart') await world.settle(world.port.deleteApp('app'))
      await world.run(counting(), { until: 'now', restart: way === 'restart' })
      equal(Number((await world.read('output')).at(-1)?.value), 510)
    }
  })

test('with any of the files cut at any byte, the count is 510 or refused', async () => {
  const files = await counted()
  const logs = [...files.keys()].filter(name => name.endsWith('.log') && files.get(name)!.length > 0)
  await forSeeds(
    1000,
    random => {
      const damaged = new Map(files)
      const cut: string[] = []
      for (const path of logs)
        if (random.int(3) === 0) {
          const bytes = files.get(path) as Uint8Array
          const length = random.int(2) === 0 ? random.int(bytes.length) : bytes.length - random.int(200)
          damaged.set(path, bytes.subarray(0, Math.max(0, length)))
          cut.push(/^\/data\/(.*)-0\//.exec(path)?.[1] ?? '')
        }
      // The cut partition is repaired: otherwise the log takes the cut for the result of a loss of power.
      if (random.int(2) === 0) damaged.delete('/data/.kafka_cleanshutdown')
      return checkDamaged(damaged, cut.join(', '), cut)
    },
    outcomes => ok(outcomes.some(isRight => isRight)),
  )
})

test('with durability os a loss of power cuts the ends of files: right numbers or a refusal', () =>
  forSeeds(
    300,
    async random => {
      const world = await World.open(random.int(2 ** 31), { durability: 'os' })
      await write(world, 50)
      const running = world.start(counting(), { commitInterval: 10 })
      for (let step = 0; step < 1 + random.int(4); step += 1) {
        await world.clock.advance(random.int(60))
        await write(world, 1 + random.int(20))
      }
      await world.clock.advance(random.int(60))
      ok(running.outcome() !== 'failed')
      await world.crash()
      if (!(await world.settle(world.port.describeTopic('input')))) return 'gone'
      await write(world, 5)
      const found = await outcome(world)
      if (isMillraceError(found)) {
        ok(isMillraceError(found, 'STATE_INCOMPATIBLE', 'OFFSET_OUT_OF_RANGE'), found.message)
        return 'refused'
      }
      equal(found, (await world.read('input')).length)
      return 'right'
    },
    outcomes => ok(outcomes.includes('right')),
  ))

test('the default retention of a log does not cut changelogs', async () => {
  const world = await World.open(1, {
    configs: { 'log.retention.bytes': 300_000, 'log.segment.bytes': 150_000 },
  })
  const keys = Array.from({ length: 3000 }, (_, n) => ({ key: `key ${n}`, value: n }))
  for (let round = 0; round < 2; round += 1) {
    await world.write('input', keys)
    await world.run(counting(), { until: 'now' })
    await world.reopen()
  }
  await world.write('input', [keys[0]!, keys[40]!, keys[2999]!])
  await world.run(counting(), { until: 'now' })
  deepEqual(
    (await world.read('output')).slice(-3).map(({ value }) => value),
    ['3', '3', '3'],
  )
})

/**
 * Something changes the log between two runs: the second is refused, with a message that says what changed.
 */
const refusals: readonly [
  name: string,
  act: (world: World) => Promise<unknown>,
  code: string,
  says: RegExp,
][] = [
  [
    'a changelog is deleted',
    world => world.port.deleteTopic(changelog, { app: 'app' }),
    'STATE_INCOMPATIBLE',
    /'app'.*app-count-1-aggregate-changelog.* is gone/s,
  ],
  [
    'an input is deleted and created again',
    async world => {
      await world.port.deleteTopic('input')
      await world.port.createTopic('input', { partitions: 1 })
    },
    'STATE_INCOMPATIBLE',
    /'app'.*'input' was deleted and created again.*'count-1'/s,
  ],
  [
    'a changelog is deleted and created again',
    async world => {
      await world.port.deleteTopic(changelog, { app: 'app' })
      await world.port.createTopic(changelog, { partitions: 1, app: 'app' })
    },
    'STATE_INCOMPATIBLE',
    /'app'.*changelog' was deleted and created again/s,
  ],
  [
    'the offset of an input is set by somebody else',
    world =>
      world.port.commitOffsets({ group: 'app', offsets: [{ topic: 'input', partition: 0, offset: 1 }] }),
    'STATE_INCOMPATIBLE',
    /'app'.*input-0 was set by another tool/s,
  ],
]

for (const [name, act, code, says] of refusals)
  test(`refuses a run after ${name}`, async () => {
    const world = await World.open()
    await write(world, 4)
    await world.run(counting(), { until: 'now' })
    await world.settle(act(world))
    await write(world, 2)
    const found = await outcome(world)
    ok(isMillraceError(found), String(found))
    equal(found.code, code)
    match(found.message, says)
    const before = (await world.read('input')).length
    await world.run(counting(), { until: 'now', restart: true })
    equal(Number((await world.read('output')).at(-1)?.value), before)
  })

test('windows of a deleted topic do not fire for a new topic of the same name', async () => {
  const windows = (): App => {
    const app = new App('app')
    app
      .stream(input)
      .groupByKey()
      .windowedBy(tumbling('1h', { allowedLateness: '2d' }))
      .count()
      .emit('final')
      .to(output)
    return app
  }
  const hour = 3_600_000
  const records = (from: number, count: number) =>
    Array.from({ length: count }, (_, n) => ({ key: 'a', value: n, timestamp: from + (n * hour) / 4 }))
  const world = await World.open()
  await world.write('input', records(0, 12))
  await world.run(windows(), { until: 'now' })
  await world.settle(world.port.deleteTopic('input'))
  await world.write('input', records(24 * hour, 3))
  const found = await outcome(world, windows())
  ok(isMillraceError(found, 'STATE_INCOMPATIBLE'), String(found))
  await world.run(windows(), { until: 'end', restart: true })
  deepEqual(
    (await world.read('output')).slice(2).map(({ value }) => value),
    ['3'],
  )
})

test('an app without state reads a topic that was created again from its beginning', async () => {
  const copying = (): App => {
    const app = new App('app')
    app
      .stream(input)
      .mapValues(value => (value ?? 0) + 1)
      .to(output)
    return app
  }
  const world = await World.open()
  await write(world, 3)
  await world.run(copying(), { until: 'now' })
  await world.settle(world.port.deleteTopic('input'))
  await write(world, 2)
  await world.run(copying(), { until: 'now' })
  deepEqual(
    (await world.read('output')).map(({ value }) => value),
    ['1', '2', '3', '1', '2'],
  )
})

test('if retention overtakes a stopped app, the error names the app and what it can do', async () => {
  const world = await World.open(1, {
    configs: { 'log.retention.bytes': 20_000, 'log.segment.bytes': 10_000 },
  })
  const many = (count: number): Promise<void> =>
    world.write(
      'input',
      Array.from({ length: count }, (_, value) => ({ key: 'a', value })),
      { perBatch: 50 },
    )
  const silent = (): App => {
    const app = new App('app')
    app
      .stream(input)
      .groupByKey()
      .count()
      .filter(count => count < 0)
      .to(output)
    return app
  }
  await many(10)
  await world.run(silent(), { until: 'now' })
  await many(5000)
  await world.reopen()
  const found = await outcome(world, silent())
  ok(isMillraceError(found, 'OFFSET_OUT_OF_RANGE'), String(found))
  match(found.message, /'app'.*input-0.*restart: true/s)
  await world.run(silent(), { until: 'now', restart: true })
})

test('if retention overtakes a running app, the run ends, its counts are committed, and it can start from scratch', async () => {
  const world = await World.open(1, {
    configs: { 'log.retention.bytes': 200_000, 'log.segment.bytes': 100_000 },
  })
  const slow = (recordMs: number): App => {
    const app = new App('app')
    app
      .stream(topic('input', { key: text(), value: text() }))
      .peek(() => world.clock.block(recordMs))
      .groupByKey()
      .count()
      .to(output)
    return app
  }
  // More than a reader fetches ahead, while each record takes a second.
  const records = 600
  await world.write('input', [{ key: 'a', value: 'the first' }])
  const running = world.start(slow(1000))
  await world.clock.advance(1000)
  const long = Array.from({ length: records - 1 }, () => ({ key: 'a', value: 'x'.repeat(10_000) }))
  await world.write('input', long, { perBatch: 5 })
  const error = await world.settle(
    running.done.then(
      () => undefined,
      (found: unknown) => found,
    ),
  )
  ok(isMillraceError(error, 'OFFSET_OUT_OF_RANGE'), String(error))
  match(error.message, /'app'.*dropped, by retention.*restart: true/s)
  equal(running.instance.progress().state, 'failed')
  const counts = (await world.read('output')).map(({ value }) => Number(value))
  ok(counts.length > 0 && counts.length < records, `${counts.length} of ${records}`)
  deepEqual(
    counts,
    Array.from(counts, (_, n) => n + 1),
  )
  // The next run gets the error at its start.
  ok(isMillraceError(await outcome(world, slow(0)), 'OFFSET_OUT_OF_RANGE'))
  const { instance } = world.start(slow(0), { restart: true, until: 'now' })
  await world.clock.advance(1000)
  const kept = instance.progress().records
  equal((await world.read('output')).at(-1)?.value, String(kept))
  ok(kept > 0 && kept < records, `${kept} are left`)
})

test('refuses a changelog whose beginning is gone, as retention removed it in 0.1.0', async () => {
  const world = await World.open()
  await write(world, 4)
  await world.settle(
    world.port.createTopic(changelog, {
      partitions: 1,
      app: 'app',
      configs: { 'segment.bytes': 1000, 'retention.bytes': 1000 },
    }),
  )
  const rows = Array.from({ length: 200 }, (_, n) => ({ key: `key ${n}`, value: n }))
  await world.write(changelog, rows, { perBatch: 10, app: 'app' })
  const found = await outcome(world)
  ok(isMillraceError(found, 'STATE_INCOMPATIBLE'), String(found))
  match(
    found.message,
    /'app'.*its changelog app-count-1-aggregate-changelog-0 begins at offset [1-9].*restart: true/s,
  )
  await world.run(counting(), { until: 'now', restart: true })
  equal((await world.read('output')).at(-1)?.value, '4')
})

test('refuses commits of another program than the one in the stored plan', async () => {
  const doubling = (): App => {
    const app = counting()
    app.stream(input).groupByKey().count({ name: 'two' }).to(output)
    return app
  }
  const world = await World.open()
  await write(world, 4)
  await world.run(counting(), { until: 'now' })
  const before = await world.port.committedOffsets('app', [{ topic: 'app-plan-changelog', partition: 0 }])
  await write(world, 1)
  await world.run(doubling(), { until: 'now' })
  // As in an older copy of the offsets, which differs in nothing else.
  await world.settle(
    world.port.commitOffsets({ group: 'app', offsets: before.filter(each => each !== undefined) }),
  )
  const found = await outcome(world, doubling())
  ok(isMillraceError(found, 'STATE_INCOMPATIBLE'), String(found))
  match(found.message, /'app'.*its commits and the plan .*do not belong together.*restart: true/s)
})

test('refuses a topic between the stages that was deleted and created again', async () => {
  const exchanged = (): App => {
    const app = new App('app')
    app
      .stream(input)
      .groupBy((_, key) => key)
      .count()
      .to(output)
    return app
  }
  const world = await World.open()
  await write(world, 4)
  await world.run(exchanged(), { until: 'now', exchange: 'topic' })
  const between = (await world.port.listTopics({ internal: true })).find(({ name }) =>
    name.endsWith('-repartition'),
  )!
  await world.settle(world.port.deleteTopic(between.name, { app: 'app' }))
  await world.settle(world.port.createTopic(between.name, { partitions: 1, app: 'app' }))
  // As long as the old one was.
  const batch = new BatchBuilder()
  for (let n = 0; n < 5; n += 1) batch.append(0, null, null)
  const writer = await world.port.openWriter({ app: 'app' })
  await world.settle(writer.append(between.name, 0, batch))
  await world.settle(writer.close())
  const found = world.start(exchanged(), { until: 'now', exchange: 'topic' })
  const error = await world.settle(
    found.done.then(
      () => undefined,
      (reason: unknown) => reason,
    ),
  )
  ok(isMillraceError(error, 'STATE_INCOMPATIBLE'), String(error))
  match(error.message, /'app'.*-repartition' was deleted and created again.*restart/s)
  await world.run(exchanged(), { until: 'now', exchange: 'topic', restart: true })
  equal((await world.read('output')).at(-1)?.value, '4')
})
