import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { TimeIndex } from './time-index.ts'

type Entries = readonly (readonly [timestamp: number, offset: number])[]

const base = 100
const some: Entries = [
  [1000, 109],
  [2000, 119],
  [2500, 119],
  [9000, 149],
]

function indexOf(entries: Entries): TimeIndex {
  const index = new TimeIndex(base)
  for (const [timestamp, offset] of entries) index.append(timestamp, offset)
  return index
}

function fileOf(entries: Entries): Buffer {
  const bytes = Buffer.alloc(entries.length * 12)
  for (const [n, [timestamp, offset]] of entries.entries()) {
    bytes.writeBigInt64BE(BigInt(timestamp), n * 12)
    bytes.writeInt32BE(offset - base, n * 12 + 8)
  }
  return bytes
}

test('no record in front of what a look-up gives has that timestamp or a later one', () => {
  const check = (entries: Entries, timestamp: number, offset: number): void =>
    equal(indexOf(entries).lookUp(timestamp), offset, `${timestamp}`)
  check([], 5, 100)
  check(some, 1000, 100)
  check(some, 1001, 109)
  check(some, 2000, 109)
  check(some, 2501, 119)
  check(some, 9000, 119)
  check(some, 9001, 149)
})

test('a timestamp that is no later than the last is left out', () => {
  const index = indexOf(some)
  index.append(9000, 160)
  index.append(10, 170)
  deepEqual(index.last, { timestamp: 9000, offset: 149 })
  equal(index.count, 4)
})

test('the bytes are those of the file; of a file, what does not ascend is left out', () => {
  deepEqual(Buffer.from(indexOf(some).bytes), fileOf(some))
  const check = (bytes: Buffer, count: number): void => equal(new TimeIndex(base, bytes).count, count)
  check(fileOf(some), 4)
  check(Buffer.concat([fileOf(some), Buffer.alloc(120)]), 4)
  check(fileOf(some).subarray(0, 47), 3)
  check(fileOf([...some, [9000, 150]]), 4)
  check(fileOf([...some, [9001, 148]]), 4)
  // The first record may be of 1970.
  check(fileOf([[0, 100]]), 1)
})
