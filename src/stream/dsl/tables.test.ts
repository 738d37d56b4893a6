/** Tables and joins to them: null deletes; rows are added, changed and deleted; keys have several forms. */
import { deepEqual, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic, windowed } from '../../schema/index.ts'
import { testApp } from '../../testing/test-app.ts'
import { App } from './app.ts'
import type { Stream } from './stream.ts'
import type { Table } from './table.ts'
import { session, tumbling } from './windows.ts'

const rows = topic('rows', { key: text(), value: json<number>() })
const asked = topic('asked', { key: text(), value: text() })
const output = topic('output', { key: json<unknown>(), value: json<unknown>() })

type Change = readonly [key: string, value: number | null]

/** The output for changes of a table, as `key value`. */
function changes(
  program: (table: Table<string, number>) => Table<string, unknown>,
  given: readonly Change[],
) {
  const app = new App('changes')
  program(app.table(rows)).to(output)
  const run = testApp(app)
  for (const [key, value] of given) run.input(rows).push({ key, value })
  return run
    .output(output)
    .read()
    .map(({ key, value }) => `${String(key)} ${JSON.stringify(value)}`)
}

test('null deletes a row, and is not forwarded if there was none', () => {
  deepEqual(
    changes(
      table => table,
      [
        ['a', null],
        ['a', 1],
        ['a', 2],
        ['a', null],
        ['a', null],
        ['b', 3],
      ],
    ),
    ['a 1', 'a 2', 'a null', 'b 3'],
  )
})

test('a filter deletes rows that no longer match, ignores rows that never did, and is not called with null', () => {
  deepEqual(
    changes(
      table => table.filter((value, key) => value.toFixed() === '2' && key === 'a'),
      [
        ['a', 1],
        ['a', 2],
        ['a', 2],
        ['a', 3],
        ['a', 3],
        ['a', 2],
        ['a', null],
        ['b', 2],
      ],
    ),
    ['a 2', 'a 2', 'a null', 'a 2', 'a null'],
  )
})

test('a mapper is not called with null, and deletes a row that it maps to null', () => {
  deepEqual(
    changes(
      table => table.mapValues((value, key) => (value > 9 ? null : `${key}${value.toFixed(1)}`)),
      [
        ['a', 10],
        ['a', 1],
        ['a', 11],
        ['a', 12],
        ['a', 2],
        ['a', null],
      ],
    ),
    ['a "a1.0"', 'a null', 'a "a2.0"', 'a null'],
  )
})

test('a table as a stream and back: deletions are records with null, whatever the key becomes', () => {
  deepEqual(
    changes(
      table =>
        table
          .toStream((key, value) => `${key}${value === null ? '-' : '+'}`)
          .mapValues(value => (value === null ? null : value * 10))
          .toTable(),
      [
        ['a', 1],
        ['a', null],
        ['a', 2],
      ],
    ),
    // 'a-' was never there.
    ['a+ 10', 'a+ 20'],
  )
})

/** A stream of questions joined to a table: the answers, as `kind question value`. */
function answers(
  tableOf: (table: Table<string, number>) => Table<string, number>,
  steps: readonly (Change | string)[],
  by: (stream: Stream<string, string>) => Stream<string, string> = stream => stream,
) {
  const app = new App('answers')
  const table = tableOf(app.table(rows))
  const stream = by(app.stream(asked) as Stream<string, string>)
  stream.join(table, (question, value, key) => `inner ${key}${question} ${value}`).to(output)
  stream.leftJoin(table, (question, value, key) => `left ${key}${question} ${value}`).to(output)
  const run = testApp(app)
  for (const step of steps)
    if (typeof step === 'string') run.input(asked).push({ key: step[0]!, value: step.slice(1) })
    else run.input(rows).push({ key: step[0], value: step[1] })
  return {
    found: run
      .output(output)
      .read()
      .map(({ value }) => value),
    run,
  }
}

test('a join sees the row as it is then: not there yet, there, changed, deleted, there again', () => {
  const { found } = answers(
    table => table,
    ['a1', ['a', 10], 'a2', ['a', 20], 'a3', ['a', null], 'a4', ['a', 30], 'a5', 'b6'],
  )
  deepEqual(found, [
    'left a1 null',
    'inner a2 10',
    'left a2 10',
    'inner a3 20',
    'left a3 20',
    'left a4 null',
    'inner a5 30',
    'left a5 30',
    'left b6 null',
  ])
})

test('a join sees a table after its filters and mappers, which get the key', () => {
  const { found } = answers(
    table => table.filter((_, key) => key.startsWith('a')).mapValues((value, key) => value * key.length),
    [['a', 10], ['b', 20], 'a1', 'b2'],
  )
  deepEqual(found, ['inner a1 10', 'left a1 10', 'left b2 null'])
})

test('a join sees the current values of an aggregate, and of toTable', () => {
  for (const tableOf of [
    (table: Table<string, number>) =>
      table
        .toStream()
        .groupByKey()
        .aggregate(0, (sum, value) => sum + (value ?? 0)),
    (table: Table<string, number>) => table.toStream().toTable(),
  ])
    deepEqual(answers(tableOf, [['a', 10], 'a1']).found, ['inner a1 10', 'left a1 10'])
})

