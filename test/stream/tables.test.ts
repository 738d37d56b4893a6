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

/** Runs to the end, in a random order, with commits and crashes. */
function runAtRandom(app: App, inputs: Map<string, InputRecord[][]>, random: Random): TaskHarness {
  const harness = new TaskHarness(app, inputs)
  for (let crashes = 0, open = harness.open; open.length > 0; open = harness.open) {
    harness.read(open[random.int(open.length)]!, 1 + random.int(4))
    if (random.int(3) === 0) harness.commit()
    else if (crashes < 10 && random.int(6) === 0) {
      crashes += 1
      harness.restart()
    }
  }
  harness.commit()
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
      const harness = runAtRandom(app, inputs, random)

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

test('a table joined to itself: no change replaces what was never there', () =>
  forSeeds(1000, random => {
    const partitions = 1 + random.int(3)
    const { changes, rows } = changesAtRandom(random, lefts, partitions)
    const app = new App('app')
    const table = app.table(lefts)
    const tens = table.mapValues(value => (value > 3 ? null : value * 10))
    table.outerJoin(tens, (one, another) => (one ?? 0) + (another ?? 0)).to(output)
    const harness = runAtRandom(app, new Map([['lefts', changes]]), random)
    const expected = [...rows].map(([key, { value, timestamp }]): [string, unknown] => {
      const n = Number(value)
      return [JSON.stringify(key), [n > 3 ? n : n + n * 10, timestamp]]
    })
    deepEqual(sorted(harness.table('output')), sorted(new Map(expected)))
  }))
