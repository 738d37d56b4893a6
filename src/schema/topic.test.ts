import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { isMillraceError } from '../base/index.ts'
import { bytes, json, text } from './builtin.ts'
import { topic } from './topic.ts'

const value = z.object({ destination: z.string(), departure: z.int() })

test('a topic has a codec for its keys and its values, and durations in ms', () => {
  const flights = topic('flights', {
    key: z.string(),
    value,
    partitions: 6,
    timestamp: flight => flight.departure,
    watermark: { outOfOrderness: '6h', idleAfter: '1m' },
    onError: { deadLetter: 'bad-flights' },
  })
  assert.deepEqual([flights.key.serde.name, flights.value.serde.name], ['string', 'json'])
  assert.deepEqual(flights.watermark, {
    outOfOrdernessMs: 21_600_000,
    idleAfterMs: 60_000,
    maxAheadMs: undefined,
  })
  assert.deepEqual(
    [flights.key.where, flights.value.where],
    ["key of topic 'flights'", "value of topic 'flights'"],
  )
  assert.equal(flights.partitions, 6)
  assert.deepEqual(topic('t', { value, watermark: {} }).watermark, {
    outOfOrdernessMs: 0,
    idleAfterMs: undefined,
    maxAheadMs: undefined,
  })
})

test('leaves out what is not declared', () => {
  const { key, watermark, timestamp, onError } = topic('t', { value })
  assert.equal(key.serde.name, 'none')
  assert.deepEqual([watermark, timestamp, onError], [undefined, undefined, undefined])
})

test('a format overrides the schema; keys are written canonically', () => {
  const { key, value: written } = topic('t', {
    key: z.string(),
    keyFormat: 'json',
    value: z.instanceof(Uint8Array),
    valueFormat: 'bytes',
  })
  assert.deepEqual([key.encode('a'), written.serde.name], ['"a"', 'bytes'])
  const objects = topic('t', { key: json<{ a: number; b: number }>(), value: bytes() })
  assert.equal(objects.key.encode({ b: 1, a: 2 }), '{"a":2,"b":1}')
  assert.equal(topic('t', { key: text(), value: text() }).value.encode('b'), 'b')
})

test('refuses an invalid policy at its declaration', () => {
  for (const onError of ['ignore', null, { deadletter: 'x' }])
    assert.throws(
      () => topic('flights', { value: z.int(), onError: onError as never }),
      error => isMillraceError(error, 'INVALID_ARGUMENT') && error.message.includes("'flights'"),
    )
})

test('refuses an invalid duration at its declaration', () => {
  assert.throws(
    () => topic('t', { value, watermark: { outOfOrderness: -1 } }),
    error => isMillraceError(error, 'INVALID_DURATION'),
  )
})

/** Mistakes of programs without types, and their messages. */
const slips: readonly (readonly [given: readonly unknown[], words: RegExp])[] = [
  [[], /Invalid topic name undefined/],
  [[{ value }], /topic name an object with value/],
  [['', { value }], /topic name ''/],
  [['t'], /without a schema for its values: topic\('t', \{ value: json\(\) \}\)/],
  [['t', {}], /without a schema/],
  [['two words', { value }], /Invalid topic name/],
  [['a/b', { value }], /Invalid topic name/],
  [['t', { valeu: value }], /Did you mean 'value'/],
  [['t', { value: { a: z.string() } }], /z\.object\(\{ … \}\).*got an object with a/],
  [['t', { value: z }], /a schema of zod/],
  [['t', { value: String }], /got a function/],
  [['t', { value, key: 'string' }], /'key' of topic 't'.*got 'string'/],
  [['t', { value, valueFormat: 'text' }], /'string', 'json' or 'bytes', got 'text'/],
  [['t', { value, keyFormat: 'utf8' }], /'string', 'json' or 'bytes'/],
  [['t', { value, partitions: 0 }], /1 or more/],
  [['t', { value, partitions: '4' }], /got '4'/],
  [['t', { value, timestamp: 'at' }], /or 'arrival', got 'at'/],
  [['t', { value, watermark: '5m' }], /an object/],
  [['t', { value, watermark: { outOfOrdernes: '5m' } }], /Did you mean 'outOfOrderness'/],
  [['t', value], /Unknown option|must be an object/],
]
for (const [given, words] of slips)
  test(`explains a mistake in a declaration: ${String(words)}`, () => {
    assert.throws(
      () => (topic as unknown as (...given: readonly unknown[]) => unknown)(...given),
      error => isMillraceError(error, 'INVALID_ARGUMENT') && words.test(error.message),
    )
  })
