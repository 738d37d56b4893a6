/**
 * Windows, aggregates and joins against the naive oracle: random windows, disorder, late data, partitions,
 * interleavings, batch sizes, commits and crashes. In every case the last value per key and window is the
 * oracle's.
 */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { partitionForBinary, type Random } from '../../src/base/index.ts'
import { json, text, topic, windowed } from '../../src/schema/index.ts'
import { App, cumulative, global, hopping, session, sliding, tumbling } from '../../src/stream/index.ts'
import { forSeeds } from '../for-seeds.ts'
import {
  alignedRows,
  exchangedSessionRows,
  globalRows,
  lastOfRows,
  type OracleRecord,
  sessionRows,
  slidingRows,
  tableOf,
} from './oracle.ts'
import { runAtRandom } from './random-run.ts'
import { type InputRecord, TaskHarness } from './task-harness.ts'

interface Event extends OracleRecord {
  readonly other: string
}

const add = (sum: number, { value }: { value: number }): number => sum + value

function randomPartitions(random: Random, count: number = 1 + random.int(3)): Event[][] {
  const partitions: Event[][] = Array.from({ length: count }, () => [])
  const span = 50 + random.int(400)
  const disorder = random.int(80)
  const total = random.int(40)
  // Times are often equal, and often at the bounds of windows.
  const step = [1, 1, 5, 10][random.int(4)] as number
  for (let n = 0; n < total; n += 1) {
    const key = 'abcd'[random.int(4)]!
    const timestamp = Math.max(
      0,
      Math.floor((n * span) / Math.max(total, 1)) -
        random.int(disorder + 1) +
        (random.int(15) === 0 ? random.int(100) : 0),
    )
    partitions[partitionForBinary(key, count)]!.push({
      key,
      value: 1 + random.int(9),
      timestamp: Math.floor(timestamp / step) * step,
      other: 'xyz'[random.int(3)]!,
    })
  }
  return partitions
}

function check(name: string, seeds: number, one: (random: Random) => void): void {
  test(name, () => forSeeds(seeds, one))
}

function build(random: Random) {
  const outOfOrderness = random.int(60)
  const input = topic('input', {
    key: text(),
    value: json<{ value: number; other: string }>(),
    watermark: { outOfOrderness },
  })
  const partitions = randomPartitions(random)
  const inputs = new Map<string, InputRecord[][]>([
    [
      'input',
      partitions.map(events =>
        events.map(({ key, value, other, timestamp }) => ({ key, value: { value, other }, timestamp })),
      ),
    ],
  ])
  return { outOfOrderness, input, partitions, inputs, app: new App('oracle') }
}

const output = topic('output', { key: windowed(text()), value: json<number>() })

const turns = [undefined, undefined, 1, 2, 5]
const harnessOf = (app: App, inputs: Map<string, InputRecord[][]>, random: Random): TaskHarness => {
  const rowsPerTurn = turns[random.int(turns.length)]
  return new TaskHarness(app, inputs, rowsPerTurn === undefined ? {} : { rowsPerTurn })
}

/** Often a multiple of 5, so that times are at the bounds. */
const duration = (random: Random, max: number): number =>
  random.int(2) === 0 ? 1 + random.int(max) : 5 * (1 + random.int(Math.ceil(max / 5)))

function alignedAtRandom(random: Random, latenessMin = 0) {
  const advance = duration(random, 40)
  const allowedLateness = latenessMin + (random.int(3) === 0 ? 0 : random.int(120))
  const options = { allowedLateness, offset: random.int(2) === 0 ? 0 : random.int(100) - 50 }
  switch (random.int(5)) {
    case 0:
      return hopping(advance * (1 + random.int(3)), advance, options)
    case 1:
      // A sample (advance larger than size), or an advance that does not divide the size.
      return hopping(duration(random, 60), advance, options)
    case 2:
      return cumulative({ size: advance * (1 + random.int(4)), step: advance, ...options })
    default:
      return tumbling(advance, options)
  }
}

function sessionAtRandom(random: Random) {
  const gap = duration(random, 30)
  const options = { allowedLateness: random.int(3) === 0 ? 0 : random.int(100) }
  return random.int(2) === 0
    ? session(gap, options)
    : session(({ value }: { value: number }) => gap * (1 + (value % 3)), options)
}

