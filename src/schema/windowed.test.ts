import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'
import { isMillraceError } from '../base/index.ts'
import { bytes } from './builtin.ts'
import { codecOf, type Codec } from './codec.ts'
import { decoded } from './slices.test-support.ts'
import { topic } from './topic.ts'
import { windowed, type Windowed } from './windowed.ts'

const read = (codec: Codec<unknown, never>, entry: string): unknown =>
  decoded((slices, into) => codec.decode(slices, into), [entry])[0]

test('writes a windowed key as JSON, and partitions by the inner key', () => {
  for (const schema of [z.string(), type('string'), v.string()]) {
    const codec = codecOf<Windowed<string>, Windowed<string>>(windowed(schema), 'key')
    const key = { end: 3_600_000, start: 0, key: 'DFW' }
    const encoded = codec.encode(key)
    assert.equal(encoded, '{"key":"DFW","start":0,"end":3600000}')
    assert.deepEqual(read(codec, encoded as string), key)
    assert.equal(codec.partitionBytes?.(key), 'DFW')
  }
})

test('an inner key that is an object is partitioned by the bytes it would have alone', () => {
  const { key } = topic('t', { key: windowed(z.object({ b: z.int(), a: z.int() })), value: z.int() })
  assert.equal(key.partitionBytes?.({ key: { b: 1, a: 2 }, start: 0, end: 1 }), '{"a":2,"b":1}')
  assert.equal(
    key.encode({ key: { b: 1, a: 2 }, start: 0, end: 1 }),
    '{"key":{"a":2,"b":1},"start":0,"end":1}',
  )
})

test('takes an invalid window for malformed', () => {
  const codec = codecOf(windowed(z.string()), 'key')
  const bad = [
    1,
    'DFW',
    null,
    {},
    { key: 1, start: 0, end: 1 },
    { key: 'a', start: 0.5, end: 1 },
    { key: 'a', start: 2, end: 1 },
    { start: 0, end: 1 },
  ]
  for (const value of bad)
    if (value !== null) {
      assert.equal(typeof (read(codec, JSON.stringify(value)) as { malformed: string }).malformed, 'string')
      assert.throws(
        () => codec.encode(value),
        error => isMillraceError(error, 'MALFORMED_RECORD'),
      )
    }
  assert.match((read(codec, '{"key":1,"start":0,"end":1}') as { malformed: string }).malformed, /^key/)
})

test('the inner schema transforms the inner key', () => {
  const codec = codecOf(windowed(z.string().transform(Number)), 'key')
  assert.deepEqual(read(codec, '{"key":"7","start":0,"end":1}'), { key: 7, start: 0, end: 1 })
})

test('it has a JSON Schema when the inner key has one', () => {
  assert.equal(
    (codecOf(windowed(z.int()), 'key').jsonSchema as { properties: { key: { type: string } } }).properties.key
      .type,
    'integer',
  )
  const tree = z.object({
    get children() {
      return z.array(tree)
    },
  })
  const schema = codecOf(windowed(z.object({ tree })), 'key').jsonSchema as {
    $defs: object
    properties: object
  }
  const references = [...JSON.stringify(schema.properties).matchAll(/"\$ref":"#\/\$defs\/(\w+)"/g)]
  assert.ok(references.length > 0)
  for (const [, name] of references) assert.ok(Object.hasOwn(schema.$defs, name!))
  assert.equal(codecOf(windowed(z.coerce.date()), 'key').jsonSchema, undefined)
  assert.throws(
    () => windowed(bytes()),
    error => isMillraceError(error, 'INVALID_ARGUMENT'),
  )
})
