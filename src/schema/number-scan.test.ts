import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scale, seed } from '../../test/scale.ts'
import { seededRandom } from '../base/index.ts'
import { parseJson } from './json-numbers.ts'
import { mayHoldChanging } from './number-scan.ts'

const asked = (text: string, before = '', after = ''): boolean => {
  const start = Buffer.byteLength(before)
  return mayHoldChanging(Buffer.from(before + text + after), start, start + Buffer.byteLength(text))
}

test('finds every number that changes, wherever it is', () => {
  const random = seededRandom(seed)
  const digits = (count: number): string => Array.from({ length: count }, () => random.int(10)).join('')
  const numbers: (() => string)[] = [
    () => `1e${308 + random.int(700)}`,
    () =>
      `-${1 + random.int(9)}${digits(random.int(4))}E+${'0'.repeat(random.int(3))}${310 + random.int(99)}`,
    () => `${900_719 + random.int(999)}${digits(10 + random.int(12))}`,
    () => `9${digits(15)}.${digits(random.int(3) + 1)}`,
    () => `${1 + random.int(9)}.${digits(15 + random.int(5))}e${15 + random.int(9)}`,
    () => `0.000${digits(17)}1e25`,
    () => digits(309).replace(/^0/, '1'),
  ]
  const changes = (text: string): boolean => {
    try {
      parseJson(text)
      return false
    } catch {
      return true
    }
  }
  let changing = 0
  for (let round = 0; round < scale(30_000); round += 1) {
    const number = numbers[random.int(numbers.length)]!().replace(/^(-?)0+(?=\d)/, '$1')
    const text = `{"é${'x'.repeat(random.int(7))}":[${' '.repeat(random.int(3))}${number}],"b":"${digits(random.int(4))}"}`
    for (const one of [text, number])
      if (changes(one)) {
        changing += 1
        assert.ok(asked(one), one)
        assert.ok(asked(one, '12', '34'), one)
      }
  }
  assert.ok(changing > scale(10_000))
})

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
