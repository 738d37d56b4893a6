/**
 * Instances of one app that share its work over topics: they come, leave, fail and hang, power is lost, and
 * every record still counts exactly once.
 *
 * At every record the app writes the running count of the record's key, so that the topic holds for each key
 * 1, 2, 3 … up to the number of its records. A record that was lost, processed twice, or committed by an
 * instance that had lost its partitions makes a gap or a repetition.
 */
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError, type Random, seededRandom } from '../../src/base/index.ts'
import type { LogPort, Writer } from '../../src/port/index.ts'
import { json, text, topic, windowed } from '../../src/schema/index.ts'
import { App, type RunOptions, tumbling } from '../../src/stream/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { type Incoming, inPlaceOf, type Outgoing, type Running, World } from './world.ts'

const partitions = 3
const input = topic('input', { key: text(), value: json<string>(), watermark: { outOfOrderness: 20 } })
const totals = topic('totals', { key: text(), value: json<number>(), partitions: 2 })
const regrouped = topic('regrouped', { key: text(), value: json<number>(), partitions: 2 })
const counts = topic('counts', { key: windowed(text()), value: json<number>(), partitions: 1 })

/** `onRecord` is called for every record that is processed, and may throw. */
function counting(onRecord: () => void = () => {}): App {
  const app = new App('app')
  const events = app.stream(input).peek(onRecord)
  events.groupByKey().count().to(totals)
  const groups = events.groupBy(value => `group ${value}`)
  groups.count().to(regrouped)
  groups.windowedBy(tumbling(50)).count().emit('final').to(counts)
  return app
}

const options = (instance: string, more: RunOptions = {}): RunOptions => ({
  exchange: 'topic',
  commitInterval: 10,
  instance,
  ...more,
})

class Publisher {
  readonly published: Incoming[] = []
  readonly #world: World
  readonly #random: Random

  constructor(world: World, random: Random) {
    this.#world = world
    this.#random = random
  }

