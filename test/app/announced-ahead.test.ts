/**
 * At least once over topics: offsets older than what was announced to the stages are refused. A crash never
 * leaves such offsets.
 */
import { deepEqual, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '../../src/base/index.ts'
import type { LogPort, OffsetCommit, TopicPartition } from '../../src/port/index.ts'
import { json, text, topic, type Topic } from '../../src/schema/index.ts'
import { App, type RunOptions, tumbling } from '../../src/stream/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { inPlaceOf, type Running, World } from './world.ts'

const input = topic('input', { key: text(), value: json<number>() })
const output = topic('output', { key: json<unknown>(), value: json<number>(), partitions: 1 })
const inner = 'app-select-key-1-exchange-repartition'
const outer = 'app-select-key-2-exchange-repartition'

/** Three stages: two windows, each behind an exchange. */
function program(): App {
  const app = new App('app')
  app
    .stream(input)
    .groupBy(n => `mod ${(n ?? 0) % 4}`)
    .windowedBy(tumbling(10))
    .count()
    .emit('final')
    .toStream()
    .groupBy((_, { key }) => (key === 'mod 0' || key === 'mod 1' ? 'low' : 'high'))
    .windowedBy(tumbling(20))
    .reduce((sum, count) => sum + count)
    .emit('final')
    .to(output)
  return app
}

const options: RunOptions = { exchange: 'topic', guarantee: 'at-least-once', commitInterval: 1 }

function write(world: World, from: number, count: number): Promise<void> {
  const records = Array.from({ length: count }, (_, i) => {
    const value = from + i
    return { key: `k${value}`, value, timestamp: value, partition: value % 2 }
  })
  return world.write('input', records, { partitions: 2, perBatch: 3 })
}

const sumsOf = async (world: World): Promise<Map<string | null, number>> =>
  new Map((await world.read('output')).map(({ key, value }) => [key, Number(value)]))

/** The results of an undisturbed run. */
async function sumsOfAll(count: number): Promise<Map<string | null, number>> {
  const world = await World.open()
  await write(world, 0, count)
  await world.run(program(), { until: 'end' })
  return await sumsOf(world)
}

async function checkNothingLost(world: World, count: number, label: string): Promise<void> {
  const found = await sumsOf(world)
  for (const [key, right] of await sumsOfAll(count))
    ok((found.get(key) ?? 0) >= right, `${key} has ${found.get(key)} of ${right}, ${label}`)
}

async function commitsOf(world: World): Promise<readonly OffsetCommit[]> {
  return (await world.settle(world.port.listGroups())).find(({ group }) => group === 'app')?.offsets ?? []
}

/** Which commits are older, and where the app notices it. */
const setBack: readonly [name: string, isOlder: (of: TopicPartition) => boolean, where: RegExp][] = [
  ['all', () => true, new RegExp(`the record at offset \\d+ of ${inner}-0`)],
  ['those of the input', ({ topic: name }) => name === 'input', new RegExp(`its last commit for ${inner}-0`)],
  [
    'those of the first two stages',
    ({ topic: name }) => name !== outer && !name.includes('reduce'),
    new RegExp(`its last commit for ${outer}-0|the record at offset \\d+ of ${inner}-0`),
  ],
  [
    'those of the second stage',
    ({ topic: name }) => name === inner || name.includes('count'),
    new RegExp(`its last commit for ${outer}-0`),
  ],
]

for (const [name, isOlder, where] of setBack)
  test(`refuses offsets that are older than what was announced: ${name}`, async () => {
    const world = await World.open()
    await write(world, 0, 45)
    await world.run(program(), { ...options, until: 'now' })
    const older = await commitsOf(world)
    await write(world, 45, 60)
    await world.run(program(), { ...options, until: 'now' })
    const newer = await commitsOf(world)
    const commit = (offsets: readonly OffsetCommit[]): Promise<void> =>
      world.settle(world.port.commitOffsets({ group: 'app', offsets }))
    await commit(older.filter(isOlder))
    let refused: unknown
    try {
      await world.run(program(), { ...options, until: 'end' })
    } catch (error) {
      refused = error
    }
    ok(isMillraceError(refused, 'STATE_INCOMPATIBLE'), String(refused))
    match(refused.message, where)

    // Both ways out: commit the offsets that belong there, or start from scratch.
    await commit(newer)
    await world.run(program(), { ...options, until: 'now' })
    await world.run(program(), { ...options, until: 'end', restart: true })
    deepEqual(await sumsOf(world), await sumsOfAll(105))
  })

test('no crash over three stages leaves an announcement ahead of the offsets', () =>
  forSeeds(60, async (random, seed) => {
    const world = await World.open(seed)
    let written = 0
    for (let crashes = 0; crashes < 4; crashes += 1) {
      const more = 10 + random.int(30)
      await write(world, written, more)
      written += more
      const running = world.start(program(), { ...options, dirtyBytesMax: 1 + random.int(400) })
      for (let step = random.int(12); step > 0; step -= 1) await world.clock.advance(random.int(4))
      ok(running.outcome() === 'running')
      await world.crash()
    }
    await world.run(program(), { ...options, until: 'end' })
    await checkNothingLost(world, written, 'after crashes')
  }))

test('an instance that starts slowly beside another does not take its progress for older offsets', () =>
  forSeeds(40, async (random, seed) => {
    const world = await World.open(seed)
    await write(world, 0, 40)
    await world.run(program(), { ...options, until: 'now' })
    let written = 40
    const running: Running[] = [world.start(program(), { ...options, instance: 'a' })]
    const slow = slowed(world, 1 + random.int(30))
    running.push(world.start(program(), { ...options, instance: 'b' }, slow))
    for (let round = 0; round < 20; round += 1) {
      await write(world, written, 10)
      written += 10
      await world.clock.advance(random.int(40))
    }
    for (const each of running) {
      ok(each.outcome() === 'running')
      await world.stop(each)
    }
    await world.run(program(), { ...options, until: 'end' })
    deepEqual(await sumsOf(world), await sumsOfAll(written))
  }))

test('a table with its own watermark is not taken for older offsets', async () => {
  const joined = (names: Topic<string, string>): App => {
    const app = new App('app')
    app
      .stream(input)
      .join(app.table(names), value => value ?? 0)
      .groupBy(value => `mod ${value % 2}`)
      .windowedBy(tumbling(10))
      .count()
      .emit('final')
      .to(output)
    return app
  }
  const schemas = { key: text(), value: text() }
  const world = await World.open()
  const names = ['k0', 'k1', 'k2', 'k3'].map((key, n) => ({ key, value: key, partition: n % 2 }))
  await world.write('names', names, { partitions: 2 })
  const events = (from: number): Promise<void> =>
    world.write(
      'input',
      Array.from({ length: 40 }, (_, i) => ({
        key: `k${i % 4}`,
        value: from + i,
        timestamp: from + i,
        partition: i % 2,
      })),
      { partitions: 2 },
    )
  await events(0)
  await world.run(joined(topic('names', schemas)), { ...options, until: 'now' })
  await events(40)
  const later = topic('names', { ...schemas, watermark: { outOfOrderness: 0 } })
  await world.run(joined(later), { ...options, until: 'end' })
  deepEqual(
    [...(await sumsOf(world)).values()],
    Array.from({ length: 16 }, () => 5),
  )
})

/** A log that delays each answer about offsets. */
function slowed({ clock, port }: World, delayMs: number): LogPort {
  const offsets: LogPort['offsets'] = async (...args) => {
    const found = await port.offsets(...args)
    await clock.sleep(delayMs)
    return found
  }
  const committedOffsets: LogPort['committedOffsets'] = async (...args) => {
    const found = await port.committedOffsets(...args)
    await clock.sleep(delayMs)
    return found
  }
  return new Proxy(port, inPlaceOf<LogPort>({ offsets, committedOffsets }))
}
