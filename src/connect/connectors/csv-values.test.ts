/** Texts that are almost of their column's kind. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { ColumnSpec } from '../columns.ts'
import { BadRow } from '../source.ts'
import { fileOf, read } from './csv.test-support.ts'
import { csv } from './csv.ts'

describe('kinds are strict', () => {
  const check = (kind: ColumnSpec, text: string, expected: unknown): void => {
    test(`${kind} ${JSON.stringify(text)} is ${expected === bad ? 'bad' : JSON.stringify(expected)}`, async () => {
      const { rows } = await read(
        csv(fileOf(`a,b\n"${text.replaceAll('"', '""')}",x\n`), { columns: { a: kind } }),
      )
      assert.deepEqual(
        rows.map(row => (row instanceof BadRow ? bad : row['a'])),
        [expected],
      )
    })
  }
  const bad = Symbol('a bad row')
  // C5, and similar cases.
  for (const text of [
    '0x10',
    '0b11',
    '0o17',
    'Infinity',
    '-Infinity',
    'NaN',
    '1_000',
    '1,000',
    ' 1',
    '1 ',
    '',
    '-',
    '.',
    'e5',
    '1e',
    '1e400',
    '-1e400',
    '٣',
    '１',
    '9007199254740993',
    '9007199254740993.0',
    '9007199254740993e0',
    '18446744073709551615',
    '1n',
  ])
    check('number', text, bad)
  for (const [text, value] of [
    ['+1', 1],
    ['.5', 0.5],
    ['5.', 5],
    ['007', 7],
    ['1e3', 1000],
    ['1E-3', 0.001],
    ['9007199254740992', 2 ** 53],
    ['0.1', 0.1],
    ['0.12345678901234567890', 0.123_456_789_012_345_68],
    ['1e23', 1e23],
    ['1.7976931348623157e308', Number.MAX_VALUE],
    ['123456789012345680000', 123_456_789_012_345_680_000],
  ] as const)
    check('number', text, value)
  for (const text of ['1.0', '1e3', '0x10', ' 1', '', '9007199254740992', '-9007199254740993', '٣'])
    check('integer', text, bad)
  for (const [text, value] of [
    ['+1', 1],
    ['-0', 0],
    ['007', 7],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ] as const)
    check('integer', text, value)
  for (const text of ['t', '1', 'yes', ' true', '', 'truE ', '__proto__']) check('boolean', text, bad)
  for (const text of ['2001-06-14T00:00:00Z', '14.6.2001', '2001-02-29', '2001-6-1', ''])
    check('date', text, bad)
  for (const text of ['A', 'AA=', 'AB==', 'aG k=', '-_8=', 'aGk==']) check('bytes', text, bad)
  check('bytes', 'aGk', new Uint8Array(Buffer.from('hi')))
  for (const text of ['', '{', 'NaN', '{"id":9007199254740993}', '[1e400]', "{'a':1}", '01'])
    check('json', text, bad)
  check('json', '{"id":9007199254740992,"d":1.0,"t":"9007199254740993"}', {
    id: 2 ** 53,
    d: 1,
    t: '9007199254740993',
  })
  // C6
  check('timestamp', '2001-06-14 08:30:00+02', 992_500_200_000)
  check('timestamp', '2001-06-14 06:30:00 UTC', 992_500_200_000)
  check('timestamp', '2001-06-14', Date.UTC(2001, 5, 14))
  for (const text of ['992500200000', '', '2001-06-14 08:30:00+99', '14 June 2001'])
    check('timestamp', text, bad)
})
