import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../test/for-seeds.ts'
import type { Random } from '../base/index.ts'
import { parseJson } from './json-numbers.ts'
import { mayHoldChanging } from './number-scan.ts'

const asked = (text: string, before = '', after = ''): boolean => {
  const start = Buffer.byteLength(before)
  return mayHoldChanging(Buffer.from(before + text + after), start, start + Buffer.byteLength(text))
}

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

function changes(text: string): boolean {
  try {
    parseJson(text)
    return false
  } catch {
    return true
  }
}

test('finds every number that changes, wherever it is', () =>
  forSeeds(
    30_000,
    random => {
      const number = randomNumber(random)
      const text = `{"é${'x'.repeat(random.int(7))}":[${' '.repeat(random.int(3))}${number}],"b":"${digits(random, random.int(4))}"}`
      const changing = [text, number].filter(changes)
      for (const one of changing) {
        assert.ok(asked(one), one)
        assert.ok(asked(one, '12', '34'), one)
      }
      return changing.length
    },
    counts => assert.ok(counts.filter(count => count > 0).length > counts.length / 3),
  ))

test('does not check the numbers of ordinary records', () => {
  for (const value of [
    { id: 'b2f3c9', from: 'DFW', delay: 42, note: 'x'.repeat(137) },
    { scheduled: 992516400000, departure: 992516460000, flight: 'AA1234', name: 'American Eagle seven' },
    {
      lat: 41.97860336123457,
      lon: -87.90484174123456,
      share: 0.12345678901234566,
      small: 1.5e-7,
      large: 1e21,
    },
    { uuid: 'f47ac10b-58cc-4372-a5e7-1e4000000000', card: '4111111111111111', hash: 'a3e100ff1e400' },
    { at: '2001-06-14T11:00:00.000Z', e: 'e', E: ['E+', 'e1', '+', '-', '.'] },
    { most: 999_999_999_999_999, least: -999_999_999_999_999 },
    [],
    0,
    '',
  ])
    assert.equal(asked(JSON.stringify(value)), false, JSON.stringify(value))
  // Bytes before and after the text do not count.
  assert.equal(asked('123456789', '12345678', '1234567'), false)
})
