import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { type } from 'arktype'
import * as v from 'valibot'
import { z } from 'zod'
import { isMillraceError } from '../base/index.ts'
import { bytes, text } from './builtin.ts'
import { codecOf } from './codec.ts'
import { columnsOf, type ColumnsOptions } from './columns.ts'
import type { JsonSchema } from './json-schema.ts'
import { windowed } from './windowed.ts'

const where = "value of topic 'flights'"

/** As `name type` or `name type?`. */
function columns(source: StandardSchemaV1 | JsonSchema | undefined, options?: ColumnsOptions): string[] {
  const codec =
    source === undefined || '~standard' in source
      ? codecOf(source as StandardSchemaV1 | undefined, where)
      : source
  return columnsOf(codec, where, options).map(one => `${one.name} ${one.type}${one.nullable ? '?' : ''}`)
}

const cases: [StandardSchemaV1 | JsonSchema | undefined, string[]][] = [
  [
    z.object({
      b: z.boolean(),
      i: z.int(),
      n: z.number(),
      s: z.string(),
      t: z.iso.datetime(),
      d: z.iso.date(),
      e: z.enum(['a', 'b']),
      l: z.literal(['a', 1]),
      o: z.object({ a: z.int() }),
      a: z.array(z.int()),
      r: z.record(z.string(), z.int()),
      u: z.union([z.string(), z.int()]),
      x: z.unknown(),
    }),
    [
      'b boolean',
      'i integer',
      'n double',
      's varchar',
      't timestamp',
      'd date',
      'e varchar',
      'l json',
      'o json',
      'a json',
      'r json',
      'u json',
      'x json?',
    ],
  ],
  [
    z.object({
      o: z.int().optional(),
      n: z.int().nullable(),
      d: z.int().default(1),
      tn: z.iso.datetime().nullish(),
      z: z.null(),
    }),
    ['o integer?', 'n integer?', 'd integer', 'tn timestamp?', 'z json?'],
  ],
  [
    type({
      b: 'boolean',
      i: 'number.integer',
      n: 'number | null',
      's?': 'string',
      e: "'x' | 'y'",
      o: { q: 'string[]' },
    }),
    ['b boolean', 'e varchar', 'i integer', 'n double?', 'o json', 's varchar?'],
  ],
  [
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('a'), n: z.int() }),
      z.object({ kind: z.literal('b'), n: z.number(), m: z.string() }),
    ]),
    ['kind varchar', 'n double', 'm varchar?'],
  ],
  [
    z.intersection(z.object({ a: z.int() }), z.object({ b: z.string().optional() })),
    ['a integer', 'b varchar?'],
  ],
  [z.object({ a: z.int() }).nullable(), ['a integer']],
  // The value that a reader gets: after transforms, with defaults.
  [
    z
      .object({ name: z.string().optional() })
      .transform(o => ({ full: o.name }))
      .pipe(z.object({ full: z.string() })),
    ['full varchar'],
  ],
  [
    z.object({
      d: z.int().default(1),
      c: z.int().catch(3),
      f: z.int().prefault(3),
      r: z.string().readonly(),
      b: z.string().brand('x'),
      n: z.coerce.number(),
      at: z.coerce.date(),
      big: z.coerce.bigint(),
      bool: z.stringbool(),
      p: z.string().transform(Number).pipe(z.int()),
      pre: z.preprocess(Number, z.int()),
      low: z.string().trim().toLowerCase(),
      o: z.string().default('x').optional(),
      u: z.undefined(),
      l: z.literal(5n),
      m: z.union([z.string(), z.undefined()]),
    }),
    [
      'd integer',
      'c integer',
      'f integer',
      'r varchar',
      'b varchar',
      'n double',
      'at timestamp',
      'big integer',
      'bool boolean',
      'p integer',
      'pre integer',
      'low varchar',
      'o varchar?',
      'u json?',
      'l integer',
      'm varchar?',
    ],
  ],
  [
    z.object({
      at: z.codec(z.iso.datetime(), z.date(), {
        decode: iso => new Date(iso),
        encode: date => date.toISOString(),
      }),
      // A column of JSON, whatever the function returns.
      tags: z.array(z.string().transform(tag => tag.trim())),
    }),
    ['at timestamp', 'tags json'],
  ],
  [
    z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('a'), n: z.coerce.number() }),
      z.object({ kind: z.literal('b'), m: z.int().default(1) }),
    ]),
    ['kind varchar', 'n double?', 'm integer?'],
  ],
  [
    z.intersection(z.object({ a: z.coerce.bigint() }), z.object({ b: z.string().default('x') })),
    ['a integer', 'b varchar'],
  ],
  [
    type({
      n: 'string.numeric.parse',
      at: 'string.date.parse',
      d: 'string = "x"',
      'o?': 'string',
      u: 'string | undefined',
      p: type('string').pipe(Number).to('number.integer'),
    }),
    ['n double', 'at timestamp', 'd varchar', 'o varchar?', 'u varchar?', 'p integer'],
  ],
  [v.pipe(v.string(), v.trim(), v.minLength(1)), ['value varchar']],
  [z.object({ id: z.string().transform(BigInt) }).pipe(z.object({ id: z.bigint() })), ['id integer']],
  [z.coerce.bigint(), ['value integer']],
  // Names with a meaning in JavaScript or SQL.
  [JSON.parse('{"type":"object","properties":{"__proto__":{"type":"string"}}}'), ['__proto__ varchar?']],
  [
    z.object({ '': z.int(), constructor: z.string(), toString: z.boolean() }),
    [' integer', 'constructor varchar', 'toString boolean'],
  ],
  [type({ '': 'string', constructor: 'number' }), [' varchar', 'constructor double']],
  [windowed(z.coerce.date()), ['key timestamp', 'start integer', 'end integer']],
  [z.string(), ['value varchar']],
  [z.int(), ['value integer']],
  [z.number().nullable(), ['value double?']],
  [v.string(), ['value varchar']],
  [text(), ['value varchar']],
  [windowed(z.string()), ['key varchar', 'start integer', 'end integer']],
  [undefined, []],
  [
    {
      $defs: {
        air: { type: 'string' },
        flight: {
          type: 'object',
          properties: { from: { $ref: '#/$defs/air' }, next: { $ref: '#/$defs/flight' } },
          required: ['from'],
        },
      },
      $ref: '#/$defs/flight',
    },
    ['from varchar', 'next json?'],
  ],
]