const slidingAtRandom = (random: Random) =>
  sliding(duration(random, 40), { allowedLateness: random.int(3) === 0 ? 0 : random.int(100) })

const policies = [
  'final',
  'changes',
  { early: 1000 },
  { early: 20, time: 'event' },
  { everyRecords: 2 },
] as const

/** A window has at most one on-time result. */
function checkPanes(harness: TaskHarness): void {
  const onTime = harness.outputs
    .filter(({ pane }) => pane === 'on-time')
    .map(({ key }) => JSON.stringify(key))
  deepEqual(onTime.length, new Set(onTime).size)
}

/** Windows at random, by their kind. */
const kinds = {
  'aligned windows': alignedAtRandom,
  sessions: sessionAtRandom,
  'sliding windows': slidingAtRandom,
  'global windows': () => global(),
} as const

type RandomWindows = ReturnType<(typeof kinds)[keyof typeof kinds]>
type Build = ReturnType<typeof build>

/** Sums in windows, by the key of the records; behind an exchange, by another one. */
function sumsIn(windows: RandomWindows, exchanged: boolean, { app, input }: Build) {
  const stream = app.stream(input)
  const grouped = exchanged ? stream.groupBy(({ other }) => other) : stream.groupByKey()
  return windows.kind === 'session'
    ? grouped.windowedBy(windows).aggregate(0, add, (a, b) => a + b)
    : grouped.windowedBy(windows).aggregate(0, add)
}

const byKey = (record: OracleRecord): string => record.key

/** What they are. */
function rowsIn(windows: RandomWindows, exchanged: boolean, { partitions, outOfOrderness }: Build) {
  const keyOf = exchanged ? (record: OracleRecord): string => (record as Event).other : byKey
  if (windows.kind === 'global') return globalRows(partitions, keyOf)
  if (windows.kind === 'sliding') return slidingRows(partitions, outOfOrderness, windows, keyOf)
  if (windows.kind !== 'session') return alignedRows(partitions, outOfOrderness, windows, keyOf)
  return exchanged
    ? exchangedSessionRows(partitions, outOfOrderness, windows, keyOf)
    : sessionRows(partitions, outOfOrderness, windows)
}

for (const [kind, windowsAtRandom] of Object.entries(kinds))
  for (const exchanged of [false, true])
    check(`${kind}${exchanged ? ' behind an exchange' : ''}`, exchanged ? 3000 : 5000, random => {
      const built = build(random)
      const windows = windowsAtRandom(random)
      const policy = policies[random.int(policies.length)]!
      sumsIn(windows, exchanged, built).emit(policy).to(output)
      const harness = harnessOf(built.app, built.inputs, random)
      runAtRandom(harness, random)
      const expected = tableOf(rowsIn(windows, exchanged, built), policy === 'changes' ? 'changes' : 'final')
      deepEqual(sorted(harness.table('output')), sorted(expected))
      checkPanes(harness)
    })

for (const [kind, windowsAtRandom] of Object.entries(kinds))
  check(`cogrouped ${kind}`, 2000, random => {
    const built = build(random)
    const { app, inputs, partitions, outOfOrderness } = built
    const raised = topic('raised', {
      key: text(),
      value: json<{ value: number }>(),
      watermark: { outOfOrderness },
    })
    const others = randomPartitions(random, partitions.length)
    const raise = ({ key, value, timestamp }: Event) => ({ key, value: { value: value + 30 }, timestamp })
    inputs.set(
      'raised',
      others.map(events => events.map(raise)),
    )
    const windows = windowsAtRandom(random)
    const cogrouped = app
      .stream(built.input)
      .groupByKey()
      .cogroup(add)
      .cogroup(app.stream(raised).groupByKey(), (sum, { value }) => sum + value - 30)
    const sums =
      windows.kind === 'session'
        ? cogrouped.windowedBy(windows).aggregate(0, (a, b) => a + b)
        : cogrouped.windowedBy(windows).aggregate(0)
    sums.emit('final').to(output)
    const harness = harnessOf(app, inputs, random)
    runAtRandom(harness, random)
    const both = [...partitions, ...others]
    // The records of a key come from two topics, so its sessions are those behind an exchange.
    const rows =
      windows.kind === 'session'
        ? exchangedSessionRows(both, outOfOrderness, windows, byKey)
        : rowsIn(windows, false, { ...built, partitions: both })
    deepEqual(sorted(harness.table('output')), sorted(tableOf(rows, 'final')))
    checkPanes(harness)
  })

