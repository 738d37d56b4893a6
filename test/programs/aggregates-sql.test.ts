/**
 * Aggregates that SQL has, of each key and in windows, also of windows, and the first records within a time:
 * they are what DuckDB gives over the whole input. Records come in disorder, but none is late.
 */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import type { Random } from '../../src/base/index.ts'
import { json, text, topic } from '../../src/schema/index.ts'
import {
  App,
  cumulative,
  type GroupedStream,
  global,
  hopping,
  session,
  sliding,
  type Stream,
  Table,
  tumbling,
  type WindowedTable,
} from '../../src/stream/index.ts'
import { testApp } from '../../src/testing/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { database } from './database.ts'
import type { Input } from './program.ts'
import { randomInputs } from './random-inputs.ts'
import { byKey, inputsIn, inWindows, type WindowsInSql } from './sql.ts'

type Result = number | readonly number[]

/** The methods of groups, with windows or without. */
interface Group<T> {
  count(): T
  reduce(reducer: (reduced: number, value: number) => number): T
  topN(n: number, by: (value: number) => number): T
}

const aggregates = {
  count: { of: <T>(group: Group<T>) => group.count(), sql: 'count(*)' },
  sum: { of: <T>(group: Group<T>) => group.reduce((sum, value) => sum + value), sql: 'sum(value)::BIGINT' },
  min: { of: <T>(group: Group<T>) => group.reduce((min, value) => Math.min(min, value)), sql: 'min(value)' },
  max: { of: <T>(group: Group<T>) => group.reduce((max, value) => Math.max(max, value)), sql: 'max(value)' },
  /** Of equal ones the first comes first. */
  top: {
    of: <T>(group: Group<T>) => group.topN(3, value => Math.floor(value / 10)),
    sql: 'list(value ORDER BY value // 10 DESC, path)[1:3]',
  },
} as const
const names = ['count', 'sum', 'min', 'max', 'top'] as const
const kinds = ['tumbling', 'hopping', 'cumulative', 'sliding', 'session'] as const

const texts = database()

test('aggregates of each key and window are those of DuckDB', () =>
  forSeeds(5000, async random => {
    const outOfOrderness = random.int(30)
    const inputs = randomInputs(random, ['s'], outOfOrderness)
    const kind = kinds[random.int(kinds.length + 1)]
    // Two sessions that come together have no order.
    const { of, sql } = aggregates[names[random.int(names.length - (kind === 'session' ? 1 : 0))]!]
    if (kind === undefined) {
      const ours = atTheEnd(inputs, outOfOrderness, stream => of<Table<string, Result>>(stream.groupByKey()))
      return deepEqual(ours, await inDatabase(inputs, byKey('inputs', sql)))
    }
    const windows = randomWindows(random, kind)
    const ours = atTheEnd(inputs, outOfOrderness, stream =>
      named(of<WindowedTable<string, Result, number>>(windowed(stream.groupByKey(), windows))),
    )
    deepEqual(ours, await inDatabase(inputs, inWindows('inputs', windows, sql)))
  }))

test('the largest results of windows, in windows behind them, are those of DuckDB', () =>
  forSeeds(2000, async random => {
    const outOfOrderness = random.int(30)
    const inputs = randomInputs(random, ['s'], outOfOrderness)
    const [first, second] = [1, 2].map(() => randomWindows(random, kinds[random.int(kinds.length)]!))
    const ours = atTheEnd(inputs, outOfOrderness, stream => {
      const sums = aggregates.sum.of(windowed(stream.groupByKey(), first!)).emit('final').toStream()
      const all = sums.map(sum => ['all', sum as number])
      return named(windowed(all.groupByKey(), second!).topN(3, sum => sum))
    })
    const sums = inWindows('inputs', first!, aggregates.sum.sql)
    const all = `(SELECT 'all' AS key, value, time FROM (${sums}))`
    const largest = inWindows(all, second!, 'list(value ORDER BY value DESC)[1:3]')
    deepEqual(ours, await inDatabase(inputs, largest))
  }))

function randomWindows(random: Random, kind: WindowsInSql['kind']): WindowsInSql {
  const advance = 1 + random.int(10)
  return { kind, advance, size: advance * (kind === 'tumbling' ? 1 : 1 + random.int(3)) }
}

/** The final results, with windows in the text of keys. */
function named(table: WindowedTable<string, Result, number>): Stream<string, Result | null> {
  return table
    .emit('final')
    .toStream()
    .map((value, { key, start, end }) => [`${key}@${start}-${end}`, value])
}

function windowed(
  group: GroupedStream<string, number>,
  { kind, size, advance }: WindowsInSql,
): Group<WindowedTable<string, Result, number>> {
  return {
    tumbling: () => group.windowedBy(tumbling(size)),
    hopping: () => group.windowedBy(hopping(size, advance)),
    cumulative: () => group.windowedBy(cumulative({ size, step: advance })),
    global: () => group.windowedBy(global()),
    sliding: () => group.windowedBy(sliding(size)),
    session: () => group.windowedBy(session(size)),
  }[kind]()
}

test('the first records within a time are those of DuckDB', () =>
  forSeeds(2000, async random => {
    const outOfOrderness = random.int(30)
    const inputs = randomInputs(random, ['s'], outOfOrderness)
    const within = 1 + random.int(60)
    const ours = atTheEnd(inputs, outOfOrderness, stream =>
      stream
        .deduplicate(within)
        .mapValues(value => value ?? 0)
        .groupByKey()
        .aggregate<readonly number[]>([], (passed, _value, _key, { timestamp }) => [...passed, timestamp]),
    )
    const isFirst = `len(list_filter(passed, lambda other: abs(other - record[1]) < ${within})) = 0`
    const next = `CASE WHEN ${isFirst} THEN list_concat(passed, record) ELSE passed END`
    const first = `list_reduce(list([time] ORDER BY path), lambda passed, record: ${next}, []::BIGINT[])`
    deepEqual(
      ours,
      await inDatabase(inputs, byKey('(SELECT * REPLACE (coalesce(value, 0) AS value) FROM inputs)', first)),
    )
  }))

/** The last result of each key, as `key=JSON`. */
function atTheEnd(
  inputs: readonly Input[],
  outOfOrderness: number,
  build: (
    stream: Stream<string | null, number | null>,
  ) => Stream<string, Result | null> | Table<string, Result>,
): string[] {
  const source = topic('s', { key: text(), value: json<number>(), watermark: { outOfOrderness } })
  const results = topic('results', { key: text(), value: json<Result>() })
  const app = new App('aggregates')
  const result = build(app.stream(source))
  if (result instanceof Table) result.to(results)
  else result.to(results)
  const run = testApp(app)
  for (const { key, value, timestamp } of inputs)
    run.input(source).push({ value, timestamp, ...(key !== null && { key }) })
  run.advanceTime(Number.POSITIVE_INFINITY)
  const last = new Map(
    run
      .output(results)
      .read()
      .map(({ key, value }) => [key, JSON.stringify(value)]),
  )
  return [...last].map(([key, value]) => `${key}=${value}`).sort()
}

async function inDatabase(inputs: readonly Input[], query: string): Promise<string[]> {
  const rows = await texts(`WITH ${inputsIn(inputs)} SELECT concat(key, '=', to_json(value)) FROM (${query})`)
  return rows.sort()
}
