/** Changes to a finished batch: the times in its header, or its codec. The checksum is computed again. */
import { compress, compressionId, crc32c, type Compression } from '../base/index.ts'
import {
  attributesAt,
  batchHeaderBytes,
  batchLengthAt,
  batchLengthEnd,
  codecMask,
  crcAt,
  logAppendTimeBit,
  maxTimestampAt,
  writeInt64,
} from './layout.ts'
import type { RecordBatch } from './record-batch.ts'

/**
 * Sets the largest timestamp in place. `append`: all records count as written at that time, whatever their
 * own says.
 */
export function setTimes(batch: RecordBatch, type: 'create' | 'append', maxTimestamp: number): void {
  const bytes = batch.bytes as Buffer
  const attributes = bytes.readInt16BE(attributesAt)
  bytes.writeInt16BE(
    type === 'append' ? attributes | logAppendTimeBit : attributes & ~logAppendTimeBit,
    attributesAt,
  )
  writeInt64(bytes, maxTimestamp, maxTimestampAt)
  seal(bytes)
}

/**
 * The batch in another codec; `records` are its records, decompressed. As with a builder, a batch that would
 * not get smaller stays uncompressed.
 */
export function recompress(batch: RecordBatch, records: Uint8Array, compression: Compression): Uint8Array {
  const compressed = compress(compression, records)
  const isSmaller = compressed.length < records.length
  const header = batch.bytes.subarray(0, batchHeaderBytes)
  const bytes = Buffer.concat([header, isSmaller ? compressed : records])
  const codec = compressionId(isSmaller ? compression : 'none')
  bytes.writeInt16BE((bytes.readInt16BE(attributesAt) & ~codecMask) | codec, attributesAt)
  bytes.writeInt32BE(bytes.length - batchLengthEnd, batchLengthAt)
  seal(bytes)
  return bytes
}

function seal(bytes: Buffer): void {
  bytes.writeUInt32BE(crc32c(bytes.subarray(attributesAt)), crcAt)
}
