import { equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { durationMs, type Duration } from './duration.ts'
import { isMillraceError } from './errors.ts'
import { inWords, messageOf, thrownInWords } from './in-words.ts'

const hostile = Object.create(null) as object
const values: readonly [value: unknown, words: string][] = [
  ['text', "'text'"],
  [{ minutes: 5 }, 'an object with minutes'],
  [{}, 'an object with nothing in it'],
  [hostile, 'an object with nothing in it'],
  [[], 'an empty array'],
  [[1], 'an array'],
  [new Date(0), 'a Date'],
  [() => 1, 'a function'],
  [Symbol('s'), 'a symbol'],
  [null, 'null'],
  [undefined, 'undefined'],
  [-0, '-0'],
  [7n, 'the bigint 7n'],
]

for (const [value, words] of values)
  test(`${words}: as a value, as a duration, as what a function threw`, () => {
    equal(inWords(value), words)
    equal(thrownInWords(value), words)
    equal(messageOf(value), words)
    if (Object.is(value, -0)) return
    throws(
      () => durationMs(value as Duration),
      (error: unknown) => isMillraceError(error, 'INVALID_DURATION') && error.message.includes(words),
    )
  })

test('keeps the words of an error that was thrown', () => {
  const error = new RangeError('too far')
  equal(thrownInWords(error), 'RangeError: too far')
  equal(messageOf(error), 'too far')
})
