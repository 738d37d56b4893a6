/** withTimestamp, alone: it keeps no state, and the watermark of the record stays. */
import { throws } from 'node:assert/strict'
import { test } from 'node:test'
import { check } from './harness.test-support.ts'
import { returnedTimestamp } from './returned.ts'
import { withTimestamp } from './with-timestamp.ts'

check(
  'a record gets another time, of which its watermark knows nothing',
  withTimestamp<string, number>((n, _key, { timestamp }) => timestamp + n),
  [
    ['a 3 @2 W1', ['a 3 @5 W1']],
    ['a -2 @2 W1', ['a -2 @0 W1']],
  ],
)

test('a time is milliseconds since 1970, a whole number', () => {
  for (const wrong of [-1, 0.5, NaN, Infinity, 8.7e15, '1', null, undefined, new Date(0), 1n])
    throws(() => returnedTimestamp(wrong as number), /withTimestamp must return milliseconds since 1970/)
})
