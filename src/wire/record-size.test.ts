/** The computed sizes are those of the batches that are built. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromUtf8 } from '../base/index.ts'
import { BatchBuilder, type RecordHeader } from './batch-builder.ts'
import { batchHeaderBytes } from './layout.ts'
import { recordSizeBound, singleBatchBytes } from './record-size.ts'

const texts = [null, '', 'a', 'é€😀', 'x'.repeat(63), 'x'.repeat(64), 'ü'.repeat(600), '€'.repeat(9000)]
const headerLists: (readonly RecordHeader[] | undefined)[] = [
  undefined,
  [],
  [{ key: 'kü', value: null }],
  Array.from({ length: 70 }, (_, n) => ({ key: `${n}`, value: fromUtf8('x'.repeat(n * 3)) })),
]

test('the size of a batch of one record is exact, and the bound of a record is never below it', () => {
  for (const key of texts)
    for (const value of texts)
      for (const headers of headerLists) {
        const builder = new BatchBuilder()
        builder.append(5, key, value, headers)
        assert.equal(singleBatchBytes(key, value, headers), builder.sizeBytes)
        assert.equal(
          singleBatchBytes(key && fromUtf8(key), value && fromUtf8(value), headers),
          builder.sizeBytes,
        )
        // Deltas are largest far from the first record.
        const before = builder.sizeBytes
        builder.append(8_640_000_000_000_000, key, value, headers)
        assert(builder.sizeBytes - before <= recordSizeBound(key, value, headers))
        assert(before - batchHeaderBytes <= recordSizeBound(key, value, headers))
      }
})
