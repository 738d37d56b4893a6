/**
 * Operations on tables, whose rows are added, changed and deleted at random. The final rows are those of a
 * naive model over the final rows of the inputs, for any interleaving of partitions, commits and crashes.
 */
import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { partitionForBinary, type Random } from '../../src/base/index.ts'
import { json, text, topic, type Topic } from '../../src/schema/index.ts'
import { App, type Table } from '../../src/stream/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { runAtRandom } from './random-run.ts'
import { type InputRecord, TaskHarness } from './task-harness.ts'

const lefts = topic('lefts', { key: text(), value: json<number>() })
/** With keys in the same form, and in another one, whose changes pass an exchange. */
const rightsByForm = [
  topic('rights', { key: text(), value: json<number>() }),
  topic('rights', { key: json<string>(), value: json<number>() }),
] as const
const output = topic('output', { key: json<unknown>(), value: json<unknown>() })

type Rows = ReadonlyMap<string, InputRecord>

/** Rows of one topic at random: a value of null deletes. */
function changesAtRandom(random: Random, { key: codec }: Topic<string, number>, partitions: number) {
  const changes: InputRecord[][] = Array.from({ length: partitions }, () => [])
  const count = random.int(25)
  for (let n = 0; n < count; n += 1) {
    const key = 'abcd'[random.int(4)]!
    const partition = partitionForBinary(String(codec.encode(key)), partitions)
    const value = random.int(4) === 0 ? null : random.int(6)
    changes[partition]!.push({ key, value, timestamp: random.int(40) })
  }
  const rows = new Map<string, InputRecord>()
  for (const change of changes.flat())
    if (change.value === null) rows.delete(String(change.key))
    else rows.set(String(change.key), change)
  const deleted = new Set(changes.flat().flatMap(({ key, value }) => (value === null ? [key] : [])))
  return { changes, rows, deleted }
}

/** Runs to the end, at random. */
function runToEnd(app: App, inputs: Map<string, InputRecord[][]>, random: Random): TaskHarness {
  const harness = new TaskHarness(app, inputs)
  runAtRandom(harness, random)
  // No table says that a row is gone that never was.
  const known = new Set<string>()
  for (const { key, value } of harness.outputs) {
    const id = JSON.stringify(key)
    if (value !== null) known.add(id)
    else ok(known.delete(id), `${id} was not there`)
  }
  return harness
}

const sorted = (rows: ReadonlyMap<string, unknown>): [string, unknown][] =>
  [...rows].sort(([a], [b]) => (a < b ? -1 : 1))

const joins = {
  join: (left: Table<string, number>, right: Table<string, number>): Table<string, string> =>
    left.join(right, (one, another) => `${one} ${another}`),
  leftJoin: (left: Table<string, number>, right: Table<string, number>): Table<string, string> =>
    left.leftJoin(right, (one, another) => `${one} ${another}`),
  outerJoin: (left: Table<string, number>, right: Table<string, number>): Table<string, string> =>
    left.outerJoin(right, (one, another) => `${one} ${another}`),
} as const

for (const kind of ['join', 'leftJoin', 'outerJoin'] as const)
  test(`${kind} of tables`, () =>
    forSeeds(2000, random => {
      const partitions = 1 + random.int(3)
      const rights = rightsByForm[random.int(2)]!
      const ofRights = rights.key.serde.name === 'string' ? partitions : 1 + random.int(3)
      const left = changesAtRandom(random, lefts, partitions)
      const right = changesAtRandom(random, rights, ofRights)
      const app = new App('app')
      joins[kind](app.table(lefts), app.table(rights)).to(output)
      const inputs = new Map([
        ['lefts', left.changes],
        ['rights', right.changes],
      ])
      const harness = runToEnd(app, inputs, random)

      const isThere = (key: string): boolean =>
        (left.rows.has(key) || kind === 'outerJoin') && (right.rows.has(key) || kind !== 'join')
      const keys = [...new Set([...left.rows.keys(), ...right.rows.keys()])]
      const timeOf = (rows: Rows, key: string): number => rows.get(key)?.timestamp ?? 0
      const found = harness.table('output')
      const expected = new Map<string, unknown>()
      for (const key of keys.filter(isThere)) {
        const value = `${valueOf(left.rows, key)} ${valueOf(right.rows, key)}`
        const latest = Math.max(timeOf(left.rows, key), timeOf(right.rows, key))
        // A side that was deleted may have given the row a later time, when its deletion came last.
        const isExact = [left, right].every(side => side.rows.has(key) || !side.deleted.has(key))
        const timestamp = isExact ? latest : found.get(JSON.stringify(key))?.[1]
        ok((timestamp ?? -1) >= latest)
        expected.set(JSON.stringify(key), [value, timestamp])
      }
      deepEqual(sorted(found), sorted(expected))
      deepEqual(harness.rows('table-').length, keys.length)
    }))

