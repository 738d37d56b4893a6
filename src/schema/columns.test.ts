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
    ['o integer?', 'n integer?', 'd integer?', 'tn timestamp?', 'z json?'],
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
  [z.object({ at: z.iso.datetime().transform(iso => new Date(iso)) }), ['at timestamp']],
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
  assert.deepEqual(columns(cases[0]![0]), cases[0]![1], 'in the order of the schema')
})

const refused: [string, StandardSchemaV1 | JsonSchema, RegExp][] = [
  ['no JSON Schema from the library', v.object({ a: v.string() }), /valibot/],
  ['no JSON Schema for the type', z.object({ at: z.coerce.date() }), /dates/],
  ['bytes', bytes(), /bytes/],
  ['anything', z.unknown(), /any value/],
  ['an array', z.array(z.int()), /array/],
  ['any names', z.record(z.string(), z.int()), /any names/],
  ['nothing', z.object({}), /no properties/],
  ['an object or a value', z.union([z.object({ a: z.int() }), z.string()]), /alternatives.*by hand/],
  ['a reference to itself', { $ref: '#' }, /by hand/],
  ['a reference to nowhere', { $ref: '#/$defs/none' }, /by hand/],
  ['twins', z.object({ userId: z.int(), userid: z.int() }), /'userId' and 'userid'/],
]

test('what cannot become a table says why, and what to do', () => {
  for (const [name, schema, message] of refused)
    assert.throws(
      () => columns(schema),
      error => isMillraceError(error, 'SCHEMA_NOT_TABULAR') && message.test(error.message),
      name,
    )
})
