import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError, bufferOf } from '../base/index.ts'
import { FieldReader, FieldWriter } from './fields.ts'

const isCorrupt = (error: unknown): boolean => isMillraceError(error, 'CORRUPT_BATCH')

test('fields are read as they were written', () => {
  const bytes = new FieldWriter()
    .int8(-1)
    .int16(2)
    .int32(-3)
    .int64(2 ** 40)
    .int64(-1)
    .string('ä')
    .nullableString(undefined)
    .bytes(Uint8Array.of(7))
    .nullableBytes(undefined)
    .array(['a', 'b'], (to, item) => to.string(item))
    .finish()
  const from = new FieldReader(bytes)
  deepEqual(
    [from.int8(), from.int16(), from.int32(), from.int64(), from.int64(), from.string()],
    [-1, 2, -3, 2 ** 40, -1, 'ä'],
  )
  equal(from.nullableString(), undefined)
  deepEqual([...from.bytes()], [7])
  equal(from.nullableBytes(), undefined)
  deepEqual(
    from.array(each => each.string()),
    ['a', 'b'],
  )
  equal(from.bytesLeft, 0)
})

test('compact strings have the length plus one before them', () => {
  const bytes = Uint8Array.from([0xac, 0x02, ...new Uint8Array(299).fill(0x61)])
  equal(new FieldReader(bytes).compactString(), 'a'.repeat(299))
})

test('a structure that ends in a field, and a count past its end, are damage', () => {
  const bytes = new FieldWriter().string('abc').finish()
  for (let size = 0; size < bytes.length; size += 1)
    throws(() => new FieldReader(bytes.subarray(0, size)).string(), isCorrupt)
  throws(() => new FieldReader(bufferOf(Uint8Array.of(127, 0, 0, 0))).array(each => each.int8()), isCorrupt)
  throws(() => new FieldReader(Uint8Array.of(255, 255, 255, 255, 255, 1)).unsignedVarint(), isCorrupt)
})
