import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../test/for-seeds.ts'
import type { Random } from '../base/index.ts'
import { numberChanges, parseJson } from './json-numbers.ts'

/** Numbers as JSON has them, and whether they change. */
const numbers: readonly (readonly [source: string, changes: boolean])[] = [
  ['0', false],
  ['-0', false],
  ['0.1', false],
  ['1e3', false],
  ['1E3', false],
  ['1.5e+3', false],
  ['-12.0', false],
  ['1e-400', false],
  ['0e999', false],
  ['0.000e+99999999999999999999', false],
  ['1e400', true],
  ['1E400', true],
  ['-1E+400', true],
  ['1e0400', true],
  ['1e309', true],
  ['1.7976931348623157e308', false],
  ['1.7976931348623159e308', true],
  ['9007199254740991', false],
  ['9007199254740992', false],
  ['9007199254740993', true],
  ['-9007199254740993', true],
  ['9007199254740994', false],
  ['9007199254740993.0', true],
  ['9007199254740993.000', true],
  ['9007199254740992.0', false],
  ['9007199254740992.5', false],
  ['9007199254740993e0', true],
  ['9.007199254740993e15', true],
  ['9.007199254740992e15', false],
  ['90071992.54740993e8', true],
  ['9007199254740993000e-3', true],
  ['0.9007199254740993e+16', true],
  ['1e21', false],
  ['1e23', false],
  ['100000000000000000000000', false],
  ['100000000000000000000001', true],
  ['1152921504606846976', true],
  ['1152921504606847000', false],
  ['1152921504606846975', true],
  ['18446744073709551615', true],
  ['18446744073709551616', true],
  ['18014398509481984', false],
  ['-9223372036854775808', true],
  ['1234567890123456', false],
  ['0.12345678901234567890', false],
  ['123456789012.12345678901234567890', false],
  [`1${'0'.repeat(308)}`, false],
  [`1${'0'.repeat(309)}`, true],
  [`0.${'0'.repeat(400)}1e401`, false],
  [`${'1'.repeat(400)}e-399`, false],
]
/** So many digits. */
function digits(random: Random, count: number): string {
  return Array.from({ length: count }, () => random.int(10)).join('')
}

/** A number that is likely to change when it is read. */
function randomNumber(random: Random): string {
  const int = (bound: number): number => random.int(bound)
  const some = (count: number): string => digits(random, count)
  const kinds: (() => string)[] = [
    () => `1e${308 + int(700)}`,
    () => `-${1 + int(9)}${some(int(4))}E+${'0'.repeat(int(3))}${310 + int(99)}`,
    () => `${900_719 + int(999)}${some(10 + int(12))}`,
    () => `9${some(15)}.${some(int(3) + 1)}`,
    () => `${1 + int(9)}.${some(15 + int(5))}e${15 + int(9)}`,
    () => `0.000${some(17)}1e25`,
    () => some(309).replace(/^0/, '1'),
  ]
  return kinds[int(kinds.length)]!().replace(/^(-?)0+(?=\d)/, '$1')
}

/** Places of a number, with the text before and after it. */
const places: readonly (readonly [before: string, after: string, path: string])[] = [
  ['', '', ''],
  ['  ', '\n', ''],
  ['{"a":', '}', 'a'],
  ['{ "e" : ', ' , "b":1}', 'e'],
  ['[', ']', '[0]'],
  ['{"stops":[{},{"é":"\\"","id":', '}]}', 'stops[1].id'],
  ['["1e400, 9007199254740993 \\\\\\" ",', ',"9007199254740993"]', '[1]'],
]

test('reads a number as it is written, or refuses it with its place', () => {
  for (const [source, changes] of numbers)
    for (const [before, after, path] of places)
      for (const pad of ['', ' ', '  ']) {
        const text = `${pad}${before}${source}${after}`
        if (!changes) assert.deepEqual(parseJson(text), JSON.parse(text), text)
        else
          assert.throws(
            () => parseJson(text),
            (error: Error) =>
              error instanceof RangeError &&
              error.message.includes(source.slice(0, 40)) &&
              error.message.includes(path === '' ? `${Number(source)}` : `at '${path}'`),
            text,
          )
      }
})

test('finds every number that changes, wherever it is', () =>
  forSeeds(
    10_000,
    random => {
      const number = randomNumber(random)
      const changes = numberChanges(number, Number(number))
      for (const text of [number, `[1,"",[null,${number}]]`, `{"a":{"1":"${number}","b":${number},"c":2}}`])
        if (changes) assert.throws(() => parseJson(text), RangeError, text)
        else assert.deepEqual(parseJson(text), JSON.parse(text), text)
      return changes ? 1 : 0
    },
    counts => assert.ok(counts.filter(count => count > 0).length > counts.length / 3),
  ))

test('digits in text are not numbers', () => {
  for (const text of [
    '"9007199254740993"',
    '{"9007199254740993":"1e400"}',
    '["\\"9007199254740993", "\\\\", "1e400"]',
    '"\\u0031e400\\\\\\\\"',
    '{"id":"f47ac10b-58cc-4372-a5e7-1e4000000000","card":"4111111111111111"}',
  ])
    assert.deepEqual(parseJson(text), JSON.parse(text), text)
})

test('reads back every number that JSON.stringify writes', () => {
  const view = new DataView(new ArrayBuffer(8))
  return forSeeds(20_000, random => {
    view.setUint32(0, random.int(2 ** 32))
    view.setUint32(4, random.int(2 ** 32))
    const double = view.getFloat64(0)
    if (!Number.isFinite(double)) return
    const whole = Math.trunc(double % 2 ** 70)
    for (const number of [double, whole, 2 ** random.int(1024)])
      assert.ok(Object.is((parseJson(JSON.stringify([number])) as number[])[0], number === 0 ? 0 : number))
  })
})

test('reads whole numbers around powers of two if JavaScript writes them back unchanged', () =>
  forSeeds(20_000, random => {
    const whole = 2n ** BigInt(50 + random.int(30)) + BigInt(random.int(4096)) - 2048n
    // 2^80 has 25 digits; those of a double are 17, and zeros.
    const stays = Number(whole).toLocaleString('en', { useGrouping: false }) === String(whole)
    if (stays) assert.equal(parseJson(String(whole)), Number(whole))
    else assert.throws(() => parseJson(String(whole)), RangeError, String(whole))
  }))

test('checks long and deep texts, too', () => {
  const deep = `${'['.repeat(100_000)}9007199254740993${']'.repeat(100_000)}`
  assert.throws(() => parseJson(deep), RangeError)
  assert.throws(() => parseJson(`[${'1'.repeat(1_000_000)}]`), RangeError)
  assert.throws(() => parseJson(`{"a":"${'\\"'.repeat(1_000_000)}","b":1e400}`), RangeError)
  assert.equal(parseJson(`0.${'0'.repeat(1_000_000)}1e1000001`), 1)
  assert.throws(() => parseJson('{"a":9007199254740993'), SyntaxError)
})
