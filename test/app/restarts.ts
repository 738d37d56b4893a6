/**
 * Restarts: an app over 8 partitions that commits every 100 ms runs for a day by a virtual clock. It is
 * restarted at random points, sometimes by a loss of power. Its offsets, state and outputs are those of an
 * undisturbed run. Meanwhile the log rewrites its internal topics again and again.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Random } from '../../src/base/index.ts'
import { json, text, topic, windowed } from '../../src/schema/index.ts'
import { App, listApps, output, type RunOptions, tumbling, valueState } from '../../src/stream/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { soak } from '../scale.ts'
import { type Incoming, type Running, World } from './world.ts'

const partitions = 8
/** `npm test` has 25 restarts, in one hour. */
const restarts = soak ? 500 : 25
const lengthMs = soak ? 86_400_000 : 3_600_000

const input = topic('input', { key: text(), value: json<number>(), watermark: { outOfOrderness: '1m' } })
const totals = topic('totals', { key: text(), value: json<number>(), partitions: 2 })
const pairs = topic('pairs', { key: text(), value: json<string>(), partitions: 2 })
const hours = topic('hours', { key: windowed(text()), value: json<number>(), partitions: 2 })
const quiet = topic('quiet', { key: text(), value: json<number>(), partitions: 2 })
/** A key without records for so long is told. */
const quietMs = 600_000

function counting(): App {
  const app = new App('app')
  const numbers = app.stream(input)
  numbers
    .groupByKey()
    .aggregate({ sum: 0, n: 0 }, ({ sum, n }, value) => ({ sum: sum + value, n: n + 1 }), { name: 'totals' })
    .mapValues(({ sum, n }) => 1000 * n + sum)
    .to(totals)
  numbers
    .groupBy((_, key) => `group ${key?.at(-1)}`)
    .windowedBy(tumbling('10m'))
    .count({ name: 'groups' })
    .emit('final')
    .to(hours)
  const isEven = (value: number | null): boolean => Number(value) % 2 === 0
  numbers
    .filter(isEven)
    .leftJoin(numbers.filterNot(isEven), (even, odd) => `${even} ${odd}`, { within: '10m', name: 'pairs' })
    .to(pairs)
  numbers
    .process(
      {
        state: { seen: valueState<number>() },
        outputs: { quiet: output<number>() },
        timers: { silence: (_key, { state, emit }) => emit.quiet(state.seen.get() ?? 0) },
        onRecord: (_value, _key, { state, timers, timestamp }) => {
          state.seen.set((state.seen.get() ?? 0) + 1)
          timers.silence.set(timestamp + quietMs)
        },
      },
      { name: 'silence' },
    )
    .quiet.to(quiet)
  return app
}

/** What is published, and when: the same for both runs. */
interface Step {
  readonly afterMs: number
  readonly records: readonly Incoming[]
  /**
   * The time from the records to the event: the app is processing, is between two commits, or has processed
   * everything.
   */
  readonly eventAfterMs: number
  /** What then happens to the disturbed run. */
  readonly event: 'none' | 'stop' | 'reopen' | 'crash'
}

function stepsOf(random: Random): Step[] {
  const count = 2 * restarts
  return Array.from({ length: count }, (_, step) => {
    const time = Math.floor((lengthMs * step) / count)
    const records = Array.from({ length: random.int(6) }, () => {
      const partition = random.int(partitions)
      return { key: `key ${partition}${random.int(3)}`, value: random.int(100), partition, timestamp: time }
    })
    const event = step % 2 === 0 ? (['stop', 'reopen', 'crash'] as const)[random.int(3)]! : 'none'
    const eventAfterMs = random.int(2) * random.int(240)
    return { afterMs: Math.floor(lengthMs / count), records, eventAfterMs, event }
  })
}

/** Tiny segments, and frequent rewrites of the internal topics. */
const limits = { internal: { segmentBytes: 20_000, rewriteBytes: 3000, batchBytes: 4500, replayBytes: 9000 } }

