import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { fromUtf8 } from './bytes.ts'
import { wholeNumberAt, wholeNumberOf } from './whole-number.ts'

const cases: readonly (readonly [text: string, number: number])[] = [
  ['0', 0],
  ['7', 7],
  ['1234567890', 1234567890],
  ['999999999999999', 999999999999999],
  ['1000000000000000', -1],
  ['', -1],
  ['00', -1],
  ['07', -1],
  ['-1', -1],
  ['1.5', -1],
  ['1e3', -1],
  [' 1', -1],
  ['1\n', -1],
  ['"1"', -1],
  ['1:', -1],
  ['1/', -1],
  ['١', -1],
]

for (const [text, number] of cases)
  test(`${JSON.stringify(text)} is ${number < 0 ? 'another text' : number}`, () => {
    equal(wholeNumberOf(text), number)
    const bytes = fromUtf8(`9${text}9`)
    equal(wholeNumberAt(bytes, 1, bytes.length - 1), number)
  })
