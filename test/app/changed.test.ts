/**
 * A program that has changed since its last run. It takes over the state that provably fits, and is refused
 * state that it would misread.
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic } from '../../src/schema/index.ts'
import { type GroupedStream, hopping, session, type Stream, tumbling } from '../../src/stream/index.ts'
import {
  appOf,
  counted,
  countedBy,
  oneAfterTheOther,
  output,
  type Program,
  valuesIn,
  write,
} from './programs.ts'
import { World } from './world.ts'

type Grouped = GroupedStream<string, number>

const windowed =
  (of: (grouped: Grouped) => { toStream(): Stream<unknown, unknown> }): Program =>
  numbers =>
    of(numbers.groupByKey()).toStream().to(output)
const tumblingBy = (...windows: Parameters<typeof tumbling>): Program =>
  windowed(grouped => grouped.windowedBy(tumbling(...windows)).count({ name: 'state' }))

const refused: readonly [name: string, before: Program, after: Program][] = [
  ['the size of a window', tumblingBy(100), tumblingBy(50)],
  ['the offset of a window', tumblingBy(100), tumblingBy(100, { offset: 10 })],
  ['the allowed lateness', tumblingBy(100), tumblingBy(100, { allowedLateness: 10 })],
  [
    'the kind of window',
    tumblingBy(100),
    windowed(grouped => grouped.windowedBy(hopping(100, 50)).count({ name: 'state' })),
  ],
  [
    'the gap of a session',
    windowed(grouped => grouped.windowedBy(session(10)).count({ name: 'state' })),
    windowed(grouped => grouped.windowedBy(session(20)).count({ name: 'state' })),
  ],
  ['the time of a window', tumblingBy(100), tumblingBy(100, { time: 'processing' })],
  [
    'whether panes discard',
    numbers =>
      numbers
        .groupByKey()
        .windowedBy(tumbling(100))
        .count({ name: 'state' })
        .emit({ everyRecords: 2 })
        .to(output),
    numbers =>
      numbers
        .groupByKey()
        .windowedBy(tumbling(100))
        .count({ name: 'state' })
        .emit({ everyRecords: 2, panes: 'discarding' })
        .to(output),
  ],
  [
    'how many values topN keeps',
    numbers =>
      numbers
        .groupByKey()
        .topN(2, n => n, { name: 'state' })
        .to(output),
    numbers =>
      numbers
        .groupByKey()
        .topN(3, n => n, { name: 'state' })
        .to(output),
  ],
  [
    'the kind of aggregate',
    counted,
    numbers => numbers.groupByKey().reduce(Math.max, { name: 'state' }).to(output),
  ],
  [
    'the form of the keys',
    counted,
    numbers =>
      numbers
        .groupBy((_, key) => key)
        .count({ name: 'state' })
        .to(output),
  ],
]

for (const exchange of ['memory', 'topic'] as const)
  for (const [name, before, after] of refused)
    test(`after a change of ${name} the state is refused by name (${exchange})`, async () => {
      for (const [first, second] of [
        [before, after],
        [after, before],
      ] as const) {
        const found = await oneAfterTheOther(first, second, { exchange })
        ok('code' in found, JSON.stringify(found))
        equal(found.code, 'STATE_INCOMPATIBLE')
        match(
          found.message,
          /'app'.* operator 'state' has changed: .*was '.*is now '.*another name.*restart/s,
        )
      }
    })

test('a new operator begins with no state, and a removed one leaves the others unchanged', async () => {
  deepEqual(await oneAfterTheOther(countedBy('one'), countedBy('two', 'one')), [
    '"one 1"',
    '"one 2"',
    '"two 1"',
    '"one 3"',
  ])
  deepEqual(await oneAfterTheOther(countedBy('one', 'two'), countedBy('two')), [
    '"one 1"',
    '"two 1"',
    '"one 2"',
    '"two 2"',
    '"two 3"',
  ])
})

const sums = (grouped: Grouped): ReturnType<Grouped['count']> =>
  grouped.aggregate(0, (sum, value) => sum + value)
const largest = (grouped: Grouped): ReturnType<Grouped['count']> =>
  grouped.aggregate(0, (max, value) => Math.max(max, value))

/**
 * Pairs of programs of which the second would misread the first one's state. It is refused, with what changed
 * and both values.
 */