test('a null value on either side of a join is counted or ignored; without a key, inner drops and left joins null', () => {
  const app = new App('nulls')
  const table = app.table(rows)
  const stream = app.stream(asked)
  stream.join(table, () => 'inner').to(output)
  stream.leftJoin(table, (_, value) => `left ${value}`).to(output)
  const run = testApp(app)
  run.input(rows).push({ key: 'a', value: 1 })
  run.input(asked).push({ key: 'a', value: null }, { value: 'no key' })
  deepEqual(
    run
      .output(output)
      .read()
      .map(({ value }) => value),
    ['left null'],
  )
  deepEqual([run.metrics.dropped['null-value'], run.metrics.dropped['null-key']], [2, 1])
})

test('a stream whose key was changed finds its row, also if another exchange encodes that key', () => {
  for (const countFirst of [true, false]) {
    const { found } = answers(
      table => table,
      [['a', 10], 'ax', 'bx'],
      stream => {
        const moved = stream.selectKey((_, key) => key)
        // Another exchange, which encodes the key in another form.
        if (countFirst) moved.groupByKey().count()
        return moved
      },
    )
    deepEqual(found, ['inner ax 10', 'left ax 10', 'left bx null'])
  }
})

test('keys in two forms on the log meet in a join', () => {
  const quoted = topic('quoted', { key: json<string>(), value: text() })
  const app = new App('forms')
  app
    .stream(quoted)
    .join(app.table(rows), (question, value) => `${question} ${value}`)
    .to(output)
  const run = testApp(app)
  run.input(rows).push({ key: 'a', value: 10 })
  run.input(quoted).push({ key: 'a', value: 'x' })
  deepEqual(run.output(output).read(), [{ key: 'a', value: 'x 10', timestamp: 0 }])
})

test('results of windows can be joined if they are kept', () => {
  const windows = topic('windows', { key: windowed(text()), value: text() })
  const build = (kept: boolean) => {
    const app = new App('windows')
    const counts = app.stream(rows).groupByKey().windowedBy(tumbling(100)).count().emit('changes')
    const table = kept ? counts.toStream().toTable() : counts.filter(() => true)
    app
      .stream(windows)
      .leftJoin(table, (question, count) => `${question} ${count}`)
      .to(output)
    return app
  }
  throws(() => build(false), { code: 'INVALID_TOPOLOGY', message: /'table-filter-1'.*toTable/s })
  const run = testApp(build(true))
  run.input(rows).push({ key: 'a', value: 1, timestamp: 5 }, { key: 'a', value: 1, timestamp: 6 })
  run.input(windows).push({ key: { key: 'a', start: 0, end: 100 }, value: 'count' })
  deepEqual(
    run
      .output(output)
      .read()
      .map(({ value }) => value),
    ['count 2'],
  )
})

/** Sums until a value is null or nothing: then there is no sum. */
const sum = (all: number | null, value: number): number | null => (value <= 0 ? null : (all ?? 0) + value)

test('an aggregate of null deletes the row, and the next record starts over', () => {
  const app = new App('sums')
  app.stream(rows).groupByKey().aggregate<number | null>(100, sum).to(output)
  app
    .stream(rows)
    .groupByKey()
    .reduce((all, value) => sum(all, value))
    .to(topic('reduced', { key: text(), value: json<number>() }))
  const run = testApp(app)
  for (const value of [0, 1, 2, 0, 0, 3, -1, 4]) run.input(rows).push({ key: 'a', value })
  deepEqual(
    run
      .output(output)
      .read()
      .map(({ value }) => value),
    [101, 103, null, 103, null, 104],
  )
  deepEqual(
    run
      .output(topic('reduced', { key: text(), value: json<number>() }))
      .read()
      .map(({ value }) => value),
    // The first value of all, 0, starts it.
    [0, 1, 3, null, 0, 3, null, 4],
  )
})

test('a window whose aggregate becomes null is deleted, and its results are retracted', () => {
  const collected = (policy: 'final' | 'changes' | { early: number }, windows: 'aligned' | 'session') => {
    const app = new App('sums')
    const stream = app.stream(rows).groupByKey()
    const table =
      windows === 'aligned'
        ? stream.windowedBy(tumbling(100, { allowedLateness: 1000 })).aggregate<number | null>(0, sum)
        : stream
            .windowedBy(session(50, { allowedLateness: 1000 }))
            .aggregate<number | null>(0, sum, (a, b) => (a ?? 0) + (b ?? 0))
    table.emit(policy).to(output)
    const run = testApp(app)
    const push = (value: number, timestamp: number) => run.input(rows).push({ key: 'a', value, timestamp })
    push(0, 1)
    push(5, 2)
    run.advanceWallClock(10)
    push(0, 3)
    push(7, 4)
    run.advanceTime(500)
    push(8, 5)
    push(0, 6)
    push(0, 7)
    run.advanceTime(Infinity)
    return run
      .output(output)
      .read()
      .map(({ value, pane }) => `${JSON.stringify(value)} ${pane}`)
  }
  for (const windows of ['aligned', 'session'] as const) {
    deepEqual(collected('final', windows), [
      '7 on-time',
      ...(windows === 'session' ? ['null late'] : []),
      '15 late',
      'null late',
    ])
    deepEqual(collected({ early: 10 }, windows), [
      '5 early',
      'null early',
      '7 on-time',
      ...(windows === 'session' ? ['null late'] : []),
      '15 late',
      'null late',
    ])
  }
  deepEqual(collected('changes', 'aligned'), ['5 early', 'null early', '7 early', '15 late', 'null late'])
})
