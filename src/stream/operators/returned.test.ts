/**
 * A function that returns nothing, or a promise, fails its record by the policy: it never becomes a deletion,
 * a kept record or an empty object.
 */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic } from '../../schema/index.ts'
import { testApp } from '../../testing/index.ts'
import { App, type Stream, type Table } from '../index.ts'
import { output as nameOnly } from '../dsl/process-declarations.ts'
import { session, tumbling } from '../dsl/windows.ts'
import { returnedNumber } from './returned.ts'

test('a number by which values are compared is one', () => {
  equal(returnedNumber(-1.5, 'topN'), -1.5)
  for (const wrong of [Number.NaN, '1', null, undefined])
    throws(() => returnedNumber(wrong as number, 'topN'), /topN must return a number; it returned/)
})

const input = topic('input', { key: text(), value: json<number>() })
const rows = topic('rows', { key: text(), value: json<number>() })
const output = topic('output', { key: json<unknown>(), value: json<unknown>() })

type Program = (stream: Stream<string, number>, table: Table<string, number>) => unknown
const later = (): never => Promise.resolve(1) as never
const nothing = (): never => undefined as never

/** The program fails at a record, with this in the message. Under 'skip' that record leaves only a count. */
function check(name: string, about: RegExp, program: Program): void {
  test(name, () => {
    const app = new App('app')
    const result = program(app.stream(input) as Stream<string, number>, app.table(rows)) as Stream<
      string,
      number
    >
    result.to(output)
    const push = (run: ReturnType<typeof testApp>): void => {
      run.input(rows).push({ key: 'a', value: 1 })
      run.input(input).push({ key: 'a', value: 1 }, { key: 'a', value: 2, timestamp: 1 })
      // A third record that joins two sessions, so that mergers are called.
      run.input(input).push({ key: 'a', value: 3, timestamp: 40 }, { key: 'a', value: 4, timestamp: 20 })
    }
    throws(() => push(testApp(app)), { code: 'USER_FUNCTION_FAILED', message: about })
    const skipping = testApp(app, { onError: 'skip' })
    push(skipping)
    equal(skipping.metrics.dropped.failed > 0, true)
    deepEqual(
      skipping
        .output(output)
        .read()
        // A session that grows is retracted, and sent again.
        .filter(({ value, pane }) => value === null && pane === undefined),
      [],
    )
  })
}

check('peek returns a promise', /peek.*promise.*synchronous/, stream => stream.peek(later))
check('forEach returns a promise', /forEach.*promise.*synchronous/, stream => {
  stream.forEach(later)
  return stream
})
check('process returns a promise that fails', /process.*promise.*synchronous/, stream => {
  const failing = (): never => Promise.reject(new Error('later')) as never
  return stream.process({ outputs: { out: nameOnly<number>() }, onRecord: failing }).out
})
check('the gap of a session is invalid', /count-1.*Invalid duration '-1'/, stream => {
  const sessions = session(() => -1)
  return stream.groupByKey().windowedBy(sessions).count().emit('final').toStream()
})

for (const [how, give, about] of [
  ['nothing', nothing, /undefined.*return null to delete/],
  ['a promise', later, /promise.*synchronous/],
] as const) {
  check(`mapValues returns ${how}`, about, stream => stream.mapValues(give))
  check(`map returns a value of ${how}`, about, stream => stream.map((_, key) => [key, give()]))
  check(`flatMap returns a value of ${how}`, about, stream => stream.flatMap((_, key) => [[key, give()]]))
  check(`flatMapValues returns a value of ${how}`, about, stream => stream.flatMapValues(() => [give()]))
  check(`join returns ${how}`, about, (stream, table) => stream.join(table, give))
  check(`leftJoin returns ${how}`, about, (stream, table) => stream.leftJoin(table, give))
  check(`mapValues of a table returns ${how}`, about, (_, table) => table.mapValues(give))
  check(`aggregate returns ${how}`, about, stream => stream.groupByKey().aggregate(0, give))
  check(`reduce returns ${how}`, about, stream => stream.groupByKey().reduce(give))
  check(`aggregate in windows returns ${how}`, about, stream =>
    stream.groupByKey().windowedBy(tumbling(100)).aggregate(0, give),
  )
  check(`aggregate in sessions returns ${how}`, about, stream =>
    stream
      .groupByKey()
      .windowedBy(session(30))
      .aggregate(0, give, () => 0),
  )
  check(`a merger returns ${how}`, about, stream =>
    stream
      .groupByKey()
      .windowedBy(session(20, { allowedLateness: 100 }))
      .aggregate<number>(0, sum => sum + 1, give),
  )
}
check('filter returns a promise', /promise/, stream => stream.filter(later))
check('filterNot returns a promise', /promise/, stream => stream.filterNot(later))
check('filter of a table returns a promise', /promise/, (_, table) => table.filter(later))
check('selectKey returns a promise', /promise/, stream => stream.selectKey(later))
check('groupBy returns a promise', /promise/, stream => stream.groupBy(later).count())
check('map returns no pair', /pairs \[key, value\].*is 1/, stream => stream.map((() => 1) as never))
check('map returns nothing', /pairs/, stream => stream.map(nothing))
check(
  'flatMapValues returns text, of which it would make characters',
  /flatMapValues.*\[\] for none.*'pen'/,
  stream => stream.flatMapValues(() => 'pen'),
)
check('flatMap returns nothing', /\[\] for none.*undefined/, stream => stream.flatMap(nothing))
check('flatMapValues returns nothing', /flatMapValues.*of values, \[\] for none.*undefined/, stream =>
  stream.flatMapValues(nothing),
)
check('flatMap returns one pair for a list of them', /pairs.*is 'a'/, stream =>
  stream.flatMap((() => ['a', 1]) as never),
)

test('undefined means no key as a key, and false from a predicate', () => {
  const app = new App('app')
  const stream = app.stream(input)
  stream.selectKey(() => undefined).to(output)
  stream.filter(() => undefined as never).to(topic('none', { key: text(), value: json<number>() }))
  const run = testApp(app)
  run.input(input).push({ key: 'a', value: 1 })
  deepEqual(run.output(output).read(), [{ key: null, value: 1, timestamp: 0 }])
  deepEqual(run.output(topic('none', { value: json() })).read(), [])
})

test('a record without a value is in no group, and the selector of groupBy does not see it', () => {
  const app = new App('app')
  app
    .stream(input)
    .groupBy(value => value.toFixed())
    .count()
    .to(output)
  const run = testApp(app)
  run.input(input).push({ key: 'a', value: null }, { key: 'a', value: 1 })
  deepEqual(run.output(output).read(), [{ key: '1', value: 1, timestamp: 0 }])
  equal(run.metrics.dropped['null-value'], 1)
})
