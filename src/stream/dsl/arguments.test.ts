/**
 * Programming errors: a program without types gets a clear error at the call, and its app stays unchanged.
 */
import { equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import type { ErrorCode } from '../../base/index.ts'
import { json, text, topic } from '../../schema/index.ts'
import { App, session, tumbling } from '../index.ts'

const numbers = topic('numbers', { key: text(), value: json<number>() })
const rows = topic('rows', { key: text(), value: json<number>() })
const out = topic('out', { key: text(), value: json<number>() })

/** A program as it is without types: the app, a stream, a table. */
// oxlint-disable-next-line typescript/no-explicit-any -- these are the calls that types refuse
type Untyped = any
type Slip = (app: Untyped, stream: Untyped, table: Untyped) => unknown

function refuses(name: string, slip: Slip, about: RegExp, code: ErrorCode = 'INVALID_ARGUMENT'): void {
  test(`refuses ${name}`, () => {
    const app = new App('app')
    const stream = app.stream(numbers)
    const table = app.table(rows)
    const before = app.describe()
    throws(() => slip(app, stream, table), { name: 'MillraceError', code, message: about })
    equal(app.describe(), before)
  })
}

const other = new App('other')
const otherStream = other.stream(numbers)
const otherReKeyed = otherStream.selectKey(() => 'k')
const otherTable = other.table(rows)
const async = async (): Promise<number> => 1

const slips: readonly (readonly [name: string, slip: Slip, about: RegExp, code?: ErrorCode])[] = [
  ['an app without a name', () => new App(undefined as never), /createApp needs a name.*undefined/],
  ['an app whose name is an object', () => new App({ name: 'a' } as never), /createApp needs a name/],
  ['text for a topic', app => app.stream('orders'), /takes a topic.*const orders = topic\('orders'/],
  ['nothing for a topic', app => app.stream(), /takes a topic.*undefined/],
  ['text for the topic of a table', app => app.table('orders'), /table takes a topic.*'orders'/],
  [
    'a topic without schemas',
    app => app.stream({ name: 'orders' }),
    /takes a topic that topic\(\) has declared/,
  ],
  ['an unknown format', app => app.describe('svg'), /'format' of describe.*'mermaid'.*'svg'/],
  ['unknown options of a stream', app => app.stream(rows, { nam: 'x' }), /'nam'.*'name'/],
  ['text for the options of a table', app => app.table(numbers, 'x'), /options of table.*'x'/],

  [
    'a foreign key for a stream',
    (_, stream, table) =>
      stream.join(
        table,
        () => 'key',
        () => 1,
      ),
    /by the stream's key.*selectKey.*\.join\(table.*globalTable/,
  ],
  ['filter without a function', (_, stream) => stream.filter(), /keep of filter.*undefined.*filter\(/],
  ['a value for a predicate', (_, stream) => stream.filterNot(true), /drop of filterNot.*true/],
  ['a field for a mapper', (_, stream) => stream.mapValues('cents'), /mapper of mapValues.*'cents'/],
  ['map without a function', (_, stream) => stream.map({}), /mapper of map /],
  ['flatMap without a function', (_, stream) => stream.flatMap([]), /mapper of flatMap/],
  [
    'flatMapValues without a function',
    (_, stream) => stream.flatMapValues('items'),
    /mapper of flatMapValues/,
  ],
  ['forEach without a function', (_, stream) => stream.forEach(), /take of forEach/],
  ['an async forEach', (_, stream) => stream.forEach(async), /take of forEach is an async/],
  ['a field for a key', (_, stream) => stream.selectKey('customer'), /selectKey\(value => value\.customer\)/],
  ['peek without a function', (_, stream) => stream.peek(null), /look of peek.*null/],
  ['an async predicate', (_, stream) => stream.filter(async), /keep of filter is an async function/],
  ['an async mapper', (_, stream) => stream.mapValues(async), /async function.*mapAsync/],
  ['unknown options of an operator', (_, stream) => stream.peek(() => {}, { id: 1 }), /'id'/],
  ['a name that is a number', (_, stream) => stream.peek(() => {}, { name: 1 }), /'name'.*1/],
  ['an empty name', (_, stream) => stream.peek(() => {}, { name: '' }), /'name'/],

  [
    'a field for a foreign key',
    (_, _stream, table) => table.join(table, () => 'k', 'x'),
    /options of join of tables/,
  ],
  [
    'an async foreign key',
    (_, _stream, table) => table.leftJoin(table, async, () => 1),
    /foreignKey of leftJoin of tables by foreign key/,
  ],
  [
    'a stream for the table of a foreign key',
    (_, stream, table) =>
      table.join(
        stream,
        () => 'k',
        () => 1,
      ),
    /table of join of tables by foreign key.*toTable/,
  ],
  [
    'a table of another app by foreign key',
    (_, _stream, table) =>
      table.join(
        otherTable,
        () => 'k',
        () => 1,
      ),
    /another app/,
    'INVALID_TOPOLOGY',
  ],
  ['a limit of 0', (_, _stream, table) => table.suppress(0), /limit of suppress/],
  ['an unknown bound', (_, _stream, table) => table.suppress('1m', { max: 1 }), /'max' of suppress|'max'/],
  [
    'more partitions than a topic may have',
    (_, stream) => stream.repartition({ partitions: 1e7 }),
    /partition count of repartition must be at most 10000, got 10000000/,
  ],
  ['a count for repartition', (_, stream) => stream.repartition(4), /options of repartition.*4/],
  [
    'no partitions',
    (_, stream) => stream.repartition({ partitions: 0 }),
    /'partitions' of repartition.*1 or/,
  ],
  ['a key for groupByKey', (_, stream) => stream.groupByKey(() => 'k'), /no arguments.*groupBy\(value/],
  ['a field for groupBy', (_, stream) => stream.groupBy('customer'), /selector of groupBy.*'customer'/],
  ['unknown options of count', (_, stream) => stream.groupByKey().count({ nam: 'n' }), /'nam'.*'name'/],
  ['text for the options of count', (_, stream) => stream.groupByKey().count('n'), /options of count/],
  [
    'reduce with an initial value',
    (_, stream) => stream.groupByKey().reduce(() => 0, 0),
    /aggregate\(initial/,
  ],
  ['reduce without a function', (_, stream) => stream.groupByKey().reduce(), /reducer of reduce/],
  [
    'aggregate without a function',
    (_, stream) => stream.groupByKey().aggregate(0),
    /add of aggregate.*undefined/,
  ],
  ['swapped arguments', (_, stream) => stream.groupByKey().aggregate(() => 0, 0), /add of aggregate.*got 0/],
  ['an async aggregate', (_, stream) => stream.groupByKey().aggregate(0, async), /async/],
  ['an async initial value', (_, stream) => stream.groupByKey().aggregate(async, () => 0), /initial.*async/],

  ['topN without a count', (_, stream) => stream.groupByKey().topN(() => 1), /count of topN.*1 to 10000/],
  ['the top 0', (_, stream) => stream.groupByKey().topN(0, () => 1), /count of topN.*got 0/],
  ['topN by a field', (_, stream) => stream.groupByKey().topN(3, 'cents'), /by of topN.*'cents'/],
  [
    'topN of windows by nothing',
    (_, stream) => stream.groupByKey().windowedBy(session('1h')).topN(3),
    /by of topN/,
  ],
  [
    'sessionize with a name for options',
    (_, stream) => stream.groupByKey().sessionize('1h', 'n'),
    /options of sess/,
  ],

  ['cogroup without a function', (_, stream) => stream.groupByKey().cogroup(), /add of cogroup.*undefined/],
  [
    'a cogroup of a stream without groups',
    (_, stream) =>
      stream
        .groupByKey()
        .cogroup(() => 0)
        .cogroup(stream, () => 0),
    /argument of cogroup.*groupByKey\(\)/,
  ],
  [
    'windows of a cogroup that are none',
    (_, stream) =>
      stream
        .groupByKey()
        .cogroup(() => 0)
        .windowedBy('1h'),
    /windowedBy.*'1h'/,
  ],
  [
    'sessions of a cogroup without a merger',
    (_, stream) =>
      stream
        .groupByKey()
        .cogroup(() => 0)
        .windowedBy(session('1h'))
        .aggregate(0),
    /merge of aggregate of sessions of a cogroup/,
  ],
  [
    'a cogroup with a stream of another app',
    (_, stream) =>
      stream
        .groupByKey()
        .cogroup(() => 0)
        .cogroup(
          otherStream.groupBy(() => 'k'),
          () => 0,
        )
        .windowedBy(tumbling('1h'))
        .aggregate(0),
    /another app/,
    'INVALID_TOPOLOGY',
  ],

  ['a duration for windows', (_, stream) => stream.groupByKey().windowedBy('1h'), /tumbling\('1h'\)/],
  ['milliseconds for windows', (_, stream) => stream.groupByKey().windowedBy(3_600_000), /got 3600000/],
  ['a function for windows', (_, stream) => stream.groupByKey().windowedBy(tumbling), /a function/],
  ['no windows', (_, stream) => stream.groupByKey().windowedBy(), /undefined/],
  ['unknown windows', (_, stream) => stream.groupByKey().windowedBy({ kind: 'daily' }), /windowedBy/],
  [
    'a session without a merger',
    (_, stream) =>
      stream
        .groupByKey()
        .windowedBy(session('1h'))
        .aggregate(0, () => 0),
    /merge of aggregate of sessions.*two sessions/,
  ],
  [
    'options for a merger',
    (_, stream) =>
      stream
        .groupByKey()
        .windowedBy(session('1h'))
        .aggregate(0, () => 0, { name: 'n' }),
    /merge of aggregate of sessions/,
  ],

  ['a join of streams without a time', (_, stream) => stream.join(stream, () => 1), /options.*within/],
  [
    'a join of streams with half of a time',
    (_, stream) => stream.leftJoin(stream, () => 1, { before: '5m' }),
    /options of leftJoin of streams.*\{ before, after \}/,
  ],
  [
    'a join of streams without a joiner',
    (_, stream) => stream.outerJoin(stream, undefined, { within: 1 }),
    /joiner of outerJoin of streams/,
  ],
  ['coGroup with a table', (_, stream, table) => stream.coGroup(table, tumbling('1h')), /stream of coGroup/],
  ['coGroup without windows', (_, stream) => stream.coGroup(stream, '1h'), /windows of coGroup.*tumbling/],
  [
    'a stream side by side with a re-keyed one of another app',
    (_, stream) => stream.coGroup(otherReKeyed, tumbling('1h')),
    /another app/,
    'INVALID_TOPOLOGY',
  ],
  ['outerJoin with a table', (_, stream, table) => stream.outerJoin(table, () => 1), /stream of outerJoin/],
  [
    'a join of streams within less than nothing',
    (_, stream) => stream.join(stream, () => 1, { within: '-5m' }),
    /Invalid duration/,
    'INVALID_DURATION',
  ],
  [
    'a join of streams from no duration on',
    (_, stream) => stream.join(stream, () => 1, { before: '5 minutes', after: 0 }),
    /Invalid duration/,
    'INVALID_DURATION',
  ],
  [
    'a join of streams in which nothing can match',
    (_, stream) => stream.join(stream, () => 1, { before: '5m', after: '-6m' }),
    /from 5m before to -6m after a record: .*before: '-5m', after: '10m'/,
  ],
  [
    'a join of streams of which only the excluded bounds could match',
    (_, stream) => stream.join(stream, () => 1, { within: 0, exclusive: 'after' }),
    /without the bounds/,
  ],
  [
    'a join of streams with another exclusive bound',
    (_, stream) => stream.join(stream, () => 1, { within: 1, exclusive: 'left' }),
    /exclusive/,
  ],
  [
    'a stream joined to one of another app',
    (_, stream) => stream.join(otherStream, () => 1, { within: 1 }),
    /'numbers'.*another app/,
    'INVALID_TOPOLOGY',
  ],
  ['a topic for a table', (_, stream) => stream.join(rows, () => 1), /table of join.*app\.table\(topic\)/],
  ['a grouped stream for a table', (_, stream) => stream.join(stream.groupByKey(), () => 1), /table of join/],
  ['leftJoin without a table', (_, stream) => stream.leftJoin(), /table of leftJoin/],
  ['join without a joiner', (_, stream, table) => stream.join(table), /joiner of join/],
  ['an async joiner', (_, stream, table) => stream.leftJoin(table, async), /joiner of leftJoin is an async/],
  [
    'a table of another app',
    (_, stream) => stream.join(otherTable, () => 1),
    /'rows.*another app/,
    'INVALID_TOPOLOGY',
  ],
  [
    'a re-keyed stream joined to a table of another app',
    (_app, _stream, table) => otherStream.selectKey(() => 'k').join(table, () => 1),
    /'rows-table', which belongs to another app/,
    'INVALID_TOPOLOGY',
  ],

  ['a field for groupBy of a table', (_app, _stream, table) => table.groupBy('team'), /selector.*\[value/],
  ['a stream joined to a table', (_, stream, table) => table.join(stream, () => 1), /table of join.*toTable/],
  ['outerJoin without a table', (_app, _stream, table) => table.outerJoin(), /table of outerJoin/],
  ['leftJoin of tables without a joiner', (_app, _stream, table) => table.leftJoin(table), /joiner of left/],
  ['an async joiner of tables', (_app, _stream, table) => table.join(table, async), /is an async/],
  ['unknown options of outerJoin', (_, _s, table) => table.outerJoin(table, () => 1, { nam: 1 }), /'nam'/],
  [
    'a table joined to one of another app',
    (_app, _stream, table) => table.join(otherTable, () => 1),
    /'rows-table', which belongs to another app/,
    'INVALID_TOPOLOGY',
  ],

  ['merge without a stream', (_, stream) => stream.merge(), /argument of merge.*a stream.*undefined/],
  ['a table to merge', (_, stream, table) => stream.merge(table, {}), /argument of merge/],
  ['a topic to merge', (_, stream) => stream.merge(numbers), /argument of merge/],
  ['options between streams to merge', (_, stream) => stream.merge(stream, { name: 'm' }, stream), /merge/],
  ['unknown options of merge', (_, stream) => stream.merge(stream, { nam: 'm' }), /'nam'.*'name'/],
  [
    'a stream of another app to merge',
    (_, stream) => stream.merge(otherStream),
    /'numbers', which belongs to another app, to 'merge'/,
    'INVALID_TOPOLOGY',
  ],
  ['split without branches', (_, stream) => stream.split(), /branches of split.*undefined/],
  ['split into nothing', (_, stream) => stream.split({}), /branches of split/],
  ['a list of branches', (_, stream) => stream.split([() => true]), /branches of split/],
  ['a branch that is not a function', (_, stream) => stream.split({ large: 1 }), /large of split.*got 1/],
  ['an async branch', (_, stream) => stream.split({ large: async }), /large of split is an async/],
  ['a number for a branch', (_, stream) => stream.split({ 2: () => true }), /'2' cannot name a branch/],
  ['a rest without a name', (_, stream) => stream.split({ a: () => true }, { rest: '' }), /'rest'/],
  [
    'a rest with the name of a branch',
    (_, stream) => stream.split({ a: () => true }, { rest: 'a' }),
    /rest of split.*'a'/,
  ],
  ['unknown options of split', (_, stream) => stream.split({ a: () => true }, { others: 'b' }), /'others'/],
  ['deduplicate without a time', (_, stream) => stream.deduplicate(), /undefined/, 'INVALID_DURATION'],
  ['deduplicate within nothing', (_, stream) => stream.deduplicate(0), /longer than nothing/],
  [
    'options for the time of deduplicate',
    (_, stream) => stream.deduplicate({}),
    /object/,
    'INVALID_DURATION',
  ],
  ['unknown options of deduplicate', (_, stream) => stream.deduplicate('1h', { within: 1 }), /'within'/],
  ['text for a topic to write', (_, stream) => stream.to('out'), /takes a topic.*topic\('out'/],
  ['no topic to write', (_, stream) => stream.to(), /takes a topic/],
  ['text for a topic of a table', (_, _stream, table) => table.to('out'), /takes a topic/],
  ['unknown options of a sink', (_, stream) => stream.to(out, { nme: 'x' }), /'nme'.*'name'/],
  ['a filter of a table without a function', (_, _stream, table) => table.filter(1), /keep of filter/],
  [
    'a filterNot of a table without a function',
    (_, _stream, table) => table.filterNot(1),
    /drop of filterNot/,
  ],
  [
    'a mapper of a table that is not a function',
    (_, _stream, table) => table.mapValues(1),
    /mapper of mapValues/,
  ],
  [
    'a key of a table that is not a function',
    (_, _stream, table) => table.toStream('k'),
    /selector of toStream/,
  ],
  ['a name for toTable', (_, stream) => stream.toTable('t'), /options of toTable/],
]
for (const slip of slips) refuses(...slip)

for (const [policy, about, code] of [
  ['finall', /'finall'/, 'INVALID_ARGUMENT'],
  [undefined, /undefined/, 'INVALID_ARGUMENT'],
  [{ earl: '1s' }, /earl/, 'INVALID_ARGUMENT'],
  [{ early: '1s', unti: 'x' }, /'unti'/, 'INVALID_ARGUMENT'],
  [{ early: 0 }, /longer than 0/, 'INVALID_ARGUMENT'],
  [{ early: 'soon' }, /'soon'/, 'INVALID_DURATION'],
] as const)
  test(`refuses emit(${JSON.stringify(policy)})`, () => {
    const counts = new App('app').stream(numbers).groupByKey().windowedBy(tumbling('1h')).count()
    throws(() => counts.emit(policy as never), { name: 'MillraceError', code, message: about })
  })
