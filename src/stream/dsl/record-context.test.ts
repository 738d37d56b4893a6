/** What functions see of a record beside its value and key. */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { utf8 } from '../../base/index.ts'
import { json, text, topic } from '../../schema/index.ts'
import { testApp } from '../../testing/test-app.ts'
import type { RecordContext } from '../operators/record.ts'
import { App } from './app.ts'
import { tumbling } from './windows.ts'

const input = topic('input', { key: text(), value: json<number>() })

function seen({ timestamp, headers, pane }: RecordContext): string {
  const shown = headers.map(({ key, value }) => `${key}=${value ? utf8(value) : ''}`).join(' ')
  return `@${timestamp} ${shown} ${pane ?? '-'}`
}

test('each function of a stream gets the time, the headers and the pane of its record', () => {
  const app = new App('app')
  const found: string[] = []
  const see =
    (method: string) =>
    (record: RecordContext): true =>
      Boolean(found.push(`${method} ${seen(record)}`)) as true
  const rates = app.table(topic('rates', { key: text(), value: json<number>() }))
  const numbers = app.stream(input)
  numbers.filter((_v, _k, record) => see('filter')(record))
  numbers.filterNot((_v, _k, record) => see('filterNot')(record))
  numbers.mapValues((_v, _k, record) => see('mapValues')(record))
  numbers.map((value, key, record) => [key, see('map')(record) && value])
  numbers.flatMap((value, key, record) => [[key, see('flatMap')(record) && value]])
  numbers.flatMapValues((_v, _k, record) => [see('flatMapValues')(record)])
  numbers.selectKey((_v, key, record) => see('selectKey')(record) && key)
  numbers.groupBy((_v, key, record) => see('groupBy')(record) && key)
  numbers.peek((_v, _k, record) => void see('peek')(record))
  numbers.forEach((_v, _k, record) => void see('forEach')(record))
  numbers.split({ all: (_v, _k, record) => see('split')(record) })
  numbers.withTimestamp((_v, _k, record) => Number(see('withTimestamp')(record)))
  numbers.withHeaders((_v, _k, record) => (see('withHeaders')(record) ? [] : []))
  numbers.leftJoin(rates, (_v, _t, _k, record) => see('leftJoin')(record))
  numbers.groupByKey().aggregate(0, (sum, _v, _k, record) => (see('aggregate')(record) ? sum : 0))
  const run = testApp(app)
  run.input(input).push({ key: 'a', value: 1, timestamp: 7, headers: [{ key: 'trace', value: 'x' }] })
  deepEqual(
    found.toSorted(),
    [
      'aggregate',
      'filter',
      'filterNot',
      'flatMap',
      'flatMapValues',
      'forEach',
      'groupBy',
      'leftJoin',
      'map',
      'mapValues',
      'peek',
      'selectKey',
      'split',
      'withHeaders',
      'withTimestamp',
    ].map(method => `${method} @7 trace=x -`),
  )
})

test("a window's result says when it came", () => {
  const app = new App('app')
  const found: string[] = []
  app
    .stream(input)
    .groupByKey()
    .windowedBy(tumbling(10, { allowedLateness: 100 }))
    .count()
    .emit('final')
    .toStream()
    .forEach((count, { start }, record) => found.push(`${start}: ${count} ${seen(record)}`))
  const run = testApp(app)
  for (const timestamp of [1, 15, 2]) run.input(input).push({ key: 'a', value: 1, timestamp })
  deepEqual(found, ['0: 1 @9  on-time', '0: 2 @9  late'])
})

test('a new time decides on the window, and new headers go with the record', () => {
  const app = new App('app')
  const found: string[] = []
  const moved = app
    .stream(input)
    .withTimestamp(value => value ?? 0)
    .withHeaders((value, key, { headers }) => [...headers, { key: 'was', value: `${key}${value}` }])
  moved.selectKey((_value, key) => `${key}!`).forEach((_v, _k, record) => found.push(seen(record)))
  moved
    .groupByKey()
    .windowedBy(tumbling(10))
    .count()
    .emit('changes')
    .toStream()
    .forEach((count, { start }) => found.push(`${start}: ${count}`))
  const run = testApp(app)
  run.input(input).push({ key: 'a', value: 25, timestamp: 1, headers: [{ key: 'trace', value: 'x' }] })
  deepEqual(found, ['@25 trace=x was=a25 -', '20: 1'])
})