check('counts in windows that may share rows', 5000, random => {
  const built = build(random)
  const windows = alignedAtRandom(random)
  const exchanged = random.int(2) === 0
  const stream = built.app.stream(built.input)
  const grouped = exchanged ? stream.groupBy(({ other }) => other) : stream.groupByKey()
  const policy = random.int(2) === 0 ? 'final' : policies[random.int(policies.length)]!
  grouped.windowedBy(windows).count().emit(policy).to(output)
  const harness = harnessOf(built.app, built.inputs, random)
  runAtRandom(harness, random)
  const rows = rowsIn(windows, exchanged, built)
  deepEqual(
    sorted(harness.table('output')),
    sorted(tableOf(rows, policy === 'changes' ? 'changes' : 'final', all => all.length)),
  )
  checkPanes(harness)
})

check('discarded panes add up to the windows', 2000, random => {
  const built = build(random)
  const sessions = session(duration(random, 30), { allowedLateness: random.int(2) * random.int(100) })
  const windows = [global(), sessions, alignedAtRandom(random)][random.int(3)]!
  const exchanged = random.int(2) === 0
  const when = [{ everyRecords: 2 }, { early: 20, time: 'event' }, { early: 1000 }] as const
  sumsIn(windows, exchanged, built)
    .emit({ ...when[random.int(when.length)]!, panes: 'discarding' })
    .to(output)
  const harness = harnessOf(built.app, built.inputs, random)
  runAtRandom(harness, random)
  /** The sums of windows; of sessions, whose panes have the bounds of their times, those of all of a key. */
  const totals = (sums: Iterable<readonly [key: string, sum: unknown]>): Map<string, number> => {
    const all = new Map<string, number>()
    for (const [key, sum] of sums) {
      const id = windows.kind === 'session' ? (JSON.parse(key) as { key: string }).key : key
      all.set(id, (all.get(id) ?? 0) + (sum as number))
    }
    return all
  }
  const expected = Array.from(tableOf(rowsIn(windows, exchanged, built), 'final'), ([key, [sum]]) => {
    return [key, sum] as const
  })
  const found = harness.outputs.map(({ key, value }) => [JSON.stringify(key), value] as const)
  deepEqual(sorted(totals(found)), sorted(totals(expected)))
  checkPanes(harness)
})

const lists = topic('lists', { key: windowed(text()), value: json<readonly unknown[]>() })

check('the largest values of windows', 2000, random => {
  const built = build(random)
  const windows = alignedAtRandom(random)
  const exchanged = random.int(2) === 0
  const stream = built.app.stream(built.input)
  const grouped = exchanged ? stream.groupBy(({ other }) => other) : stream.groupByKey()
  const top = grouped.windowedBy(windows).topN(2, ({ value }) => value)
  top
    .emit('final')
    .mapValues(values => values.map(({ value }) => value))
    .to(lists)
  const harness = harnessOf(built.app, built.inputs, random)
  runAtRandom(harness, random)
  const largest = (records: readonly OracleRecord[]): number[] =>
    records
      .map(({ value }) => value)
      .sort((a, b) => b - a)
      .slice(0, 2)
  const rows = rowsIn(windows, exchanged, built)
  deepEqual(sorted(harness.table('lists')), sorted(tableOf(rows, 'final', largest)))
})