function valueOf(rows: Rows, key: string): string {
  return JSON.stringify(rows.get(key)?.value ?? null)
}

/** The row of `rights` that a row of `lefts` refers to, if it refers to any. */
const referred = (value: number): string | null => 'abcd'[value] ?? null

const byForeignKey = {
  join: (left: Table<string, number>, right: Table<string, number>): Table<string, string> =>
    left.join(right, referred, (one, another, key) => `${key} ${one} ${another}`),
  leftJoin: (left: Table<string, number>, right: Table<string, number>): Table<string, string> =>
    left.leftJoin(right, referred, (one, another, key) => `${key} ${one} ${another}`),
} as const

for (const kind of ['join', 'leftJoin'] as const)
  test(`${kind} of tables by foreign key`, () =>
    forSeeds(2000, random => {
      const left = changesAtRandom(random, lefts, 1 + random.int(3))
      const rights = rightsByForm[random.int(2)]!
      const right = changesAtRandom(random, rights, 1 + random.int(3))
      const app = new App('app')
      byForeignKey[kind](app.table(lefts), app.table(rights)).to(output)
      const inputs = new Map([
        ['lefts', left.changes],
        ['rights', right.changes],
      ])
      const harness = runToEnd(app, inputs, random)

      const found = harness.table('output')
      const expected = new Map<string, unknown>()
      let asking = 0
      for (const [key, { value, timestamp }] of left.rows) {
        const to = referred(Number(value))
        const other = to === null ? undefined : right.rows.get(to)
        if (to !== null) asking += 1
        if (!other && kind === 'join') continue
        // The deletion of a row that was referred to may have given the row a later time.
        const latest =
          !other && to !== null && right.deleted.has(to)
            ? Number(found.get(JSON.stringify(key))?.[1])
            : Math.max(timestamp, other?.timestamp ?? timestamp)
        ok(latest >= timestamp)
        expected.set(JSON.stringify(key), [
          `${key} ${Number(value)} ${valueOf(right.rows, to ?? '')}`,
          latest,
        ])
      }
      deepEqual(sorted(found), sorted(expected))
      const kept = ['foreign-key-answers-1-askers', 'foreign-key-answers-1-rows', `foreign-key-`]
      deepEqual(
        kept.map(state => harness.rows(state).length),
        [asking, right.rows.size, asking + right.rows.size + left.rows.size],
      )
    }))

test('a table joined to itself: no change replaces what was never there', () =>
  forSeeds(1000, random => {
    const partitions = 1 + random.int(3)
    const { changes, rows } = changesAtRandom(random, lefts, partitions)
    const app = new App('app')
    const table = app.table(lefts)
    const tens = table.mapValues(value => (value > 3 ? null : value * 10))
    table.outerJoin(tens, (one, another) => (one ?? 0) + (another ?? 0)).to(output)
    const harness = runToEnd(app, new Map([['lefts', changes]]), random)
    const expected = [...rows].map(([key, { value, timestamp }]): [string, unknown] => {
      const n = Number(value)
      return [JSON.stringify(key), [n > 3 ? n : n + n * 10, timestamp]]
    })
    deepEqual(sorted(harness.table('output')), sorted(new Map(expected)))
  }))

