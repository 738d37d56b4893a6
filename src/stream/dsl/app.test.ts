/** Declared programs: which are refused before they run, and how a plan is described. */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import type { ErrorCode } from '../../base/index.ts'
import { json, text, topic } from '../../schema/index.ts'
import { testApp } from '../../testing/test-app.ts'
import { App } from './app.ts'
import type { Stream } from './stream.ts'
import { hopping, session, tumbling } from './windows.ts'

const numbers = topic('numbers', { key: text(), value: json<number>() })
const names = topic('names', { key: text(), value: text() })
const output = topic('output', { key: json<unknown>(), value: json<unknown>() })

const refused: readonly [name: string, code: ErrorCode, message: RegExp, build: (app: App) => unknown][] = [
  ['an app that reads nothing', 'INVALID_TOPOLOGY', /'app' reads nothing: begin with/, app => app.describe()],
  [
    'a topic as a stream and as a table',
    'INVALID_TOPOLOGY',
    /'numbers' both.*toTable/,
    app => [app.stream(numbers), app.table(numbers)],
  ],
  [
    'a topic by two declarations, as a stream',
    'INVALID_TOPOLOGY',
    /'numbers' by two declarations/,
    app => [app.stream(numbers), app.stream(topic('numbers', { key: text(), value: text() }))],
  ],
  [
    'a topic by two declarations, as a table',
    'INVALID_TOPOLOGY',
    /'numbers' by two declarations/,
    app => [app.table(numbers), app.table(topic('numbers', { key: text(), value: text() }))],
  ],
  [
    'two operators with one name',
    'DUPLICATE_OPERATOR',
    /'same'.*\{ name \}/,
    app => {
      const stream = app.stream(numbers)
      stream.groupByKey().count({ name: 'same' })
      return stream.groupByKey().windowedBy(tumbling(10)).count({ name: 'same' })
    },
  ],
  [
    'an operator with the name of a topic that is read',
    'DUPLICATE_OPERATOR',
    /'numbers'/,
    app => app.stream(numbers).peek(() => {}, { name: 'numbers' }),
  ],
  [
    'an operator name that no topic could have',
    'INVALID_ARGUMENT',
    /'a\/b'.*letters/,
    app => app.stream(numbers).peek(() => {}, { name: 'a/b' }),
  ],
  ['an app name that no topic could have', 'INVALID_ARGUMENT', /'a b'.*topic names/, () => new App('a b')],
  [
    'windows that allow less lateness than their input, across an exchange',
    'LATENESS_SHRINKS',
    /tumbling 1d.*: 2h\).*allowedLateness: '2h'/,
    app =>
      app
        .stream(numbers)
        .groupByKey()
        .windowedBy(tumbling('1h', { allowedLateness: '2h' }))
        .count()
        .emit('final')
        .filter(count => count > 1)
        .toStream(({ key }) => key)
        .groupByKey()
        .windowedBy(tumbling('1d', { allowedLateness: '1h' }))
        .count(),
  ],
  [
    'sessions that allow less lateness than their input, after a join',
    'LATENESS_SHRINKS',
    // Results of 'changes' carry the largest timestamp in their windows, which may be the size before the
    // last instant.
    /session gap 5m, lateness 1m.*: 3h\)/,
    app =>
      app
        .stream(numbers)
        .groupByKey()
        .windowedBy(hopping('1h', '30m', { allowedLateness: '2h' }))
        .count()
        .toStream()
        .selectKey((_, { key }) => key)
        .join(app.table(names), (_, name) => name)
        .groupByKey()
        .windowedBy(session('5m', { allowedLateness: '1m' }))
        .count(),
  ],
  [
    'windows over late records',
    'LATENESS_SHRINKS',
    /'count-1-late'.*without windows/,
    app =>
      app
        .stream(numbers)
        .groupByKey()
        .windowedBy(tumbling('1h'))
        .count()
        .late()
        .groupByKey()
        .windowedBy(tumbling('1h', { allowedLateness: '1w' }))
        .count(),
  ],
  ['a window of no length', 'INVALID_ARGUMENT', /tumbling window.*0/, () => tumbling(0)],
  [
    'windows that put one record into too many of them',
    'INVALID_ARGUMENT',
    /864000 windows.*at most 10000.*86400ms or more/,
    () => hopping('10d', '1s'),
  ],
  [
    'an allowed lateness that is too long',
    'INVALID_ARGUMENT',
    /allowed lateness/,
    () => tumbling(1, { allowedLateness: 1e15 }),
  ],
  [
    'an unknown emit policy',
    'INVALID_ARGUMENT',
    /emit needs 'final'.*'finally'/,
    app =>
      app
        .stream(numbers)
        .groupByKey()
        .windowedBy(tumbling(10))
        .count()
        .emit('finally' as 'final'),
  ],
  [
    'early results at an interval of 0',
    'INVALID_ARGUMENT',
    /early/,
    app => app.stream(numbers).groupByKey().windowedBy(tumbling(10)).count().emit({ early: 0 }),
  ],
  ['a duration without a unit', 'INVALID_DURATION', /'5 min'.*'250ms'/, () => session('5 min' as '5m')],
]