test('columns follow from the schema', () => {
  for (const [schema, expected] of cases) assert.deepEqual(columns(schema).toSorted(), expected.toSorted())
  assert.deepEqual(columns(z.int(), { valueName: 'delay' }), ['delay integer'])
  assert.deepEqual(
    columnsOf(codecOf(z.object({ '': z.int() }), where), where).map(one => one.property),
    [''],
  )
  assert.deepEqual(
    columnsOf(codecOf(z.int(), where), where, { valueName: '' }).map(one => one.property),
    [undefined],
  )
  assert.deepEqual(columns(cases[0]![0]), cases[0]![1], 'in the order of the schema')
})

const refused: [string, StandardSchemaV1 | JsonSchema, RegExp][] = [
  ['no JSON Schema from the library', v.object({ a: v.string() }), /valibot/],
  [
    'a transform',
    z.object({ name: z.string() }).transform(o => ({ full: o.name })),
    /the result of a function/,
  ],
  [
    'a transform of a property',
    z.object({ at: z.string().transform(Date.parse) }),
    /'at'.*result of a function.*pipe/,
  ],
  [
    'a transform in one of two',
    z.union([z.object({ a: z.int() }), z.object({ b: z.string().transform(Number) })]),
    /'b'/,
  ],
  ['what zod loses', z.object({ ['__proto__']: z.number().optional() }), /'__proto__'.* left out/],
  ['a Map', z.object({ m: z.map(z.string(), z.int()) }), /'m'.* is a Map/],
  ['a class', z.object({ bytes: z.instanceof(Uint8Array) }), /'bytes'/],
  ['a transform of text', z.string().transform(Number), /the result of a function/],
  ['a transform of text in valibot', v.pipe(v.string(), v.transform(Number)), /valibot/],
  ['a class in arktype', type({ m: 'Map' }), /'m'.* is a Map/],
  ['a transform in arktype', type({ a: 'string' }).pipe(o => ({ full: o.a })), /any value/],
  ['bytes', bytes(), /bytes/],
  ['anything', z.unknown(), /any value/],
  ['an array', z.array(z.int()), /array/],
  ['any names', z.record(z.string(), z.int()), /any names/],
  ['nothing', z.object({}), /no properties/],
  [
    'an object or a value',
    z.union([z.object({ a: z.int() }), z.string()]),
    /alternatives.*State the columns/,
  ],
  ['a reference to itself', { $ref: '#' }, /[Ss]tate the columns/],
  ['a reference to nowhere', { $ref: '#/$defs/none' }, /[Ss]tate the columns/],
  ['twins', z.object({ userId: z.int(), userid: z.int() }), /'userId' and 'userid'/],
]

test('a schema without columns is refused with the reason and a remedy', () => {
  for (const [name, schema, message] of refused)
    assert.throws(
      () => columns(schema),
      error => isMillraceError(error, 'SCHEMA_NOT_TABULAR') && message.test(error.message),
      name,
    )
})