test('changes that are held back: the last ones are those of the table', () =>
  forSeeds(1000, random => {
    const timed = topic('timed', { key: text(), value: json<number>(), watermark: { outOfOrderness: 10 } })
    const { changes, rows } = changesAtRandom(random, timed, 1 + random.int(3))
    const app = new App('app')
    const bounds = {
      ...(random.int(2) === 0 && { maxRecords: 1 + random.int(3) }),
      ...(random.int(2) === 0 && { maxBytes: 20 + random.int(20) }),
    }
    app
      .table(timed)
      .suppress(1 + random.int(20), bounds)
      .to(output)
    const harness = runToEnd(app, new Map([['timed', changes]]), random)
    const expected = [...rows].map(([key, { value, timestamp }]): [string, unknown] => [
      JSON.stringify(key),
      [value, timestamp],
    ])
    deepEqual(sorted(harness.table('output')), sorted(new Map(expected)))
    deepEqual(harness.rows('suppress'), [])
  }))

/** Sums and counts by group, with the latest timestamp, of everything that a table ever had there. */
function groupsOf(changes: readonly InputRecord[]): Map<string, unknown> {
  const rows = new Map<unknown, number>()
  const groups = new Map<string, readonly [{ n: number; sum: number }, timestamp: number]>()
  const add = (value: number, sign: 1 | -1, timestamp: number): void => {
    const key = JSON.stringify(value % 3)
    const [{ n, sum }, latest] = groups.get(key) ?? [{ n: 0, sum: 0 }, timestamp]
    groups.set(key, [{ n: n + sign, sum: sum + sign * value }, Math.max(latest, timestamp)])
  }
  for (const { key, value, timestamp } of changes) {
    const before = rows.get(key)
    if (before !== undefined) add(before, -1, timestamp)
    if (value === null) rows.delete(key)
    else {
      rows.set(key, Number(value))
      add(Number(value), 1, timestamp)
    }
  }
  return groups
}

const byRest = (table: Table<string, number>) => table.groupBy(value => [value % 3, value])

test('a grouped table: sums and counts of the rows that each group has', () =>
  forSeeds(2000, random => {
    const { changes } = changesAtRandom(random, lefts, 1 + random.int(3))
    const app = new App('app')
    const grouped = byRest(app.table(lefts))
    grouped
      .aggregate(
        { n: 0, sum: 0 },
        ({ n, sum }, value) => ({ n: n + 1, sum: sum + value }),
        ({ n, sum }, value) => ({ n: n - 1, sum: sum - value }),
      )
      .to(output)
    const harness = runToEnd(app, new Map([['lefts', changes]]), random)
    deepEqual(sorted(harness.table('output')), sorted(groupsOf(changes.flat())))
  }))

test('a grouped join of a table to itself: each change takes back what the one before it gave', () =>
  forSeeds(1000, random => {
    const { changes, rows } = changesAtRandom(random, lefts, 1 + random.int(3))
    const app = new App('app')
    const table = app.table(lefts)
    const joined = table.outerJoin(
      table.filter(value => value > 2),
      (one, another) => (one ?? 0) + (another ?? 0),
    )
    byRest(joined)
      .aggregate<number | null>(
        null,
        (n, value) => (n ?? 0) + value + 1,
        (n, value) => (n === value + 1 ? null : (n ?? 0) - value - 1),
      )
      .to(output)
    const harness = runToEnd(app, new Map([['lefts', changes]]), random)
    const sums = new Map<string, number>()
    for (const value of [...rows.values()].map(each => Number(each.value) * (Number(each.value) > 2 ? 2 : 1)))
      sums.set(`${value % 3}`, (sums.get(`${value % 3}`) ?? 0) + value + 1)
    const found = [...harness.table('output')].map(([key, [value]]): [string, unknown] => [key, value])
    deepEqual(sorted(new Map(found)), sorted(sums))
    // A group without rows leaves nothing behind.
    deepEqual(harness.rows('table-aggregate-1').length, sums.size)
  }))
