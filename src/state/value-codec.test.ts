import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { forSeeds } from '../../test/for-seeds.ts'
import { isMillraceError } from '../base/index.ts'
import { valueCodec } from './value-codec.ts'

const exact = (value: unknown): void =>
  assert.deepStrictEqual(valueCodec.decode(valueCodec.encode(value)), value)

const values: unknown[] = [
  undefined,
  null,
  [true, false],
  [
    0,
    -0,
    1,
    -1,
    127,
    128,
    -128,
    2 ** 31,
    2 ** 32,
    2 ** 52 - 1,
    2 ** 52,
    -(2 ** 52),
    2 ** 53 - 1,
    -(2 ** 53 - 1),
    2 ** 53,
  ],
  [0.1, 1e300, 5e-324, NaN, Infinity, -Infinity],
  [0n, -1n, 2n ** 63n, 2n ** 200n, -(2n ** 200n)],
  [
    '',
    'a',
    'é',
    'ÿ',
    '日本',
    '🛫',
    '\ud800',
    '\udc00a',
    'x'.repeat(63),
    'x'.repeat(64),
    'é'.repeat(500),
    `${'a'.repeat(100)}日`,
  ],
  [new Date(0), new Date(NaN), new Date(8.64e15)],
  { a: undefined, b: { c: [{ d: 1 }] }, '': 0, 7: 7, ['long'.repeat(40)]: 1, 日: 2 },
  JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}'),
  new Map<unknown, unknown>([
    [1, 2],
    ['a', new Map([[{ k: 1 }, null]])],
    [NaN, undefined],
  ]),
  new Set<unknown>([1, 'a', new Set([null])]),
  [
    Uint8Array.of(1, 2),
    new Uint8Array(0),
    Int8Array.of(-1),
    new Uint8ClampedArray([300]),
    Int16Array.of(-2),
    Uint16Array.of(2),
  ],
  [
    Int32Array.of(-3),
    Uint32Array.of(3),
    Float32Array.of(0.5),
    Float64Array.of(NaN),
    BigInt64Array.of(-1n),
    BigUint64Array.of(1n),
    new ArrayBuffer(3),
  ],
  'x'.repeat(200_000),
  Array.from({ length: 50_000 }, (_, i) => ({ i })),
]

test('values are read back exactly as they were written', () => {
  for (const value of values) exact(value)
})

test('values of any shape are read back exactly', () => {
  const unitUpTo = (max: number) => fc.nat({ max }).map(unit => String.fromCharCode(unit))
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    // Units of UTF-16, lone surrogates too. fast-check's units of Unicode take seconds to set up.
    stringUnit: fc.oneof(unitUpTo(0x7f), unitUpTo(0xff), unitUpTo(0xffff)),
    maxDepth: 4,
  })
  const property = fc.property(anything, exact)
  return forSeeds(200, (_, seed) => fc.assert(property, { numRuns: 100, seed }))
})

test('arrays keep their length: holes become undefined; a view carries its own part only', () => {
  assert.deepEqual(valueCodec.decode(valueCodec.encode(Array(2))), [undefined, undefined])
  const part = new Uint16Array(Uint16Array.of(1, 2, 3, 4).buffer, 2, 2)
  assert.deepEqual(valueCodec.decode(valueCodec.encode(part)), Uint16Array.of(2, 3))
  assert.deepEqual(valueCodec.decode(valueCodec.encode(Buffer.from('ab'))), Uint8Array.of(97, 98))
})

const cyclic: Record<string, unknown> = {}
cyclic['self'] = cyclic
class Sum {
  total = 1
}

test('refuses a value that would be read back as another one, and names its place', () => {
  const refused: [unknown, RegExp][] = [
    [() => 1, /function/],
    [{ a: { b: Symbol.iterator } }, /symbol at a\.b/],
    [new Sum(), /Sum instance/],
    [[new Error('x')], /Error instance/],
    [/x/, /RegExp/],
    [new WeakMap(), /WeakMap/],
    [cyclic, /deeper|itself/],
  ]
  for (const [value, message] of refused)
    assert.throws(
      () => valueCodec.encode(value),
      error => isMillraceError(error, 'INVALID_ARGUMENT') && message.test(error.message),
    )
  exact('and the next value is whole again')
})

test('an encoded value stays as it is while others are written', () => {
  const encoded = Array.from({ length: 5000 }, (_, i) => valueCodec.encode({ i, text: 'x'.repeat(i % 300) }))
  encoded.forEach((bytes, i) => assert.deepEqual(valueCodec.decode(bytes), { i, text: 'x'.repeat(i % 300) }))
})

test('damaged bytes end in an error, never in a hang or a huge allocation', () => {
  const whole = Buffer.from(
    valueCodec.encode({ a: [1, 'text', new Map([[1, new Date(5)]])], b: Uint8Array.of(1, 2, 3), c: 2 ** 40 }),
  )
  for (let end = 0; end < whole.length; end++) assert.throws(() => valueCodec.decode(whole.subarray(0, end)))
  assert.throws(() => valueCodec.decode(Buffer.concat([whole, Buffer.of(0)])))
  for (let at = 0; at < whole.length; at++)
    for (let bit = 0; bit < 8; bit++) {
      const damaged = Buffer.from(whole)
      damaged[at]! ^= 1 << bit
      try {
        valueCodec.decode(damaged)
      } catch (error) {
        assert.ok(
          error instanceof Error && !(error instanceof RangeError && /array length/.test(error.message)),
        )
      }
    }
})
