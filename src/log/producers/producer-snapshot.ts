/**
 * The snapshot of a partition's producers as of an offset (`<offset>.snapshot`), in Apache Kafka's version 1,
 * big-endian.
 *
 * ```
 *  0  version  int16   1
 *  2  crc      uint32  CRC-32C of everything after it
 *  6  count    int32
 * 10  entries, 46 bytes each:
 *      0  producerId        int64
 *      8  producerEpoch     int16
 *     10  lastSequence      int32   -1: no batch in this epoch
 *     14  lastOffset        int64   of the last batch
 *     22  offsetDelta       int32   last less first offset of the last batch
 *     26  timestamp         int64   when the producer was last seen
 *     34  coordinatorEpoch  int32
 *     38  firstOffset       int64   of the open transaction; -1: none
 * ```
 * After the entries comes what Kafka does not keep and does not read: the batches before the last one, up to
 * five in all, so that a client with several in flight is recognised after a restart too. Per entry, in the
 * same order: a count (int8), then firstSequence, lastSequence (int32) and firstOffset, lastOffset (int64) of
 * each.
 *
 * One is written at each roll and at a clean stop. A damaged one counts as missing: the log is replayed from
 * an older one.
 */
import { crc32c } from '../../base/index.ts'
import { readInt64, writeInt64 } from '../../wire/index.ts'
import { windowBatches, type AppendedBatch, type ProducerEntry } from './producer-state.ts'

const version = 1
const crcAt = 2
const coveredAt = 6
const entriesAt = 10
const entryBytes = 46
const batchBytes = 24

export function encodeSnapshot(entries: readonly ProducerEntry[]): Uint8Array {
  const earlier = entries.map(({ batches }) => batches.slice(0, -1))
  const tail = earlier.reduce((size, batches) => size + 1 + batches.length * batchBytes, 0)
  const bytes = Buffer.alloc(entriesAt + entries.length * entryBytes + tail)
  bytes.writeInt16BE(version, 0)
  bytes.writeInt32BE(entries.length, coveredAt)
  let at = entriesAt
  for (const entry of entries) {
    const last = entry.batches.at(-1)
    writeInt64(bytes, entry.producerId, at)
    bytes.writeInt16BE(entry.epoch, at + 8)
    bytes.writeInt32BE(last?.lastSequence ?? -1, at + 10)
    writeInt64(bytes, last?.lastOffset ?? -1, at + 14)
    bytes.writeInt32BE(last ? last.lastOffset - last.firstOffset : 0, at + 22)
    writeInt64(bytes, entry.lastSeenMs, at + 26)
    bytes.writeInt32BE(entry.coordinatorEpoch, at + 34)
    writeInt64(bytes, entry.firstOffset, at + 38)
    at += entryBytes
  }
  for (const batches of earlier) {
    at = bytes.writeInt8(batches.length, at)
    for (const batch of batches) {
      bytes.writeInt32BE(batch.firstSequence, at)
      bytes.writeInt32BE(batch.lastSequence, at + 4)
      writeInt64(bytes, batch.firstOffset, at + 8)
      writeInt64(bytes, batch.lastOffset, at + 16)
      at += batchBytes
    }
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(coveredAt)), crcAt)
  return bytes
}

/**
 * The producers of a process that has ended, as of now. Only silence while a log is open counts: the producer
 * that was seen last counts as seen now, and the others as long before that one as they were.
 */
export function seenAsOf(entries: readonly ProducerEntry[], nowMs: number): ProducerEntry[] {
  const lastMs = entries.reduce((last, { lastSeenMs }) => Math.max(last, lastSeenMs), -Infinity)
  return entries.map(entry => ({ ...entry, lastSeenMs: nowMs - (lastMs - entry.lastSeenMs) }))
}

/** The entries of a snapshot, as of `nowMs` ({@link seenAsOf}); undefined if the file is damaged. */
export function parseSnapshot(bytes: Buffer, nowMs: number): ProducerEntry[] | undefined {
  if (bytes.length < entriesAt || bytes.readInt16BE(0) !== version) return undefined
  if (crc32c(bytes.subarray(coveredAt)) !== bytes.readUInt32BE(crcAt)) return undefined
  const count = bytes.readInt32BE(coveredAt)
  let tail = entriesAt + count * entryBytes
  if (count < 0 || tail > bytes.length) return undefined
  const entries: ProducerEntry[] = []
  for (let at = entriesAt; entries.length < count; at += entryBytes) {
    const batches: AppendedBatch[] = []
    // Kafka's own files end here.
    if (tail < bytes.length) {
      const earlier = bytes.readInt8(tail)
      tail += 1
      if (earlier < 0 || earlier >= windowBatches || tail + earlier * batchBytes > bytes.length)
        return undefined
      for (let n = 0; n < earlier; n += 1, tail += batchBytes)
        batches.push({
          firstSequence: bytes.readInt32BE(tail),
          lastSequence: bytes.readInt32BE(tail + 4),
          firstOffset: readInt64(bytes, tail + 8),
          lastOffset: readInt64(bytes, tail + 16),
        })
    }
    const lastSequence = bytes.readInt32BE(at + 10)
    const lastOffset = readInt64(bytes, at + 14)
    const delta = bytes.readInt32BE(at + 22)
    if (lastSequence >= 0)
      batches.push({
        // If the sequence wrapped within the batch.
        firstSequence: lastSequence >= delta ? lastSequence - delta : lastSequence - delta + 0x8000_0000,
        lastSequence,
        firstOffset: lastOffset - delta,
        lastOffset,
      })
    entries.push({
      producerId: readInt64(bytes, at),
      epoch: bytes.readInt16BE(at + 8),
      lastSeenMs: readInt64(bytes, at + 26),
      coordinatorEpoch: bytes.readInt32BE(at + 34),
      firstOffset: readInt64(bytes, at + 38),
      batches,
    })
  }
  return seenAsOf(entries, nowMs)
}
