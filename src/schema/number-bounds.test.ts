import assert from 'node:assert/strict'
import { test } from 'node:test'
import { z } from 'zod'
import { codecOf } from './codec.ts'
import type { Schema } from './builtin.ts'
import { refusesChangingNumbers } from './number-bounds.ts'
import { Malformed } from './serde.ts'
import { slicesOf } from './slices.test-support.ts'

const whole = z.int()
/**
 * Schemas, whether they themselves refuse such numbers, and the text to read, with a number in the place of
 * N.
 */
const schemas: readonly (readonly [name: string, schema: Schema<unknown>, refuses: boolean, text: string])[] =
  [
    ['a whole number', whole, true, 'N'],
    ['one with bounds', z.number().min(0).max(100), true, 'N'],
    ['one with exclusive bounds', z.int().positive(), true, 'N'],
    ['text', z.string().or(z.null()), true, '[N]'],
    ['one or null', whole.nullable(), true, 'N'],
    [
      'a discriminated union',
      z.discriminatedUnion('k', [z.object({ k: z.literal('a'), a: whole })]),
      true,
      '{"k":"a","a":N}',
    ],
    ['an object', z.object({ a: whole, b: z.array(whole).optional() }), true, '{"a":1,"b":[N]}'],
    ['a strict one', z.strictObject({ a: whole }), true, '{"a":N}'],
    ['a record', z.record(z.string(), whole), true, '{"x":N}'],
    ['a tuple', z.tuple([z.string(), whole]), true, '["",N]'],
    ['a union', z.union([whole, z.object({ a: whole })]), true, '{"a":N}'],
    ['one that transforms', whole.transform(n => n + 1), true, 'N'],
    ['a literal', z.object({ a: z.literal(['x', 5]) }), true, '{"a":N}'],
    ['any number', z.number(), false, 'N'],
    ['one with a bound', z.number().min(0), false, 'N'],
    [
      'one with large bounds',
      z
        .number()
        .min(0)
        .max(2 ** 60),
      false,
      'N',
    ],
    ['a large literal', z.literal(2 ** 53), false, 'N'],
    ['a fallback', z.object({ a: whole.catch(0) }), false, '{"a":N}'],
    ['a fallback of all', z.object({ a: whole }).catch({ a: 0 }), false, '{"a":N}'],
    ['an open object', z.looseObject({ a: whole }), false, '{"a":1,"b":N}'],
    ['a rest of numbers', z.object({ a: whole }).catchall(z.number()), false, '{"a":1,"b":N}'],
    ['an array of anything', z.array(z.unknown()), false, '[N]'],
    ['a tuple with a rest', z.tuple([whole]).rest(z.number()), false, '[1,N]'],
    ['an intersection', z.intersection(z.object({ a: whole }), z.looseObject({})), false, '{"a":1,"b":N}'],
    ['a preprocessed value', z.preprocess(x => (x as number) % 10, whole), false, 'N'],
    ['a default', z.object({ a: whole.default(1) }), false, '{"a":N}'],
    ['a preprocessed part', z.object({ a: z.preprocess(x => (x as number) % 10, whole) }), false, '{"a":N}'],
    [
      'one that is preprocessed and piped',
      z.preprocess(x => (x as number) % 10, whole).pipe(whole),
      false,
      'N',
    ],
    ['a coerced one', z.coerce.number().int(), false, 'N'],
    ['coerced text', z.object({ a: z.coerce.string() }), false, '{"a":N}'],
    ['a codec', z.codec(whole, z.string(), { decode: String, encode: Number }), true, 'N'],
    ['a lazy one', z.lazy(() => whole.catch(1)), false, 'N'],
    ['a recursive one', z.json(), false, '[N]'],
  ]

for (const [name, schema, refuses, text] of schemas)
  test(`${name}: numbers that change are malformed, ${refuses ? 'by the schema' : 'by their text'}`, () => {
    assert.equal(refusesChangingNumbers(schema), refuses)
    const codec = codecOf(schema, 'value', { format: 'json' })
    for (const number of ['9007199254740993', '-9007199254740993', '1e400', '-1e400', '9007199254740993.0']) {
      const into: unknown[] = []
      codec.decode(slicesOf([text.replace('N', number)]), into)
      assert.ok(into[0] instanceof Malformed, `${number}: ${JSON.stringify(into[0])}`)
    }
  })

test("ignores the numbers of properties that an object's schema does not declare", () => {
  const into: unknown[] = []
  codecOf(z.object({ a: whole }), 'value').decode(slicesOf(['{"a":1,"b":9007199254740993}']), into)
  assert.deepEqual(into, [{ a: 1 }])
})
