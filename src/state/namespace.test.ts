import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeNamespace, encodeNamespace, writeNamespace } from './namespace.ts'

test('namespaces sort as numbers do', () => {
  const numbers = [
    Number.MIN_SAFE_INTEGER,
    -(2 ** 40) - 1,
    -(2 ** 32),
    -(2 ** 32) + 1,
    -2,
    -1,
    0,
    1,
    255,
    256,
    2 ** 31,
    2 ** 32 - 1,
    2 ** 32,
    1.7e12,
    Number.MAX_SAFE_INTEGER,
  ]
  assert.deepEqual(numbers.map(encodeNamespace).map(decodeNamespace), numbers)
  assert.deepEqual(numbers.map(encodeNamespace).sort(), numbers.map(encodeNamespace))
  for (const number of numbers) {
    const bytes = Buffer.alloc(8)
    writeNamespace(bytes, number)
    assert.equal(bytes.latin1Slice(), encodeNamespace(number))
  }
})
