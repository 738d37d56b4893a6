import { deepEqual, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { fromUtf8 } from '../../base/index.ts'
import { returnedHeaders } from './returned.ts'

test('headers are names with text, bytes or nothing', () => {
  deepEqual(
    returnedHeaders([
      { key: 'a', value: 'x' },
      { key: 'a', value: Uint8Array.of(1) },
      { key: '', value: null },
    ]),
    [
      { key: 'a', value: fromUtf8('x') },
      { key: 'a', value: Uint8Array.of(1) },
      { key: '', value: null },
    ],
  )
})

const wrong: readonly (readonly [headers: unknown, message: RegExp])[] = [
  [undefined, /they are undefined/],
  [{ a: 'x' }, /not an array/],
  [[['a', 'x']], /the key of one is undefined/],
  [[null], /the key of one is undefined/],
  [[{ key: '\ud800', value: 'x' }], /the key of one/],
  [[{ key: 'a', value: '\ud800' }], /the value of 'a'/],
  [[{ key: 'a', value: 1 }], /the value of 'a' is .*1/],
  [[{ key: 'a' }], /the value of 'a' is undefined/],
  [
    [{ key: 'millrace.watermark', value: '5' }],
    /'millrace.watermark' of withHeaders has a name of millrace's own/,
  ],
]
for (const [headers, message] of wrong)
  test(`refused headers: ${JSON.stringify(headers)}`, () =>
    throws(() => returnedHeaders(headers as never), message))
