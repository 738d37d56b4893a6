import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { compress, compressionId, compressionOf, decompress } from './compression.ts'
import { isMillraceError } from './errors.ts'

const text = Buffer.from('the same again and again, '.repeat(100))

test('decompresses what it compressed', () => {
  for (const codec of ['none', 'gzip', 'zstd'] as const) {
    deepEqual(Buffer.from(decompress(codec, compress(codec, text), text.length)), text)
    equal(compressionOf(compressionId(codec)), codec)
  }
})

test('limits the output, whatever size the input declares', () => {
  for (const codec of ['gzip', 'zstd'] as const) {
    const bomb = compress(codec, new Uint8Array(10_000_000))
    throws(
      () => decompress(codec, bomb, 1_000_000),
      (error: unknown) => isMillraceError(error, 'LIMIT_EXCEEDED'),
    )
  }
})

test('takes uncompressed bytes for corrupt, and names a codec that cannot be read', () => {
  for (const codec of ['gzip', 'zstd'] as const)
    throws(
      () => decompress(codec, text, 1_000_000),
      (error: unknown) => isMillraceError(error, 'CORRUPT_BATCH'),
    )
  throws(
    () => compressionOf(2),
    (error: unknown) => isMillraceError(error, 'UNSUPPORTED_FORMAT') && /snappy/.test(error.message),
  )
  throws(
    () => compressionOf(7),
    (error: unknown) => isMillraceError(error, 'UNSUPPORTED_FORMAT'),
  )
})
