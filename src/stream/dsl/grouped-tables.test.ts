/** Grouped tables in programs. */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic } from '../../schema/index.ts'
import { testApp } from '../../testing/test-app.ts'
import { App } from './app.ts'
import type { Table } from './table.ts'
import { tumbling } from './windows.ts'

interface Player {
  readonly team: string | null
  readonly points: number
}

const players = topic('players', { key: text(), value: json<Player>() })
const output = topic('output', { key: json<unknown>(), value: json<unknown>() })

/** Pushes players, as `name team points` or `name` for one that leaves; the results, as `key value`. */
function results(
  program: (table: Table<string, Player>) => Table<unknown, unknown>,
  ...pushed: readonly string[]
) {
  const app = new App('app')
  program(app.table(players)).to(output)
  const run = testApp(app)
  for (const [timestamp, words] of pushed.entries()) {
    const [key = '', team, points] = words.split(' ')
    const value = team === undefined ? null : { team: team === '-' ? null : team, points: Number(points) }
    run.input(players).push({ key, value, timestamp })
  }
  const written = run.output(output).read()
  return { found: written.map(({ key, value }) => `${String(key)} ${JSON.stringify(value)}`), run }
}

const byTeam = (table: Table<string, Player>) => table.groupBy(({ team, points }) => [team, points])

test('count: a row that moves, changes and leaves', () => {
  const { found } = results(table => byTeam(table).count(), 'a x 1', 'b x 2', 'a y 1', 'a y 3', 'b', 'b', 'a')
  deepEqual(found, ['x 1', 'x 2', 'x 1', 'y 1', 'y 1', 'x 0', 'y 0'])
})

test('reduce and aggregate: a group that keeps the row changes once, and null deletes it', () => {
  const moves = ['a x 1', 'b x 2', 'a x 5', 'a y 5', 'b', 'a']
  const expected = ['x 1', 'x 3', 'x 7', 'x 2', 'y 5', 'x null', 'y null']
  const less = (sum: number, n: number): number | null => (sum === n ? null : sum - n)
  deepEqual(results(table => byTeam(table).reduce((sum, n) => sum + n, less), ...moves).found, expected)
  const sums = results(table => byTeam(table).aggregate(0, (sum, n) => sum + n, less), ...moves)
  deepEqual(sums.found, expected)
})

test('functions get the group and the time of the change; rows without a group are counted', () => {
  const { found, run } = results(
    table =>
      byTeam(table).aggregate(
        '',
        (all, n, team, { timestamp }) => `${all}+${n}${team}@${timestamp}`,
        (all, n, team, { timestamp }) => `${all}-${n}${team}@${timestamp}`,
      ),
    'a x 1',
    'a - 1',
    'a - 2',
    'a y 2',
  )
  deepEqual(found, ['x "+1x@0"', 'x "+1x@0-1x@1"', 'y "+2y@3"'])
  equal(run.metrics.dropped['null-key'], 2)
})

test('results of windows in groups: corrections replace what was counted', () => {
  const app = new App('app')
  const timed = topic('timed', { key: text(), value: json<number>(), watermark: { outOfOrderness: 0 } })
  const totals = topic('totals', { key: json<number>(), value: json<number>() })
  app
    .stream(timed)
    .groupByKey()
    .windowedBy(tumbling(10, { allowedLateness: 100 }))
    .reduce((a, b) => a + b)
    .emit('final')
    .groupBy((sum, { start }) => [start, sum])
    .reduce(
      (all, sum) => all + sum,
      (all, sum) => all - sum,
    )
    .to(totals)
  const run = testApp(app)
  for (const [key, value, timestamp] of [
    ['a', 1, 1],
    ['b', 2, 2],
    ['a', 1, 20],
    ['a', 4, 3],
    ['b', 1, 40],
  ] as const)
    run.input(timed).push({ key, value, timestamp })
  deepEqual(
    run
      .output(totals)
      .read()
      .map(({ key, value }) => `${key} ${value}`),
    ['0 1', '0 3', '0 7', '20 1'],
  )
})

test('counts of groups are a table: a stream joins them', () => {
  const asked = topic('asked', { key: text(), value: text() })
  const app = new App('app')
  const counts = byTeam(app.table(players)).count({ name: 'sizes', version: 1 })
  app
    .stream(asked)
    .join(counts, (question, count) => `${question} ${count}`)
    .to(output)
  const run = testApp(app)
  run.input(players).push({ key: 'a', value: { team: 'x', points: 1 } })
  run.input(asked).push({ key: 'x', value: 'size' })
  equal(run.output(output).read()[0]?.value, 'size 1')
})

test('aggregates of a grouped table need both functions', () => {
  // oxlint-disable-next-line typescript/no-explicit-any -- these are the calls that types refuse
  const grouped: any = byTeam(new App('app').table(players))
  for (const [slip, message] of [
    [() => grouped.reduce(() => 0), /subtractor of reduce of tables.*undoes the first/],
    [() => grouped.reduce(undefined, () => 0), /adder of reduce of tables/],
    [() => grouped.aggregate(0, () => 0, { name: 'n' }), /subtractor of aggregate of tables/],
    [() => grouped.count({ nam: 'n' }), /'nam'/],
  ] as const)
    throws(slip, { code: 'INVALID_ARGUMENT', message })
})
