/** Which results go nowhere: those of the last operator, unless it acts by itself. */
import { deepEqual, match } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic } from '../../schema/index.ts'
import { App, output, type Stream, type Table, tumbling } from '../index.ts'
import { unusedNotice, unusedResults } from './unused-results.ts'

const numbers = topic('numbers', { key: text(), value: json<number>() })
const rows = topic('rows', { key: text(), value: json<number>() })
const out = topic('out', { key: text(), value: json<number>() })

function check(
  name: string,
  program: (stream: Stream<string | null, number>) => void,
  unused: string[],
): void {
  test(name, () => {
    const app = new App('app')
    program(app.stream(numbers).filter(value => value !== null))
    deepEqual(unusedResults(app.plan()), unused)
  })
}

check('a count that is not written', stream => stream.groupByKey().count(), ['count-1'])
check('windows without emit', stream => stream.groupByKey().windowedBy(tumbling('1h')).count(), ['count-1'])
check('a mapper at the end', stream => stream.mapValues(value => value + 1), ['map-values-1'])
check('what is written', stream => stream.groupByKey().count().to(out), [])
check(
  'one of two',
  stream => stream.split({ large: value => value > 5 }, { rest: 'small' }).large.to(out),
  [],
)
check(
  'what acts by itself',
  stream => {
    stream.peek(() => {})
    stream.forEach(() => {})
    stream.mapAsync(async value => value)
    stream.process({ outputs: { none: output<number>() }, onRecord: () => {} })
  },
  [],
)

test('a table that is only joined is used; the notice names the others', () => {
  const app = new App('app')
  const table: Table<string, number> = app.table(rows)
  app
    .stream(numbers)
    .join(table, (a, b) => a + b)
    .to(out)
  deepEqual(unusedResults(app.plan()), [])
  match(unusedNotice('app', ['count-1', 'map-1']), /'app'.*'count-1', 'map-1'.*to\(topic\)/)
})
