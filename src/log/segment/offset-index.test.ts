import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { OffsetIndex } from './offset-index.ts'

/** Offset and position of each entry. */
type Entries = readonly (readonly [offset: number, position: number])[]

const base = 100
const sparse: Entries = [
  [109, 0],
  [119, 4200],
  [149, 8300],
]

function indexOf(entries: Entries): OffsetIndex {
  const index = new OffsetIndex(base)
  for (const [offset, position] of entries) index.append(offset, position)
  return index
}

/** As a file holds them: relative offset and position, int32 each. */
function fileOf(entries: Entries): Buffer {
  const bytes = Buffer.alloc(entries.length * 8)
  for (const [n, [offset, position]] of entries.entries()) {
    bytes.writeInt32BE(offset - base, n * 8)
    bytes.writeInt32BE(position, n * 8 + 4)
  }
  return bytes
}

function lastOf(index: OffsetIndex): readonly number[] | undefined {
  return index.last && [index.last.offset, index.last.position]
}

test('a look-up gives a position in front of the offset, the closest there is', () => {
  const check = (entries: Entries, offset: number, position: number): void =>
    equal(indexOf(entries).lookUp(offset)?.position ?? 0, position, `${offset}`)
  check([], 100, 0)
  check(sparse, 100, 0)
  // An entry names the last offset of the batch at its position.
  check(sparse, 109, 0)
  check(sparse, 118, 0)
  check(sparse, 119, 4200)
  check(sparse, 148, 4200)
  check(sparse, 149, 8300)
  check(sparse, 5000, 8300)
})

test('the bytes are those of the file, and a file gives the same index again', () => {
  deepEqual(Buffer.from(indexOf(sparse).bytes), fileOf(sparse))
  const read = new OffsetIndex(base, fileOf(sparse))
  deepEqual(lastOf(read), [149, 8300])
  read.append(150, 9000)
  deepEqual(Buffer.from(read.bytes), fileOf([...sparse, [150, 9000]]))
})

test('of a file, what does not ascend is left out', () => {
  const check = (bytes: Buffer, last: readonly number[] | undefined): void =>
    deepEqual(lastOf(new OffsetIndex(base, bytes)), last)
  check(Buffer.alloc(0), undefined)
  // Apache Kafka's preallocated tail.
  check(Buffer.concat([fileOf(sparse), Buffer.alloc(80)]), [149, 8300])
  check(Buffer.alloc(80), undefined)
  // Half an entry.
  check(fileOf(sparse).subarray(0, 20), [119, 4200])
  check(fileOf([...sparse, [149, 9000]]), [149, 8300])
  check(fileOf([...sparse, [150, 8300]]), [149, 8300])
})

test('entries ascend', () => {
  throws(() => indexOf(sparse).append(149, 9000))
  equal(indexOf(sparse).sizeBytes, 8 * indexOf(sparse).count)
})