for (const [name, code, message, build] of refused)
  test(`refuses ${name}`, () => {
    throws(() => build(new App('app')), { code, message })
  })

test('a second call returns the same stream, table, or late records of a window', () => {
  const app = new App('app')
  equal(app.stream(numbers), app.stream(numbers))
  equal(app.table(names), app.table(names))
  const windows = app.stream(numbers).groupByKey().windowedBy(tumbling(10)).count()
  equal(windows.late(), windows.late())
})

test('a stream joined to its own counts, after an exchange', () => {
  const app = new App('app')
  const stream = app.stream(names)
  const counts = stream.groupBy(name => name).count()
  stream
    .selectKey(name => name)
    .join(counts, (name, count) => `${name} ${count}`)
    .to(output)
  const run = testApp(app)
  run.input(names).push({ key: 'x', value: 'a' }, { key: 'y', value: 'b' }, { key: 'z', value: 'a' })
  deepEqual(
    run
      .output(output)
      .read()
      .map(({ value }) => value),
    ['a 1', 'b 1', 'a 2'],
  )
})

/** How many stages a program over one stream has: one more for each exchange. */
const staged: readonly (readonly [
  name: string,
  program: (stream: Stream<string, number>) => unknown,
  count: number,
])[] = [
  [
    'mapValues keeps the key',
    stream =>
      stream
        .mapValues(n => n)
        .groupByKey()
        .count(),
    1,
  ],
  [
    'flatMapValues keeps the key',
    stream =>
      stream
        .flatMapValues(n => [n])
        .groupByKey()
        .count(),
    1,
  ],
  [
    'flatMap makes keys',
    stream =>
      stream
        .flatMap((n, key) => [[key, n]])
        .groupByKey()
        .count(),
    2,
  ],
  [
    'made keys pass one exchange for all later operators',
    stream =>
      stream
        .selectKey(n => n)
        .groupByKey()
        .count()
        .toStream()
        .groupByKey()
        .count(),
    2,
  ],
  ['forEach needs no exchange', stream => stream.selectKey(n => n).forEach(() => {}), 1],
]
for (const [name, program, count] of staged)
  test(name, () => {
    const app = new App('app')
    program(app.stream(numbers) as Stream<string, number>)
    equal(app.plan().stages.length, count)
  })

