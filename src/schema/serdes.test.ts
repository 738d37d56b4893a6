import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../test/for-seeds.ts'
import { bytesSerde } from './bytes.ts'
import { canonicalJson, jsonSerde } from './json.ts'
import type { Malformed, Serde, Slices } from './serde.ts'
import { decoded, slicesOf } from './slices.test-support.ts'
import { stringSerde } from './string.ts'

const decode =
  <T>(serde: Serde<T>) =>
  (slices: Slices, into: (T | null | Malformed)[]): void =>
    serde.decode(slices, into)
const isMalformed = (one: unknown): boolean => typeof one === 'object' && one !== null && 'malformed' in one

const texts = ['', 'a', 'DFW', 'Zürich', '日本', '🛫', '\ufffd', 'x'.repeat(1000), 'é'.repeat(64), '\0']

test('text comes back as it was, whether its neighbours are ASCII or not', () => {
  assert.deepEqual(decoded(decode(stringSerde), [...texts, null, ...texts]), [...texts, null, ...texts])
  assert.deepEqual(
    decoded(
      decode(jsonSerde()),
      texts.map(text => JSON.stringify({ text })),
    ),
    texts.map(text => ({ text })),
  )
})

const notUtf8 = [[0xff], [0x61, 0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xef, 0xbf, 0xbd, 0x80]]

test('bytes that are not UTF-8 are malformed, and their neighbours are read', () => {
  for (const bad of notUtf8) {
    const [before, text, after] = decoded(decode(stringSerde), ['a', Uint8Array.from(bad), 'b'])
    assert.deepEqual([before, isMalformed(text), after], ['a', true, 'b'])
    const quoted = Uint8Array.from([0x22, ...bad, 0x22])
    assert.ok(isMalformed(decoded(decode(jsonSerde()), [quoted])[0]))
  }
})

test('text that is not JSON is malformed', () => {
  for (const bad of ['', '01', '1a', '1 2', '{', '{"a":1}}', 'undefined', "{'a':1}", '\ufeff{}', '1,2'])
    assert.ok(isMalformed(decoded(decode(jsonSerde()), [bad])[0]), bad)
  assert.deepEqual(decoded(decode(jsonSerde()), ['null', ' 1 ', null]), [null, 1, null])
})

test('whole numbers are what the parser makes of them', () =>
  forSeeds(300, random => {
    const numbers = Array.from({ length: 50 }, () => String(random.int(10 ** (1 + random.int(15)))))
    numbers.push('0', '-1', '10', '1.5', '1e3', '999999999999999', '1000000000000000')
    assert.deepEqual(
      decoded(decode(jsonSerde()), numbers),
      numbers.map(text => JSON.parse(text)),
    )
  }))

test('interning keeps random strings, however they collide', () => {
  const alphabet = ['a', 'b', '\0', 'é', '日', '🛫', '\x7f', '\x80']
  return forSeeds(300, (random, seed) => {
    const entries = Array.from({ length: 50 }, () =>
      Array.from(
        { length: random.int(seed % 3 === 0 ? 80 : 6) },
        () => alphabet[random.int(alphabet.length)],
      ).join(''),
    )
    assert.deepEqual(decoded(decode(stringSerde), entries), entries)
  })
})

test('keys that evict each other keep their text', () => {
  for (const length of [4, 5, 6, 7, 8, 27]) {
    const keys = Array.from({ length: 9000 }, (_, n) => String(n).padStart(length, 'k'))
    assert.deepEqual(decoded(decode(stringSerde), [...keys, ...keys]), [...keys, ...keys])
  }
})

test('a serde refuses a value that it could not read back', () => {
  const bad: [Serde<never>, unknown][] = [
    [stringSerde, 1],
    [stringSerde, 'half a pair: \ud83d'],
    [bytesSerde, 'text'],
    [jsonSerde(), undefined],
    [jsonSerde(), () => 1],
    [jsonSerde(), 1n],
    [jsonSerde(), new Uint8Array(2)],
    [jsonSerde(true), new Uint8Array(2)],
  ] as [Serde<never>, unknown][]
  for (const [serde, value] of bad) assert.throws(() => serde.encode(value as never), TypeError)
})

test('keys that are equal are equal bytes', () => {
  const one = { b: [{ y: 1, x: 2 }], a: { d: null, c: 'é' } }
  const other = { a: { c: 'é', d: null }, b: [{ x: 2, y: 1 }] }
  assert.equal(canonicalJson(one), canonicalJson(other))
  assert.deepEqual(JSON.parse(canonicalJson(one)), one)
  assert.equal(canonicalJson(['b', 'a']), '["b","a"]')
  assert.equal(canonicalJson([{ b: 1, a: [-0, 2.5] }]), '[{"a":[0,2.5],"b":1}]')
  assert.equal(canonicalJson({ toJSON: () => ({ b: 1, a: 2 }) }), '{"a":2,"b":1}')
  assert.equal(canonicalJson({ a: new Map(), b: new Date(0) }), '{"a":{},"b":"1970-01-01T00:00:00.000Z"}')
  assert.equal(canonicalJson(new Date(0)), '"1970-01-01T00:00:00.000Z"')
  assert.equal(canonicalJson(7), '7')
})

test("bytes that were read are their owner's: the batch may be overwritten", () => {
  const slices = slicesOf([Uint8Array.of(1, 2), null, Uint8Array.of(3)])
  const into: (Uint8Array | null | Malformed)[] = []
  bytesSerde.decode(slices, into)
  slices.bytes.fill(9)
  assert.deepEqual(
    into.map(value => value && [...(value as Uint8Array)]),
    [[1, 2], null, [3]],
  )
})

test('gives bytes as they are', () => {
  assert.deepEqual(
    decoded(decode(bytesSerde), [Uint8Array.of(1, 2), null, Uint8Array.of()]).map(
      one => one && [...(one as Uint8Array)],
    ),
    [[1, 2], null, []],
  )
})
