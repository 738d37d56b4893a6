import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'
import { isMillraceError, type ErrorCode } from '../base/index.ts'
import { bytes, json, text } from './builtin.ts'
import { codecOf, type Codec, type CodecOptions } from './codec.ts'
import { windowed } from './windowed.ts'
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

test('returns valid values, and names invalid ones by their path', () => {
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

test('an issue says where it is, what is wrong, and how many more follow', () => {
  const codec = codecOf(
    z.object({ stops: z.array(z.object({ at: z.string() })), a: z.int(), b: z.int(), c: z.int() }),
    where,
  )
  const [bad] = read(codec, ['{"stops":[{"at":"A"},{"at":1}]}']) as [{ malformed: string }]
  assert.match(bad.malformed, /^stops\[1\]\.at: .*; and 1 more$/)
})

test('a schema that transforms is read through the transformation, and written as its input', () => {
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

test('makes a codec for a schema without a JSON Schema', () => {
  const codec = codecOf(z.object({ at: z.coerce.date() }), where)
  assert.equal(codec.jsonSchema, undefined)
  const at = new Date(992_516_400_000)
  assert.deepEqual(read(codec, [codec.encode({ at })]), [{ at }])
  assert.equal(codecOf(z.object({ a: z.string() }), where).jsonSchema?.['type'], 'object')
})

test('refuses a value that JSON would turn into one that the schema refuses', () => {
  const at = new Date(0)
  const written = '{"at":"1970-01-01T00:00:00.000Z"}'
  for (const schema of [z.object({ at: z.date() }), type({ at: 'Date' }), v.object({ at: v.date() })])
    throwsCode(() => codecOf(schema, where).encode({ at }), 'MALFORMED_RECORD')
  throwsCode(() => codecOf(z.map(z.string(), z.int()), where).encode(new Map([['a', 1]])), 'MALFORMED_RECORD')
  throwsCode(() => codecOf(v.array(v.date()), where).encode([at]), 'MALFORMED_RECORD')
  // A Date that is read again from its text may be written as one; one that would be read as text may not.
  assert.equal(codecOf(z.object({ at: z.coerce.date() }), where).encode({ at }), written)
  throwsCode(
    () => codecOf(v.object({ at: v.union([v.string(), v.date()]) }), where).encode({ at }),
    'MALFORMED_RECORD',
  )
})

class Place {
  readonly city = 'Chicago'
}
const cyclic: Record<string, unknown> = {}
cyclic['self'] = cyclic
/** Values that a program may pass, and whether JSON can hold them. */
const anything: readonly (readonly [what: string, value: unknown, holds: boolean])[] = [
  ['a number', 1.5, true],
  ['the largest number', Number.MAX_VALUE, true],
  ['NaN', Number.NaN, false],
  ['Infinity', Number.POSITIVE_INFINITY, false],
  ['-Infinity', Number.NEGATIVE_INFINITY, false],
  ['undefined', undefined, false],
  ['undefined in an array', [1, undefined], false],
  ['a sparse array', Array.from({ length: 2 }).fill(1, 1), false],
  // oxlint-disable-next-line no-sparse-arrays -- this is tested
  ['a hole', [1, , 3], false],
  ['null in an array', [null], true],
  ['a Date', new Date(0), false],
  ['an invalid Date', new Date(Number.NaN), false],
  ['a bigint', 1n, false],
  ['a symbol', Symbol('s'), false],
  ['a function', () => 1, false],
  ['a Map', new Map([[1, 2]]), false],
  ['a Set', new Set([1]), false],
  ['a regular expression', /a/, false],
  ['an error', new Error('e'), false],
  ['bytes', new Uint8Array(2), false],
  ['an instance of a class', new Place(), false],
  ['a boxed number', Object(1), false],
  ['toJSON', { toJSON: () => 1 }, false],
  ['a cycle', cyclic, false],
  ['raw JSON', (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON('9007199254740993'), false],
  ['a property named __proto__', JSON.parse('{"__proto__":{"a":1}}'), true],
  ['half a surrogate pair', '\ud800', true],
  ['half a surrogate pair as a name', { '\udc00': '\ud800' }, true],
  ['empty things', { a: {}, b: [], c: '' }, true],
  ['names of digits', { 2: 'b', 1: 'a' }, true],
]
for (const [what, value, holds] of anything)
  test(`is read back as it was, or refused: ${what}`, () => {
    const item = (given: unknown): unknown => ({ list: [{ item: given }] })
    const unchecked = json()
    const open: readonly (readonly [StandardSchemaV1, unknown])[] = [
      [unchecked, value],
      [unchecked, item(value)],
      [unchecked, [value]],
      [z.any(), value],
      [z.object({ list: z.array(z.object({ item: z.unknown() })) }), item(value)],
      [type({ list: [{ item: 'unknown' }, '[]'] }), item(value)],
      [v.object({ list: v.array(v.object({ item: v.any() })) }), item(value)],
    ]
    for (const [schema, given] of open)
      for (const canonical of [false, true]) {
        const codec = codecOf(schema, where, { canonical })
        // An optional property that is undefined is one that is not there.
        if (value === undefined && !Array.isArray(given) && given !== undefined) continue
        if (!holds) throwsCode(() => codec.encode(given), 'MALFORMED_RECORD')
        else assert.deepEqual(read(codec, [codec.encode(given)]), [given])
      }
  })

test('refuses a value that a closed schema accepts and JSON cannot hold', () => {
  for (const [schema, value] of [
    [z.array(z.string().optional()), [undefined]],
    [type('number'), Number.POSITIVE_INFINITY],
    [v.object({ n: v.number() }), { n: Number.POSITIVE_INFINITY }],
    [z.nan(), Number.NaN],
    [z.union([z.nan(), z.null()]), Number.NaN],
  ] as [StandardSchemaV1, unknown][])
    throwsCode(() => codecOf(schema, where).encode(value), 'MALFORMED_RECORD')
  // The message says where.
  assert.throws(
    () => codecOf(json(), where).encode({ stops: [{ at: new Date() }] }),
    /a Date at 'stops\[0\]\.at'/,
  )
})

test('does not write properties that the schema does not know', () => {
  const given = {
    cents: 1,
    password: 'x',
    to: { city: 'A', pin: 1 },
    lines: [{ id: 1, note: 'n' }, { id: 2 }],
  }
  const known = '{"cents":1,"to":{"city":"A"},"lines":[{"id":1},{"id":2}]}'
  for (const schema of [
    z.object({
      cents: z.int(),
      to: z.object({ city: z.string() }),
      lines: z.array(z.object({ id: z.int() })),
      note: z.string().optional(),
    }),
    type({
      cents: 'number',
      to: { city: 'string' },
      lines: type({ id: 'number' }).array(),
      'note?': 'string',
    }),
    v.object({
      cents: v.number(),
      to: v.object({ city: v.string() }),
      lines: v.array(v.object({ id: v.number() })),
      note: v.optional(v.string()),
    }),
  ]) {
    const codec = codecOf(schema, where)
    assert.equal(codec.encode(given), known)
    assert.equal(codec.encode(JSON.parse(known)), known)
    assert.deepEqual(given.to, { city: 'A', pin: 1 }, 'does not change the given value')
  }
  // Either of two shapes; a key, whose bytes decide the partition; the key of a window.
  const either = codecOf(z.union([z.object({ a: z.int() }), z.object({ b: z.int() })]), where)
  assert.equal(either.encode({ b: 1, c: 2 }), '{"b":1}')
  const orKept = codecOf(type({ a: 'number' }).or({ b: 'string' }), where)
  assert.equal(orKept.encode({ b: 'x', c: 2 }), '{"b":"x"}')
  const key = codecOf(z.object({ b: z.int(), a: z.int() }), where, { canonical: true })
  assert.equal(key.encode({ c: 1, b: 2, a: 3 }), '{"a":3,"b":2}')
  const inWindow = codecOf(windowed(z.object({ a: z.int() })), where)
  const inner = { key: { a: 1, b: 2 }, start: 0, end: 1 }
  assert.equal(inWindow.encode(inner), '{"key":{"a":1},"start":0,"end":1}')
  assert.equal(inWindow.partitionBytes?.(inner), '{"a":1}')
})

test('writes properties that the schema lets through, or needs for a transform', () => {
  const extra = { a: 1, b: [{ c: 'x' }] }
  for (const schema of [
    z.looseObject({ a: z.int() }),
    z.record(z.string(), z.unknown()),
    v.looseObject({ a: v.number() }),
    type({ a: 'number', '[string]': 'unknown' }),
    type('object'),
    json(),
  ])
    for (const given of [extra, Object.assign(Object.create(null), extra)])
      assert.equal(codecOf(schema as StandardSchemaV1, where).encode(given), JSON.stringify(extra))
  const renamed = z.object({ a: z.int(), b: z.int() }).transform(({ a }) => ({ c: a }))
  assert.equal(codecOf(renamed, where).encode({ a: 1, b: 2 }), '{"a":1,"b":2}')
})

test('checks text and bytes that are written in another format', () => {
  const codec = codecOf(text(), where, { format: 'json' })
  assert.deepEqual(read(codec, ['"a"', '5']), ['a', { malformed: 'expected a string, got number' }])
})

test("a number that JavaScript cannot hold is malformed, or rounded by the topic's option", () => {
  const texts = ['{"id":9007199254740993}', '{"id":1e400}', '{"id":1e3}', '{"id":0.1}']
  const exact: unknown[] = [{ malformed: true }, { malformed: true }, { id: 1000 }, { id: 0.1 }]
  const lossy: unknown[] = [
    { id: 9007199254740992 },
    { id: Number.POSITIVE_INFINITY },
    { id: 1000 },
    { id: 0.1 },
  ]
  const short = (value: unknown): unknown =>
    value !== null && typeof value === 'object' && 'malformed' in value ? { malformed: true } : value
  for (const schema of [
    json(),
    z.object({ id: z.number() }),
    v.object({ id: v.number() }),
    type({ id: 'number' }),
  ])
    for (const canonical of [false, true]) {
      const id = schema as StandardSchemaV1
      assert.deepEqual(read(codecOf(id, where, { canonical }), texts).map(short), exact)
      const rounded = read(codecOf(id, where, { canonical, numbers: 'lossy' }), texts).map(short)
      // zod takes no infinite number.
      assert.deepEqual(rounded, id['~standard'].vendor === 'zod' ? lossy.with(1, { malformed: true }) : lossy)
    }
  const inWindow = '{"key":9007199254740993,"start":0,"end":1}'
  const key = windowed(z.number())
  assert.deepEqual(read(codecOf(key, where), [inWindow]).map(short), [{ malformed: true }])
  assert.deepEqual(read(codecOf(key, where, { numbers: 'lossy' }), [inWindow]), [
    { key: 9007199254740992, start: 0, end: 1 },
  ])
  const [reason] = read(codecOf(json(), where), ['{"lines":[{"id":9007199254740993}]}']) as [
    { malformed: string },
  ]
  assert.match(reason.malformed, /9007199254740993 at 'lines\[0\]\.id' would become 9007199254740992/)
  // Text that the schema makes a bigint of keeps every digit.
  const bigints = codecOf(z.object({ id: z.string().transform(BigInt) }), where)
  assert.deepEqual(read(bigints, ['{"id":"9007199254740993"}']), [{ id: 9007199254740993n }])
})

test('refuses a promise, also one that rejects', async () => {
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

test('without a schema a key reads as null, whatever the log holds', () => {
  const codec = codecOf(undefined, "key of topic 'flights'")
  assert.deepEqual(read(codec, ['a', null, '{']), [null, null, null])
  assert.equal(codec.encode(null), null)
  throwsCode(() => codec.encode('a'), 'MALFORMED_RECORD')
})

test('a value that a serde cannot write is a malformed record', () => {
  throwsCode(() => codecOf(json(), where).encode(undefined), 'MALFORMED_RECORD')
  throwsCode(() => codecOf(z.bigint(), where).encode(1n), 'MALFORMED_RECORD')
  throwsCode(() => codecOf(text(), where).encode(5), 'MALFORMED_RECORD')
  throwsCode(() => codecOf(z.instanceof(Uint8Array), where).encode(new Uint8Array(1)), 'MALFORMED_RECORD')
})

test('other libraries can use the built-in schemas as Standard Schemas', () => {
  const ok = (schema: StandardSchemaV1, value: unknown): boolean =>
    !(schema['~standard'].validate(value) as StandardSchemaV1.Result<unknown>).issues
  assert.deepEqual(
    [ok(text(), 'a'), ok(text(), 1), ok(bytes(), new Uint8Array(0)), ok(bytes(), 'a'), ok(json(), {})],
    [true, false, true, false, true],
  )
  assert.equal(codecOf(text(), where).jsonSchema?.['type'], 'string')
})