const misread: readonly [name: string, before: Program, after: Program, says: RegExp][] = [
  [
    'an operator without a name is put above another (KAFKA-9072)',
    numbers => numbers.groupByKey().count().to(output),
    numbers => {
      numbers
        .filter(value => value >= 8)
        .groupByKey()
        .count()
        .mapValues(count => `big ${count}`)
        .to(output)
      numbers.groupByKey().count().to(output)
    },
    /'count-1' has changed: its place was 'input', and is now 'input › filter'.*name: 'count-1'/s,
  ],
  [
    'an aggregate is inserted before another like it',
    numbers => sums(numbers.groupByKey()).to(output),
    numbers => {
      largest(numbers.groupByKey())
        .mapValues(max => `max ${max}`)
        .to(output)
      sums(numbers.groupByKey()).to(output)
    },
    /feeds 2 operators 'aggregate' without a name.*fed 1: 'aggregate-1', 'aggregate-2'/s,
  ],
  [
    'one of two aggregates in one place is removed',
    numbers => {
      largest(numbers.groupByKey()).to(output)
      sums(numbers.groupByKey()).to(output)
    },
    numbers => sums(numbers.groupByKey()).to(output),
    /feeds 1 operators 'aggregate' without a name.*fed 2/s,
  ],
  [
    'an operator without a name takes the place of another',
    numbers => sums(numbers.groupByKey()).to(topic('sums', { key: text(), value: json<number>() })),
    numbers => largest(numbers.groupByKey()).to(output),
    /'aggregate-1' has changed: where its results go was 'sums', and is now 'output'/,
  ],
  [
    'a filter comes before an operator without a name',
    numbers => numbers.groupByKey().count().to(output),
    numbers =>
      numbers
        .filter(value => value > 1)
        .groupByKey()
        .count()
        .to(output),
    /its place was 'input', and is now 'input › filter'/,
  ],
  [
    'an operator has another name',
    numbers => numbers.groupByKey().count({ name: 'one' }).to(output),
    numbers => numbers.groupByKey().count({ name: 'two' }).to(output),
    /no operator claims the state of 'one' .*'two'.*forget: \['one'\]/s,
  ],
  [
    'an aggregate is of another shape',
    numbers =>
      numbers
        .groupByKey()
        .aggregate(0, (sum, value) => sum + value)
        .to(output),
    numbers =>
      numbers
        .groupByKey()
        .aggregate({ sum: 0, n: 0 }, ({ sum, n }, value) => ({ sum: sum + value, n: n + 1 }))
        .to(output),
    /the shape of its values was 'number', and is now '{ n: number, sum: number }'/,
  ],
  [
    'an aggregate in windows has another field',
    numbers =>
      numbers
        .groupByKey()
        .windowedBy(tumbling(100))
        .aggregate({ sum: 0 }, ({ sum }, value) => ({ sum: sum + value }))
        .emit('changes')
        .to(output),
    numbers =>
      numbers
        .groupByKey()
        .windowedBy(tumbling(100))
        .aggregate({ sum: 0, n: 0 }, ({ sum, n }, value) => ({ sum: sum + value, n: n + 1 }))
        .emit('changes')
        .to(output),
    /the shape of its values was '{ sum: number }', and is now '{ n: number, sum: number }'/,
  ],
  [
    'an operator with a name reads another topic',
    numbers => numbers.groupByKey().count({ name: 'state' }).to(output),
    (_, app) =>
      app
        .stream(topic('other', { key: text(), value: json<number>(), partitions: 1 }))
        .groupByKey()
        .count({ name: 'state' })
        .to(output),
    /the topic that it reads was 'input', and is now 'other'/,
  ],
  [
    'the stated version is another one',
    numbers => numbers.groupByKey().count({ version: 1 }).to(output),
    numbers => numbers.groupByKey().count({ version: 2 }).to(output),
    /the version of its values was '1', and is now '2'/,
  ],
]

for (const exchange of ['memory', 'topic'] as const)
  for (const [name, before, after, says] of misread)
    test(`refuses the state if ${name} (${exchange})`, async () => {
      const found = await oneAfterTheOther(before, after, { exchange })
      ok('code' in found, JSON.stringify(found))
      equal(found.code, 'STATE_INCOMPATIBLE')
      match(found.message, says)
    })

test('an operator that gets its old number as its name stays the same', async () => {
  deepEqual(
    await oneAfterTheOther(
      numbers => numbers.groupByKey().count().to(output),
      numbers => {
        numbers
          .filter(value => value > 9)
          .groupByKey()
          .count({ name: 'few' })
          .to(output)
        numbers
          .filter(value => value > 0)
          .groupByKey()
          .count({ name: 'count-1' })
          .to(output)
      },
    ),
    ['1', '2', '3'],
  )
})

test('an operator whose version is stated may change the shape of its values', async () => {
  interface Sum {
    readonly sum: number
    readonly n?: number
  }
  const summing =
    (initial: Sum): Program =>
    numbers =>
      numbers
        .groupByKey()
        .aggregate(initial, ({ sum, n = 0 }, value) => ({ sum: sum + value, n: n + 1 }), {
          name: 'sum',
          version: 1,
        })
        .to(output)
  deepEqual(await oneAfterTheOther(summing({ sum: 0 }), summing({ sum: 0, n: 0 })), [
    '{"sum":1,"n":1}',
    '{"sum":3,"n":2}',
    '{"sum":6,"n":3}',
  ])
})

test('functions, filters and outputs may change, and the state continues', async () => {
  deepEqual(
    await oneAfterTheOther(
      numbers =>
        numbers
          .groupByKey()
          .aggregate(0, (sum, value) => sum + value, { name: 'state' })
          .to(output),
      numbers =>
        numbers
          .filter(value => value > 0)
          .groupByKey()
          .aggregate(0, (sum, value) => sum + 10 * value, { name: 'state' })
          .mapValues(sum => `sum ${sum}`)
          .to(output),
    ),
    ['1', '3', '"sum 33"'],
  )
})

test('windows that have shared rows may get results at each change, from a further emit', async () => {
  const counts =
    (...policies: readonly ('final' | 'changes')[]): Program =>
    numbers => {
      const windows = numbers.groupByKey().windowedBy(hopping('10s', '5s')).count({ name: 'state' })
      for (const policy of policies)
        windows
          .emit(policy)
          .toStream()
          .map((count, { key, start }) => [key, [policy, start, count]] as const)
          .to(output)
    }
  deepEqual(await oneAfterTheOther(counts('final'), counts('final', 'changes')), [
    '["changes",-5000,3]',
    '["changes",0,3]',
    '["final",-5000,3]',
    '["final",0,3]',
  ])
})

test('a new input topic is read from its beginning', async () => {
  const other = topic('other', { key: text(), value: json<number>() })
  const world = await World.open()
  await write(world, 1, 2)
  await world.write('other', [{ key: 'k', value: 9 }])
  await world.run(appOf(counted), { until: 'now' })
  const both = appOf((numbers, app) => {
    counted(numbers, app)
    app.stream(other).to(output)
  })
  await world.run(both, { until: 'now' })
  deepEqual(await valuesIn(world), ['1', '2', '9'])
})
