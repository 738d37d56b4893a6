/**
 * Joins by time: of streams within bounds of any kind, of streams in windows, and of a stream with a table as
 * of its records' times. They give what DuckDB gives over the whole input. No record is late.
 */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic } from '../../src/schema/index.ts'
import { App, hopping, session, type Stream, tumbling } from '../../src/stream/index.ts'
import { testApp } from '../../src/testing/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { database } from './database.ts'
import type { Input } from './program.ts'
import { randomInputs } from './random-inputs.ts'
import { inputsIn, sqlJoins, windowsOf } from './sql.ts'

/** What the first side has, and the other one. */
type Pair = readonly [number | null, number | null]

const kinds = ['join', 'leftJoin', 'outerJoin'] as const
const exclusions = [undefined, 'before', 'after', 'both'] as const
const pair = (left: number | null, right: number | null): Pair => [left, right]
const texts = database()

test('streams within bounds are joined as in DuckDB', () =>
  forSeeds(5000, async random => {
    const outOfOrderness = random.int(30)
    const inputs = randomInputs(random, ['s', 'r'], outOfOrderness)
    const kind = kinds[random.int(kinds.length)]!
    const exclusive = exclusions[random.int(exclusions.length)]
    const before = random.int(40) - 15
    // Without its bounds it is 0 ms long at least.
    const after = 2 - before + random.int(25)
    const bounds = { before, after, ...(exclusive && { exclusive }) }
    const ours = given(inputs, outOfOrderness, (app, { s, r }) => {
      const [left, right] = [app.stream(s), app.stream(r)]
      if (kind === 'join') return left.join(right, pair, bounds)
      return kind === 'leftJoin' ? left.leftJoin(right, pair, bounds) : left.outerJoin(right, pair, bounds)
    })
    const side = (name: string): string => `(FROM inputs WHERE topic = '${name}' AND value IS NOT NULL)`
    const [least, most] = [
      exclusive === 'before' || exclusive === 'both' ? '<' : '<=',
      exclusive === 'after' || exclusive === 'both' ? '<' : '<=',
    ]
    const expected = await inDatabase(
      inputs,
      `SELECT coalesce(l.key, r.key) AS key, [l.value, r.value] AS value, greatest(l.time, r.time) AS time
        FROM ${side('s')} l ${sqlJoins[kind]} ${side('r')} r
        ON l.key = r.key AND l.time - ${before} ${least} r.time AND r.time ${most} l.time + ${after}`,
    )
    deepEqual(ours, expected)
  }))

test('streams in windows are joined as in DuckDB', () =>
  forSeeds(2000, async random => {
    const outOfOrderness = random.int(30)
    const inputs = randomInputs(random, ['s', 'r'], outOfOrderness)
    const kind = kinds[random.int(kinds.length)]!
    const of = (['tumbling', 'hopping', 'session'] as const)[random.int(3)]!
    const size = 1 + random.int(20)
    const advance = of === 'hopping' ? 1 + random.int(size) : size
    const windows = {
      tumbling: () => tumbling(size),
      hopping: () => hopping(size, advance),
      session: () => session(size),
    }[of]()
    const ours = given(inputs, outOfOrderness, (app, { s, r }) => {
      const both = app.stream(s).coGroup(app.stream(r), windows)
      const joined =
        kind === 'join' ? both.join(pair) : kind === 'leftJoin' ? both.leftJoin(pair) : both.outerJoin(pair)
      return joined.map((value, { key, start, end }) => [`${key}@${start}-${end}`, value])
    })
    const side = (name: string): string => `(FROM windows WHERE topic = '${name}')`
    const expected = await inDatabase(
      inputs,
      `WITH windows AS (${windowsOf('inputs', { kind: of, size, advance })})
        SELECT key || '@' || start || '-' || "end" AS key, [l.value, r.value] AS value, last AS time
        FROM ${side('s')} l ${sqlJoins[kind]} ${side('r')} r USING (key, start, "end", last)`,
    )
    deepEqual(ours, expected)
  }))

test('a stream is joined to a table as of its times as in DuckDB', () =>
  forSeeds(3000, async random => {
    const outOfOrderness = random.int(30)
    const inputs = randomInputs(random, ['s', 't'], outOfOrderness)
    const isInner = random.int(2) === 0
    const ours = given(inputs, outOfOrderness, (app, { s, t }) => {
      const [stream, table] = [app.stream(s), app.table(t, { history: '1h' })]
      return isInner ? stream.join(table, pair) : stream.leftJoin(table, pair)
    })
    // Of several changes at one time the last one holds.
    const row = `SELECT r.value FROM inputs r WHERE topic = 't' AND r.key = l.key AND r.time <= l.time
      ORDER BY r.time DESC, r.path DESC LIMIT 1`
    const expected = await inDatabase(
      inputs,
      `SELECT key, [value, row] AS value, time FROM (SELECT *, (${row}) AS row FROM inputs l WHERE topic = 's')
        WHERE value IS NOT NULL ${isInner ? 'AND row IS NOT NULL' : ''}`,
    )
    deepEqual(ours, expected)
  }))

/** All results, as `key=JSON@time`. */
function given(
  inputs: readonly Input[],
  outOfOrderness: number,
  build: (
    app: App,
    topics: Readonly<Record<'s' | 'r' | 't', ReturnType<typeof source>>>,
  ) => Stream<string | null, Pair>,
): string[] {
  const topics = {
    s: source('s', outOfOrderness),
    r: source('r', outOfOrderness),
    t: source('t', outOfOrderness),
  }
  const results = topic('results', { key: text(), value: json<Pair>() })
  const app = new App('joins')
  build(app, topics).to(results)
  const run = testApp(app)
  for (const { topic: name, key, value, timestamp } of inputs)
    run.input(topics[name as keyof typeof topics]).push({ value, timestamp, ...(key !== null && { key }) })
  run.advanceTime(Number.POSITIVE_INFINITY)
  return run
    .output(results)
    .read()
    .map(({ key, value, timestamp }) => `${key}=${JSON.stringify(value)}@${timestamp}`)
    .sort()
}

function source(name: string, outOfOrderness: number) {
  return topic(name, { key: text(), value: json<number>(), watermark: { outOfOrderness } })
}

async function inDatabase(inputs: readonly Input[], query: string): Promise<string[]> {
  const rows = await texts(
    `WITH ${inputsIn(inputs)} SELECT concat(coalesce(key, 'null'), '=', to_json(value), '@', time) FROM (${query})`,
  )
  return rows.sort()
}