check('the records of sessions', 2000, random => {
  const built = build(random)
  const windows = session(duration(random, 30), { allowedLateness: random.int(2) * random.int(100) })
  const exchanged = random.int(2) === 0
  const stream = built.app.stream(built.input)
  const grouped = exchanged ? stream.groupBy(({ other }) => other) : stream.groupByKey()
  // Which one of two records with one time is first depends on how their partitions interleaved.
  const byTime = (pairs: readonly (readonly [number, number])[]) =>
    pairs.toSorted(([at, a], [otherAt, b]) => at - otherAt || a - b)
  grouped
    .sessionize(windows.gapMs, { allowedLateness: windows.allowedLatenessMs })
    .emit('final')
    .mapValues(records => {
      const pairs = records.map(({ timestamp, value }) => [timestamp, value.value] as const)
      deepEqual(
        pairs.map(([at]) => at),
        byTime(pairs).map(([at]) => at),
      )
      return byTime(pairs)
    })
    .to(lists)
  const harness = harnessOf(built.app, built.inputs, random)
  runAtRandom(harness, random)
  const pairsOf = (records: readonly OracleRecord[]) =>
    byTime(records.map(({ timestamp, value }) => [timestamp, value]))
  const rows = rowsIn(windows, exchanged, built)
  deepEqual(sorted(harness.table('lists')), sorted(tableOf(rows, 'final', pairsOf)))
})

/** The last sums of windows, which the windows above them keep. */
type Sums = Record<string, number>
const last = topic('last', { key: windowed(text()), value: json<Sums>() })

check('windows over final results', 4000, random => {
  const built = build(random)
  const exchanged = random.int(2) === 0
  const kind = random.int(3)
  const first = [sessionAtRandom, slidingAtRandom, alignedAtRandom][kind]!(random)
  const second = alignedAtRandom(random, first.allowedLatenessMs)
  const changes = sumsIn(first, exchanged, built)
    .emit('final')
    .toStream()
    .map((sum, { key, start, end }) => [key, { window: `${start}-${end}`, sum }] as const)
  changes
    .groupByKey()
    .windowedBy(second)
    .aggregate<Sums>({}, (sums, { window, sum }) => {
      const { [window]: _before, ...others } = sums
      return sum === null ? others : { ...others, [window]: sum }
    })
    .emit('final')
    .filter(sums => Object.keys(sums).length > 0)
    .to(last)
  const harness = harnessOf(built.app, built.inputs, random)
  runAtRandom(harness, random)
  const rows = rowsIn(first, exchanged, built)
  const found = new Map(
    [...harness.table('last')].map(([key, [sums, at]]) => [key, [inOrder(sums as Sums), at]]),
  )
  const expected = new Map(
    [...lastOfRows(rows, second)].map(([key, [sums, at]]) => [key, [inOrder(sums), at]]),
  )
  deepEqual(sorted(found), sorted(expected))
})

function inOrder(sums: Sums): [string, number][] {
  return Object.entries(sums).toSorted(([a], [b]) => (a < b ? -1 : 1))
}

check('aggregates joined to a table', 2000, random => {
  const { app, input, inputs, partitions } = build(random)
  const factors = topic('factors', { key: text(), value: json<number>() })
  const sums = topic('sums', { key: text(), value: json<number>() })
  const factorOf = (key: string): number => 1 + key.charCodeAt(0)
  inputs.set(
    'factors',
    partitions.map((_, partition) =>
      ['a', 'b', 'c', 'd']
        .filter(key => partitionForBinary(key, partitions.length) === partition)
        .map(key => ({ key, value: factorOf(key), timestamp: 0 })),
    ),
  )
  app
    .stream(input)
    .join(app.table(factors), ({ value }, factor) => ({ value: value * factor }))
    .groupByKey()
    .aggregate(0, add)
    .to(sums)
  const harness = new TaskHarness(app, inputs)
  for (const source of harness.sources) if (source.topic === 'factors') harness.read(source, 10)
  harness.commit()
  runAtRandom(harness, random)
  const expected = new Map<string, readonly [number, number]>()
  for (const { key, value, timestamp } of partitions.flat()) {
    const [sum, latest] = expected.get(JSON.stringify(key)) ?? [0, 0]
    expected.set(JSON.stringify(key), [sum + value * factorOf(key), Math.max(latest, timestamp)])
  }
  deepEqual(sorted(harness.table('sums')), sorted(expected))
})

function sorted(rows: ReadonlyMap<string, unknown>): [string, unknown][] {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1))
}
