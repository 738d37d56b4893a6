/**
 * A batch with some of its records, as compaction leaves it. Base offset, last offset delta, producer fields
 * and leader epoch stay, so offsets and sequences of what is left do not change. The records are copied as
 * they are, and compressed again with the codec of the batch.
 */
import {
  compress,
  crc32c,
  readVarint,
  readVarlong,
  sizeOfVarlong,
  writeVarint,
  writeVarlong,
} from '../base/index.ts'
import {
  attributesAt,
  baseTimestampAt,
  batchHeaderBytes,
  batchLengthAt,
  batchLengthEnd,
  codecMask,
  crcAt,
  deleteHorizonBit,
  maxTimestampAt,
  recordCountAt,
  writeInt64,
} from './layout.ts'
import type { RecordBatch } from './record-batch.ts'
import type { RecordCursor } from './record-cursor.ts'

/** Bytes by which another base of the timestamps can lengthen a record: its length and its delta. */
const growthMax = 4 + 9
const noTimestamp = -1

/** The records of a batch that are kept. */
export interface KeptRecords {
  readonly count: number
  /** One of them has no value. */
  readonly hasTombstone: boolean
  /** -1 without records. */
  readonly maxTimestamp: number
  /** The batch, or its decompressed records. */
  readonly bytes: Buffer
  /** Start and end in `bytes` of each run of kept records. */
  readonly runs: readonly number[]
}

/** Walks over the records, and asks for each whether it is kept. */
export function keepRecords(batch: RecordBatch, isKept: (record: RecordCursor) => boolean): KeptRecords {
  const cursor = batch.records()
  const runs: number[] = []
  let count = 0
  let hasTombstone = false
  let maxTimestamp = noTimestamp
  for (let start = cursor.end; cursor.next(); start = cursor.end) {
    if (!isKept(cursor)) continue
    count += 1
    if (cursor.valueStart < 0) hasTombstone = true
    if (cursor.timestamp > maxTimestamp) maxTimestamp = cursor.timestamp
    if (runs.at(-1) === start) runs.pop()
    else runs.push(start)
    runs.push(cursor.end)
  }
  return { count, hasTombstone, maxTimestamp, bytes: cursor.bytes, runs }
}

/** The batch with only these records; `deleteHorizonMs` is set where it is given, else kept. */
export function rewriteBatch(batch: RecordBatch, kept: KeptRecords, deleteHorizonMs?: number): Buffer {
  const { compression } = batch
  const records =
    deleteHorizonMs === undefined ? copyRuns(kept) : shiftTimes(kept, batch.baseTimestamp - deleteHorizonMs)
  const content = compress(compression, records)
  const bytes = Buffer.allocUnsafeSlow(batchHeaderBytes + content.length)
  bytes.set(batch.bytes.subarray(0, batchHeaderBytes))
  bytes.set(content, batchHeaderBytes)
  if (deleteHorizonMs !== undefined) {
    bytes.writeInt16BE(bytes.readInt16BE(attributesAt) | deleteHorizonBit, attributesAt)
    writeInt64(bytes, deleteHorizonMs, baseTimestampAt)
  }
  const maxTimestamp = batch.timestampType === 'append' ? batch.maxTimestamp : kept.maxTimestamp
  writeInt64(bytes, maxTimestamp, maxTimestampAt)
  bytes.writeInt32BE(kept.count, recordCountAt)
  return finish(bytes)
}

/** The batch without any record: its offsets, its producer and its last sequence (KAFKA-5490). */
export function emptyBatch(batch: RecordBatch): Buffer {
  const bytes = Buffer.from(batch.bytes.subarray(0, batchHeaderBytes))
  const attributes = bytes.readInt16BE(attributesAt) & ~(codecMask | deleteHorizonBit)
  bytes.writeInt16BE(attributes, attributesAt)
  writeInt64(bytes, noTimestamp, baseTimestampAt)
  bytes.writeInt32BE(0, recordCountAt)
  return finish(bytes)
}

function finish(bytes: Buffer): Buffer {
  bytes.writeInt32BE(bytes.length - batchLengthEnd, batchLengthAt)
  bytes.writeUInt32BE(crc32c(bytes.subarray(attributesAt)), crcAt)
  return bytes
}

function copyRuns({ bytes, runs }: KeptRecords): Buffer {
  const copied = Buffer.allocUnsafeSlow(bytesOf(runs))
  let at = 0
  for (let n = 0; n < runs.length; n += 2) at += bytes.copy(copied, at, runs[n], runs[n + 1])
  return copied
}

/** The records with `shift` added to the delta of each timestamp. */
function shiftTimes({ bytes, runs, count }: KeptRecords, shift: number): Buffer {
  const shifted = Buffer.allocUnsafeSlow(bytesOf(runs) + count * growthMax)
  const from = { position: 0 }
  let at = 0
  for (let n = 0; n < runs.length; n += 2) {
    from.position = runs[n]!
    const runEnd = runs[n + 1]!
    while (from.position < runEnd) {
      const length = readVarint(bytes, from, runEnd)
      const end = from.position + length
      const attributes = bytes[from.position]!
      from.position += 1
      const delta = readVarlong(bytes, from, end) + shift
      at = writeVarint(shifted, at, 1 + sizeOfVarlong(delta) + end - from.position)
      shifted[at] = attributes
      at = writeVarlong(shifted, at + 1, delta)
      at += bytes.copy(shifted, at, from.position, end)
      from.position = end
    }
  }
  return shifted.subarray(0, at)
}

function bytesOf(runs: readonly number[]): number {
  let bytes = 0
  for (let n = 0; n < runs.length; n += 2) bytes += runs[n + 1]! - runs[n]!
  return bytes
}
