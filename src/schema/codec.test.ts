import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'
import { isMillraceError, type ErrorCode } from '../base/index.ts'
import { bytes, json, text } from './builtin.ts'
import { codecOf, type Codec, type CodecOptions } from './codec.ts'
import { decoded } from './slices.test-support.ts'

const where = "value of topic 'flights'"
const throwsCode = (run: () => unknown, code: ErrorCode): void =>
  assert.throws(run, error => isMillraceError(error, code))
const read = (codec: Codec<unknown, unknown>, entries: (string | Uint8Array | null)[]): unknown[] =>
  decoded((slices, into) => codec.decode(slices, into), entries)

const serdes: [StandardSchemaV1, CodecOptions['format'], string][] = [
  [z.string(), undefined, 'string'],
  [z.string().min(3), undefined, 'string'],
  [z.string().nullable(), undefined, 'string'],
  [z.iso.datetime(), undefined, 'string'],
  [z.enum(['a', 'b']), undefined, 'string'],
  [z.literal(['a', 'b']), undefined, 'string'],
  [z.union([z.literal('a'), z.email()]), undefined, 'string'],
  [z.string().transform(Number), undefined, 'string'],
  [type('string'), undefined, 'string'],
  [type("'a' | 'b'"), undefined, 'string'],
  [type('string.date.parse'), undefined, 'string'],
  [v.string(), undefined, 'string'],
  [v.pipe(v.string(), v.minLength(1)), undefined, 'string'],
  [text(), undefined, 'string'],
  [z.int(), undefined, 'json'],
  [z.object({ a: z.string() }), undefined, 'json'],
  [z.union([z.string(), z.number()]), undefined, 'json'],
  [z.literal(['a', 1]), undefined, 'json'],
  [z.coerce.date(), undefined, 'json'],
  [z.any(), undefined, 'json'],
  [type({ a: 'string' }), undefined, 'json'],
  [type('string | number'), undefined, 'json'],
  [v.object({ a: v.string() }), undefined, 'json'],
  [json<{ a: string }>(), undefined, 'json'],
  [bytes(), undefined, 'bytes'],
  [z.string(), 'json', 'json'],
  [z.instanceof(Uint8Array), 'bytes', 'bytes'],
  [v.picklist(['a', 'b']), 'string', 'string'],
]

test('the schema chooses how a value is written, unless a format does', () => {
  for (const [schema, format, name] of serdes)
    assert.equal(codecOf(schema, where, { format }).serde.name, name)
})

const flight = { destination: 'ORD', delay: 42 }
const flights: StandardSchemaV1[] = [
  z.object({ destination: z.string(), delay: z.int() }),
  type({ destination: 'string', delay: 'number.integer' }),
  v.object({ destination: v.string(), delay: v.pipe(v.number(), v.integer()) }),
]

test('what is valid comes back, what is not is named by its path', () => {
  for (const schema of flights) {
    const codec = codecOf(schema, where)
    const encoded = codec.encode(flight)
    assert.equal(encoded, JSON.stringify(flight))
    const [good, none, bad, broken] = read(codec, [
      encoded,
      null,
      '{"destination":"ORD","delay":"late"}',
      '{',
    ]) as [unknown, unknown, { malformed: string }, { malformed: string }]
    assert.deepEqual(good, flight)
    assert.equal(none, null)
    assert.match(bad.malformed, /^delay/)
    assert.match(broken.malformed, /JSON/)
    assert.equal(codec.encode(null), null)
    throwsCode(() => codec.encode({ destination: 'ORD' }), 'MALFORMED_RECORD')
    throwsCode(() => codec.encode(undefined), 'MALFORMED_RECORD')
  }
})

test('an issue says where, what, and that there are more', () => {
  const codec = codecOf(
    z.object({ stops: z.array(z.object({ at: z.string() })), a: z.int(), b: z.int(), c: z.int() }),
    where,
  )
  const [bad] = read(codec, ['{"stops":[{"at":"A"},{"at":1}]}']) as [{ malformed: string }]
  assert.match(bad.malformed, /^stops\[1\]\.at: .*; and 1 more$/)
})