/** Every operator there is. */
function everything(): App {
  const app = new App('everything')
  const known = app
    .table(names)
    .filter(name => name !== '')
    .mapValues(name => name.length)
  const stream = app
    .stream(numbers, { name: 'read' })
    .filter(n => n !== null)
    .filterNot(n => n > 100)
    .mapValues(n => n + 1)
    .peek(() => {})
  stream.join(known, (n, length) => n + length).to(output)
  stream.leftJoin(known, n => n, { name: 'or-not' }).to(output)
  stream.toTable().toStream().to(output)
  const moved = stream
    .map((n, key) => [key, n] as const)
    .flatMap((n, key) => [[key, n]] as const)
    .selectKey((_, key) => key)
  moved.groupByKey().reduce(Math.max).to(output)
  moved.join(known.toStream(key => key).toTable(), n => n).to(output)
  const windows = stream
    .groupBy(n => n % 2, { name: 'by-parity' })
    .windowedBy(hopping('1h', '15m', { allowedLateness: '2d', offset: '5m' }))
    .aggregate(0, (sum, n) => sum + n, { name: 'sums' })
  windows.emit('final').toStream().to(output)
  windows.emit({ early: '1s' }).to(output, { name: 'early-sums' })
  windows.late().to(output)
  stream.groupByKey().windowedBy(session('5m')).count().to(output)
  return app
}

const description = `app everything
  stage 0
    names: table of topic names
    names-table: table ← names
    table-filter-1: table filter ← names-table
    table-map-values-1: table map-values ← table-filter-1
    read: stream of topic numbers
    filter-1: filter ← read
    filter-not-1: filter-not ← filter-1
    map-values-1: map-values ← filter-not-1
    peek-1: peek ← map-values-1
    join-1: inner join table ← peek-1, table-map-values-1
    to-1: to topic output ← join-1
    or-not: left join table ← peek-1, table-map-values-1
    to-2: to topic output ← or-not
    to-table-1: to table ← peek-1
    to-3: to topic output ← to-table-1
    map-1: map ← peek-1
    flat-map-1: flat-map ← map-1
    select-key-1: select-key ← flat-map-1
    select-key-1-exchange: exchange by key ← select-key-1
    to-stream-1: select key ← table-map-values-1
    to-stream-1-exchange: exchange by key ← to-stream-1
    select-key-1-exchange-1: exchange by key ← select-key-1
    by-parity: select-key ← peek-1
    by-parity-exchange: exchange by key ← by-parity
    count-1: count, session gap 5m ← peek-1
    to-8: to topic output ← count-1.changes
  stage 1 (from select-key-1-exchange)
    reduce-1: reduce ← select-key-1-exchange
    to-4: to topic output ← reduce-1
  stage 2 (from to-stream-1-exchange, select-key-1-exchange-1)
    to-table-2: to table ← to-stream-1-exchange
    join-2: inner join table ← select-key-1-exchange-1, to-table-2
    to-5: to topic output ← join-2
  stage 3 (from by-parity-exchange)
    sums: aggregate, hopping 1h every 15m from 5m, lateness 2d ← by-parity-exchange
    to-6: to topic output ← sums.final
    early-sums: to topic output ← sums.early every 1s
    sums-late: late records ← sums.late
    to-7: to topic output ← sums-late`

test('a plan with every operator has the expected description', () => {
  const app = everything()
  const found = app.describe()
  equal(found, description)
  equal(everything().describe(), found, 'the same program has the same names')
  equal(app.describe('mermaid'), app.describe('mermaid'))
  const { stages } = JSON.parse(app.describe('json')) as { stages: { nodes: { name: string }[] }[] }
  const inText = [...found.matchAll(/^ {4}([\w-]+):/gm)].map(([, name = '']) => name)
  deepEqual(
    stages.flatMap(({ nodes }) => nodes.map(({ name }) => name)),
    inText,
  )
  // Every name in the flowchart, and no line that names nothing.
  for (const name of inText) equal(app.describe('mermaid').includes(`"${name}: `), true, name)
})

test('a group of which nothing is asked changes nothing', () => {
  const app = new App('app')
  const given = app.stream(numbers)
  given.groupBy(n => `${n}`)
  given.selectKey((_n, key) => key).groupByKey()
  given.to(output)
  const run = testApp(app)
  run.input(numbers).push({ key: 'a', value: 1, timestamp: 5 })
  deepEqual(run.output(output).read(), [{ key: 'a', value: 1, timestamp: 5 }])
})
