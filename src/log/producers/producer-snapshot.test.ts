import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c } from '../../base/index.ts'
import { encodeSnapshot, parseSnapshot, seenAsOf } from './producer-snapshot.ts'
import type { AppendedBatch, ProducerEntry } from './producer-state.ts'

const now = 5000

function entry(producerId: number, batches: readonly AppendedBatch[], firstOffset = -1): ProducerEntry {
  return { producerId, epoch: 3, coordinatorEpoch: 1, firstOffset, lastSeenMs: now, batches }
}

function batch(
  firstSequence: number,
  lastSequence: number,
  firstOffset: number,
  lastOffset: number,
): AppendedBatch {
  return { firstSequence, lastSequence, firstOffset, lastOffset }
}

const five = Array.from({ length: 5 }, (_, n) => batch(n * 2, n * 2 + 1, n * 10, n * 10 + 1))
const entries = [
  entry(1, five),
  // A marker began the epoch; a transaction is open.
  entry(2, [], 77),
  entry(Number.MAX_SAFE_INTEGER, [batch(0x7fff_fffe, 2, 50, 54)]),
]

test('a snapshot gives the same producers again', () => {
  deepEqual(parseSnapshot(Buffer.from(encodeSnapshot(entries)), now), entries)
  deepEqual(parseSnapshot(Buffer.from(encodeSnapshot([])), now), [])
})

test("of one that Apache Kafka wrote, a producer's last batch is known", () => {
  const bytes = Buffer.from(encodeSnapshot(entries)).subarray(0, 10 + 3 * 46)
  bytes.writeUInt32BE(crc32c(bytes.subarray(6)), 2)
  deepEqual(parseSnapshot(bytes, now), [entry(1, five.slice(-1)), entries[1], entries[2]])
})

test('a damaged one counts as missing, whatever is wrong with it', () => {
  const bytes = encodeSnapshot(entries)
  for (let at = 0; at < bytes.length; at += 1) {
    const damaged = Buffer.from(bytes)
    damaged[at]! ^= 0x55
    equal(parseSnapshot(damaged, now), undefined, `byte ${at}`)
    equal(parseSnapshot(Buffer.from(bytes.subarray(0, at)), now), undefined, `${at} bytes`)
  }
})

test('producers that were silent before a stop are so after it; the time of the stop does not count', () => {
  const seenAt = (...times: readonly number[]): ProducerEntry[] =>
    times.map((lastSeenMs, n) => ({ ...entry(n, []), lastSeenMs }))
  const later = parseSnapshot(Buffer.from(encodeSnapshot(seenAt(1000, 4000, 2500))), 100_000)
  deepEqual(later, seenAt(97_000, 100_000, 98_500))
  // The clock was set back meanwhile.
  deepEqual(seenAsOf(seenAt(1000, 4000), 500), seenAt(-2500, 500))
})
