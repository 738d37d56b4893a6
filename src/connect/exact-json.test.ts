import { deepEqual, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { Inexact, parseExactly } from './exact-json.ts'

/** Texts that are read as `JSON.parse` reads them. */
for (const text of [
  '{"a":[1,2.5,"x",null,true]}',
  '9007199254740991',
  '-9007199254740992', // A power of two, and so exact.
  '9007199254740992.0',
  '1152921504606847000.0', // A double, in the digits in which JavaScript and DuckDB write it.
  '1e22',
  '1000000000000000000000000',
  '4611686018427388000',
  '5e-324',
  '1e-400',
  '0.1234567890123456789',
  '12345678901234567.5',
  '{"a":{"b":1},"b":[{"a":1},{"a":2}]}',
  '{"text":"\\"a\\": 9007199254740993 1e999 NaN :"}',
  '{"__proto__":1,"constructor":2,"":3}',
  '"a:b"',
])
  test(`reads ${text}`, () => deepEqual(parseExactly(text), JSON.parse(text)))

for (const [text, reason] of [
  ['{"user":9007199254740993}', /9007199254740993.*9007199254740992/],
  ['-9007199254740993', /-9007199254740993/],
  ['[4611686018427387904]', /4611686018427387904.*4611686018427388000/],
  ['9007199254740993.00', /9007199254740993\.00/],
  ['90071992547409930e-1', /90071992547409930e-1/],
  ['{"a":1e400}', /1e400/],
  ['-1E309', /-1E309/],
  ['{"x":NaN}', /NaN, which JSON does not have/],
  ['[1,-Infinity]', /-Infinity/],
  ['NaN', /NaN/],
  ['{"NaN":nope}', /not JSON/],
  ['', /not JSON/],
  ['{"a":1,"a":2}', /one name twice/],
  ['[{"m":{"x":1, "x" :1}}]', /one name twice/],
  [`${'{"a":['.repeat(100_000)}${']}'.repeat(100_000)}`, /call stack|not JSON/],
] as const)
  test(`refuses ${text.slice(0, 40)}`, () => {
    const read = parseExactly(text)
    ok(read instanceof Inexact)
    match(read.reason, reason)
  })