test('a schema that transforms is read through the transformation, and written as it stands on the log', () => {
  const codec = codecOf<{ at: Date; n: number }, { at: string; n?: number }>(
    z.object({ at: z.iso.datetime().transform(iso => new Date(iso)), n: z.int().default(7) }),
    where,
  )
  const encoded = codec.encode({ at: '2001-06-14T10:00:00Z' })
  assert.equal(encoded, '{"at":"2001-06-14T10:00:00Z"}')
  assert.deepEqual(read(codec as Codec<unknown, unknown>, [encoded]), [
    { at: new Date('2001-06-14T10:00:00Z'), n: 7 },
  ])
})

test('what has no JSON Schema still has a codec', () => {
  const codec = codecOf(z.object({ at: z.coerce.date() }), where)
  assert.equal(codec.jsonSchema, undefined)
  const at = new Date(992_516_400_000)
  assert.deepEqual(read(codec, [codec.encode({ at })]), [{ at }])
  assert.equal(codecOf(z.object({ a: z.string() }), where).jsonSchema?.['type'], 'object')
})

test('what JSON would turn into something that the schema refuses is not written', () => {
  const at = new Date(0)
  const written = '{"at":"1970-01-01T00:00:00.000Z"}'
  for (const schema of [z.object({ at: z.date() }), type({ at: 'Date' }), v.object({ at: v.date() })])
    throwsCode(() => codecOf(schema, where).encode({ at }), 'MALFORMED_RECORD')
  throwsCode(() => codecOf(z.map(z.string(), z.int()), where).encode(new Map([['a', 1]])), 'MALFORMED_RECORD')
  throwsCode(() => codecOf(v.array(v.date()), where).encode([at]), 'MALFORMED_RECORD')
  // A Date that is read again from its text may be written as one.
  assert.equal(codecOf(z.object({ at: z.coerce.date() }), where).encode({ at }), written)
  assert.equal(codecOf(v.object({ at: v.union([v.string(), v.date()]) }), where).encode({ at }), written)
})

test('a promise is refused, also when it rejects', async () => {
  const later: StandardSchemaV1 = {
    '~standard': { version: 1, vendor: 'test', validate: () => Promise.reject(new Error('late')) },
  }
  for (const schema of [
    z.string().refine(() => Promise.resolve(true)),
    v.pipeAsync(
      v.string(),
      v.checkAsync(() => Promise.resolve(true)),
    ),
    later,
  ]) {
    const codec = codecOf(schema, where, { format: 'string' })
    throwsCode(() => read(codec, ['a']), 'SCHEMA_ASYNC')
    throwsCode(() => codec.encode('a'), 'SCHEMA_ASYNC')
  }
  await new Promise(resolve => setImmediate(resolve))
})

test('a schema that throws makes the record malformed', () => {
  const schema: StandardSchemaV1 = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate() {
        throw new Error('boom')
      },
    },
  }
  const codec = codecOf(schema, where)
  assert.match((read(codec, ['1'])[0] as { malformed: string }).malformed, /boom/)
  throwsCode(() => codec.encode(1), 'MALFORMED_RECORD')
})

test('without a schema there is only null, whatever stands on the log', () => {
  const codec = codecOf(undefined, "key of topic 'flights'")
  assert.deepEqual(read(codec, ['a', null, '{']), [null, null, null])
  assert.equal(codec.encode(null), null)
  throwsCode(() => codec.encode('a'), 'MALFORMED_RECORD')
})

test('what a serde cannot write is a malformed record', () => {
  throwsCode(() => codecOf(json(), where).encode(undefined), 'MALFORMED_RECORD')
  throwsCode(() => codecOf(z.bigint(), where).encode(1n), 'MALFORMED_RECORD')
  throwsCode(() => codecOf(text(), where).encode(5), 'MALFORMED_RECORD')
  throwsCode(() => codecOf(z.instanceof(Uint8Array), where).encode(new Uint8Array(1)), 'MALFORMED_RECORD')
})

test('the built-in schemas are Standard Schemas for everyone', () => {
  const ok = (schema: StandardSchemaV1, value: unknown): boolean =>
    !(schema['~standard'].validate(value) as StandardSchemaV1.Result<unknown>).issues
  assert.deepEqual(
    [ok(text(), 'a'), ok(text(), 1), ok(bytes(), new Uint8Array(0)), ok(bytes(), 'a'), ok(json(), {})],
    [true, false, true, false, true],
  )
  assert.equal(codecOf(text(), where).jsonSchema?.['type'], 'string')
})