interface Found {
  /** Of the inputs, with their event time. */
  readonly offsets: unknown
  /** The rows of each changelog. */
  readonly state: Record<string, string[]>
  readonly apps: unknown
  readonly totals: unknown[]
  readonly pairs: unknown[]
  readonly hours: unknown[]
  readonly quiet: unknown[]
}

async function run(
  all: readonly Step[],
  exchange: 'memory' | 'topic',
  isDisturbed: boolean,
  seed: number,
): Promise<Found> {
  const world = await World.open(seed, limits)
  const none = Array.from({ length: partitions }, (_, partition) => ({
    key: `key ${partition}0`,
    value: 0,
    partition,
  }))
  await world.write('input', none, { partitions })
  const options: RunOptions = { commitInterval: 100, exchange }
  const start = (): Running => world.start(counting(), options)
  let running = start()
  for (const { afterMs, records, eventAfterMs, event } of all) {
    await world.write('input', records)
    if (isDisturbed && event !== 'none') {
      await world.clock.advance(eventAfterMs)
      equal(running.outcome(), 'running')
      if (event === 'crash') await world.crash()
      else {
        await world.stop(running)
        if (event === 'reopen') await world.reopen()
      }
      running = start()
    }
    await world.clock.advance(afterMs)
  }
  await world.stop(running)
  const before = { offsets: await offsetsOf(world), state: await stateOf(world) }
  await world.run(counting(), { ...options, until: 'end' })
  const apps = (await world.settle(listApps(world.port))).map(({ app, finished, instances }) => ({
    app,
    finished,
    instances,
  }))
  return {
    ...before,
    apps,
    totals: byKey(await world.read('totals')),
    pairs: byKey(await world.read('pairs')),
    hours: byKey(await world.read('hours')),
    quiet: byKey(await world.read('quiet')),
  }
}

/**
 * Offsets and event time. The rest of a commit depends on the form of exchange (`sent`), on the bytes of the
 * log (`last`), and on its crashes (the leader epoch).
 */
async function offsetsOf(world: World): Promise<unknown> {
  const inputs = Array.from({ length: partitions }, (_, partition) => ({ topic: 'input', partition }))
  const committed = await world.settle(world.port.committedOffsets('app', inputs))
  return committed.map(each => {
    const {
      last: _last,
      sent: _sent,
      ...others
    } = JSON.parse(each?.metadata ?? '{}') as Record<string, unknown>
    return { offset: each?.offset, metadata: others }
  })
}

/** The final rows of the app's changelogs. */
async function stateOf(world: World): Promise<Record<string, string[]>> {
  const rows: Record<string, string[]> = {}
  for (const { name } of await world.port.listTopics({ internal: true }))
    if (name.startsWith('app-') && name.endsWith('-changelog') && name !== 'app-plan-changelog')
      rows[name] = await world.rows(name)
  return rows
}

/** A disturbed run against an undisturbed one. Neither shows the form of the exchange. */
export function check(exchange: 'memory' | 'topic'): Promise<void> {
  return forSeeds(1, async (random, seed) => {
    const steps = stepsOf(random)
    const expected = await run(steps, 'memory', false, seed)
    deepEqual(await run(steps, exchange, true, seed), expected)
    ok(expected.hours.length > 0 && expected.totals.length > 0 && expected.pairs.length > 0)
    ok(expected.quiet.length > 0)
    // Totals of all keys, windows that are still open, what waits for a match, and timers with their sums.
    const states = Object.values(expected.state)
    equal(states.length, 8)
    deepEqual(
      states.filter(rows => rows.length === 0),
      [],
    )
  })
}

/** What each key got, in order. The order between two keys depends on how partitions interleave. */
function byKey(records: readonly { key: string | null; value: string | null }[]): unknown[] {
  return [...Map.groupBy(records, ({ key }) => key ?? '')]
    .map(([key, of]) => [key, of.map(({ value }) => value)] as const)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
}
