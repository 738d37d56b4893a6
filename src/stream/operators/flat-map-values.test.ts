/** flatMapValues, alone: it keeps no state, and does not change the key. */
import { throws } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic } from '../../schema/index.ts'
import { testApp } from '../../testing/test-app.ts'
import { App } from '../dsl/app.ts'
import { flatMapValues } from './flat-map-values.ts'
import { check } from './harness.test-support.ts'

check(
  'none, one and many values, each with the key and the timestamp of its input',
  flatMapValues<string, number, string>((n, key) => Array.from({ length: n }, (_, i) => `${key}${i}`)),
  [
    ['a 0 @1', []],
    ['a 1 @2', ['a "a0" @2']],
    ['- 2 @3 W1', ['- "null0" @3 W1', '- "null1" @3 W1']],
  ],
)

check(
  'values from a generator, null among them',
  flatMapValues<string, number, number | null>(function* (n) {
    yield n
    yield null
  }),
  [['a 7 @1', ['a 7 @1', 'a - @1']]],
)

test('an object that is returned twice is shared: a function that changes it fails its record', () => {
  const input = topic('input', { key: text(), value: json<number>() })
  const app = new App('app')
  app
    .stream(input)
    .flatMapValues(n => {
      const counts = { n }
      return [counts, counts]
    })
    .forEach(counts => {
      counts.n = 0
    })
  throws(() => testApp(app).input(input).push({ key: 'a', value: 1 }), { code: 'USER_FUNCTION_FAILED' })
})
