/**
 * Windows, aggregates and joins against the naive oracle: random windows, disorder, late data, partitions, interleavings, batch sizes, commits and
 * crashes. Whatever happened on the way, the last value per key and window is what the oracle says.
 */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { partitionForBinary, type Random, seededRandom } from '../../src/base/index.ts'
import { json, text, topic, windowed } from '../../src/schema/index.ts'
import { App, hopping, session, tumbling } from '../../src/stream/index.ts'
import { scale, seed } from '../scale.ts'
import { alignedSums, type OracleRecord, sessionSums } from './oracle.ts'
import { type InputRecord, TaskHarness } from './task-harness.ts'

interface Event extends OracleRecord {
  readonly other: string
}

const add = (sum: number, { value }: { value: number }): number => sum + value

/** Runs to the end of input in a random order, with commits and crashes on the way. */
function runAtRandom(harness: TaskHarness, random: Random): void {
  for (let steps = 0; harness.open.length > 0 || steps === 0; steps += 1) {
    const { open } = harness
    const source = open[random.int(Math.max(open.length, 1))]
    if (source) harness.read(source, 1 + random.int(8))
    if (random.int(4) === 0) harness.commit()
    if (steps < 60 && random.int(10) === 0) harness.restart()
  }
  harness.endExhausted()
  if (random.int(2) === 0) {
    harness.restart()
    while (harness.open.length > 0) for (const source of harness.open) harness.read(source, 5)
    harness.endExhausted()
  }
  harness.commit()
}

function randomPartitions(random: Random): Event[][] {
  const count = 1 + random.int(3)
  const partitions: Event[][] = Array.from({ length: count }, () => [])
  const span = 50 + random.int(400)
  const disorder = random.int(80)
  const total = random.int(40)
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
      timestamp,
      other: 'xyz'[random.int(3)]!,
    })
  }
  return partitions
}

function check(name: string, full: number, one: (random: Random) => void): void {
  test(name, () => {
    const cases = scale(full)
    for (let n = 0; n < cases; n += 1) {
      const caseSeed = seed * 1_000_003 + n
      try {
        one(seededRandom(caseSeed))
      } catch (error) {
        throw new Error(`case ${n} of ${name} (seed ${caseSeed}) failed`, { cause: error })
      }
    }
  })
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

function alignedAtRandom(random: Random) {
  const advance = 1 + random.int(40)
  const allowedLateness = random.int(3) === 0 ? 0 : random.int(120)
  return random.int(2) === 0
    ? tumbling(advance, { allowedLateness })
    : hopping(advance * (1 + random.int(3)), advance, { allowedLateness })
}

const policies = ['final', 'changes', { early: 1000 }] as const

check('aligned windows', 7000, random => {
  const { app, input, inputs, partitions, outOfOrderness } = build(random)
  const windows = alignedAtRandom(random)
  app
    .stream(input)
    .groupByKey()
    .windowedBy(windows)
    .aggregate(0, add)
    .emit(policies[random.int(3)]!)
    .to(output)
  const harness = new TaskHarness(app, inputs)
  runAtRandom(harness, random)
  deepEqual(
    sorted(harness.table('output')),
    sorted(alignedSums(partitions, outOfOrderness, windows, ({ key }) => key)),
  )
})

check('aligned windows behind an exchange', 5000, random => {
  const { app, input, inputs, partitions, outOfOrderness } = build(random)
  const windows = alignedAtRandom(random)
  app
    .stream(input)
    .groupBy(({ other }) => other)
    .windowedBy(windows)
    .aggregate(0, add)
    .emit(policies[random.int(3)]!)
    .to(output)
  const harness = new TaskHarness(app, inputs)
  runAtRandom(harness, random)
  deepEqual(
    sorted(harness.table('output')),
    sorted(alignedSums(partitions, outOfOrderness, windows, record => (record as Event).other)),
  )
})

check('sessions', 6000, random => {
  const { app, input, inputs, partitions, outOfOrderness } = build(random)
  const windows = session(1 + random.int(30), { allowedLateness: random.int(3) === 0 ? 0 : random.int(100) })
  app
    .stream(input)
    .groupByKey()
    .windowedBy(windows)
    .aggregate(0, add, (a, b) => a + b)
    .emit(policies[random.int(2)]!)
    .to(output)
  const harness = new TaskHarness(app, inputs)
  runAtRandom(harness, random)
  deepEqual(sorted(harness.table('output')), sorted(sessionSums(partitions, outOfOrderness, windows)))
})

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
  const expected = new Map<string, number>()
  for (const { key, value } of partitions.flat())
    expected.set(JSON.stringify(key), (expected.get(JSON.stringify(key)) ?? 0) + value * factorOf(key))
  deepEqual(sorted(harness.table('sums')), sorted(expected))
})

function sorted(rows: ReadonlyMap<string, unknown>): [string, unknown][] {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1))
}