  /** More records; event time advances a little. */
  async publish(count: number): Promise<void> {
    const records = Array.from({ length: count }, () => {
      const partition = this.#random.int(partitions)
      return {
        key: `key ${partition}${this.#random.int(3)}`,
        value: JSON.stringify('xyz'[this.#random.int(3)]),
        timestamp: this.published.length * 2 + this.#random.int(20),
        partition,
      }
    })
    await this.#world.write('input', records, { partitions, perBatch: 1 + this.#random.int(4) })
    this.published.push(...records)
  }
}

/** 1, 2, 3 … for each key, up to the number of records for which `keyOf` returns it. */
function checkSequences(
  found: readonly Outgoing[],
  published: readonly Incoming[],
  keyOf: (record: Incoming) => string,
  label: string,
): void {
  const expected = new Map<string, number[]>()
  for (const record of published) {
    const key = keyOf(record)
    const sequence = expected.get(key) ?? []
    expected.set(key, sequence)
    sequence.push(sequence.length + 1)
  }
  const sequences = new Map<string, number[]>()
  for (const { key, value } of found) {
    const sequence = sequences.get(key ?? '') ?? []
    sequences.set(key ?? '', sequence)
    sequence.push(Number(value))
  }
  const sorted = (map: ReadonlyMap<string, number[]>): unknown =>
    [...map].sort(([a], [b]) => (a < b ? -1 : 1))
  deepEqual(sorted(sequences), sorted(expected), label)
}

/** Ends the app and checks everything that it has written. */
async function check(world: World, { published }: Publisher, label: string): Promise<void> {
  await world.run(counting(), options('last', { until: 'end' }))
  checkSequences(await world.read('totals'), published, ({ key }) => key ?? '', `totals, ${label}`)
  const groupOf = ({ value }: Incoming): string => `"group ${JSON.parse(String(value)) as string}"`
  checkSequences(
    await world.read('regrouped'),
    published,
    record => JSON.parse(groupOf(record)) as string,
    `regrouped, ${label}`,
  )
  // Each window closes once, and all records are in one.
  const windows = await world.read('counts')
  equal(new Set(windows.map(({ key }) => key)).size, windows.length, `windows, ${label}`)
  equal(
    windows.reduce((sum, { value }) => sum + Number(value), 0),
    published.length,
    `records in windows, ${label}`,
  )
}

async function setUp(random: Random): Promise<{ world: World; publisher: Publisher }> {
  const world = await World.open(random.int(2 ** 31))
  const publisher = new Publisher(world, random)
  await publisher.publish(30)
  return { world, publisher }
}

const isFenced = (error: unknown): boolean => isMillraceError(error, 'MEMBER_FENCED', 'PRODUCER_FENCED')

test('two instances share the partitions; when one leaves, the other continues with all of them', async () => {
  const { world, publisher } = await setUp(seededRandom(1))
  const seen = [0, 0]
  const [first, second] = [0, 1].map(n =>
    world.start(
      counting(() => {
        seen[n] = (seen[n] as number) + 1
      }),
      options(String(n)),
    ),
  ) as [Running, Running]
  await world.clock.advance(100)
  await publisher.publish(60)
  await world.clock.advance(100)
  ok((seen[1] as number) > 0, 'the second instance has work')
  await world.stop(first)
  const before = seen[1] as number
  await publisher.publish(60)
  await world.clock.advance(100)
  equal((seen[1] as number) - before, 60)
  await world.stop(second)
  await check(world, publisher, 'one left')
})

test('an instance that fails releases its partitions without a commit, and the other takes them over', async () => {
  const { world, publisher } = await setUp(seededRandom(1))
  let isBroken = false
  const first = world.start(counting(), options('0'))
  const second = world.start(
    counting(() => {
      if (isBroken) throw new Error('broken')
    }),
    options('1'),
  )
  await world.clock.advance(100)
  isBroken = true
  await publisher.publish(60)
  await rejects(world.settle(second.done), (error: unknown) => isMillraceError(error, 'USER_FUNCTION_FAILED'))
  await publisher.publish(30)
  await world.clock.advance(100)
  equal(first.instance.progress().lag, 0)
  await world.stop(first)
  await check(world, publisher, 'one failed')
})

// Before its first append the transaction has not begun, and only the group knows that the instance was
// replaced. Before its commit the transaction has timed out as well.
for (const at of ['append', 'commit'] as const)
  test(`an instance that hangs before its ${at} is expelled, and commits nothing when it resumes`, async () => {
    const { world, publisher } = await setUp(seededRandom(1))
    const gate = { closed: false, opened: Promise.withResolvers<void>() }
    const hanging = world.start(counting(), options('0'), hangingAt(at, world.port, gate))
    await world.clock.advance(100)
    gate.closed = true
    await publisher.publish(60)
    await world.clock.advance(100)
    const successor = world.start(counting(), options('1'))
    // The group waits a minute for the answer: as long as the transaction may be open.
    await world.clock.advance(130_000)
    await publisher.publish(30)
    await world.clock.advance(1000)
    equal(successor.instance.progress().lag, 0)
    gate.opened.resolve()
    await rejects(world.settle(hanging.done), isFenced)
    await world.stop(successor)
    await check(world, publisher, 'one hung')
  })

/** A log whose writers wait at a gate once it is closed. */
function hangingAt(
  at: 'append' | 'commit',
  port: LogPort,
  gate: { readonly closed: boolean; readonly opened: PromiseWithResolvers<void> },
): LogPort {
  const openWriter: LogPort['openWriter'] = async writerOptions => {
    const writer = await port.openWriter(writerOptions)
    const append: Writer['append'] = async (...batch) => {
      if (gate.closed) await gate.opened.promise
      return writer.append(...batch)
    }
    const commit: Writer['commit'] = async offsets => {
      if (gate.closed) await gate.opened.promise
      await writer.commit(offsets)
    }
    return new Proxy(writer, inPlaceOf<Writer>(at === 'append' ? { append } : { commit }))
  }
  return new Proxy(port, inPlaceOf<LogPort>({ openWriter }))
}

test('an instance with the id of another one replaces it', async () => {
  const { world, publisher } = await setUp(seededRandom(1))
  const first = world.start(counting(), options('0'))
  await world.clock.advance(100)
  const second = world.start(counting(), options('0'))
  await publisher.publish(30)
  await rejects(world.settle(first.done), isFenced)
  await world.clock.advance(200)
  equal(second.instance.progress().lag, 0)
  await world.stop(second)
  await check(world, publisher, 'one replaced')
})

test('another instance cannot restart a running app until the app is stopped', async () => {
  const { world, publisher } = await setUp(seededRandom(1))
  const first = world.start(counting(), options('0'))
  await world.clock.advance(100)
  await rejects(world.run(counting(), options('1', { restart: true, until: 'now' })), (error: unknown) =>
    isMillraceError(error, 'APP_ALREADY_RUNNING'),
  )
  await publisher.publish(30)
  await world.clock.advance(200)
  equal(first.outcome(), 'running')
  await world.stop(first)
  await check(world, publisher, 'not restarted')
  await world.run(counting(), options('1', { restart: true, until: 'now' }))
})

test('an exchange in memory admits one instance', async () => {
  const { world } = await setUp(seededRandom(1))
  const first = world.start(counting(), { exchange: 'memory' })
  await world.clock.advance(100)
  await rejects(world.run(counting(), { exchange: 'memory', instance: '1' }), (error: unknown) =>
    isMillraceError(error, 'APP_ALREADY_RUNNING'),
  )
  await world.stop(first)
})

/** Up to three instances come and go at random, some by failing; sometimes power is lost. */
async function churn(random: Random): Promise<void> {
  const { world, publisher } = await setUp(random)
  let running: (Running & { broken: boolean })[] = []
  let started = 0
  for (let step = 0; step < 12; step += 1) {
    await publisher.publish(random.int(20))
    await world.clock.advance(random.int(30))
    running = running.filter(each => each.outcome() === 'running')
    const one = running[random.int(Math.max(1, running.length))]
    switch (random.int(5)) {
      case 0:
      case 1: {
        if (running.length >= 3) break
        const state = { broken: false }
        started += 1
        const app = counting(() => {
          if (state.broken) throw new Error('broken')
        })
        running.push(Object.assign(state, world.start(app, options(String(started)))))
        break
      }
      case 2:
        if (one && !one.broken) {
          one.instance.stop()
          // Sometimes the others continue at once, while the first is still leaving.
          if (random.int(2) === 0) await world.settle(one.done)
        }
        break
      case 3:
        if (one) one.broken = true
        break
      case 4:
        if (random.int(3) === 0) {
          await world.crash()
          running = []
        }
        break
    }
  }
  for (const each of running) each.instance.stop()
  for (const each of running)
    try {
      await world.settle(each.done)
    } catch (error) {
      ok(isMillraceError(error, 'USER_FUNCTION_FAILED'), String(error))
    }
  await check(world, publisher, 'they came and went')
}

test('instances come, go, fail and lose power, and every record counts once', () => forSeeds(200, churn))
