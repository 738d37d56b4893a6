/**
 * The layout of a record batch, version 2 ("magic 2", KIP-98), big-endian. The same bytes on disk, in memory
 * and on the wire.
 *
 * ```
 *  0  baseOffset            int64   patched on append; the CRC does not cover it
 *  8  batchLength           int32   bytes after this field
 * 12  partitionLeaderEpoch  int32   patched on append; not covered either
 * 16  magic                 int8    2
 * 17  crc                   uint32  CRC-32C of everything from here on
 * 21  attributes            int16   bits 0-2 codec, 3 log append time, 4 transactional, 5 control, 6 delete horizon
 * 23  lastOffsetDelta       int32
 * 27  baseTimestamp         int64   with bit 6 the delete horizon (KIP-534); deltas count from it all the same
 * 35  maxTimestamp          int64
 * 43  producerId            int64   -1: none
 * 51  producerEpoch         int16
 * 53  baseSequence          int32
 * 57  recordCount           int32
 * 61  records               one after the other, compressed as one block
 * ```
 *
 * A record: length (varint), attributes (int8, 0), timestampDelta (varlong), offsetDelta (varint), key,
 * value, header count (varint), headers. Key and value: varint length (-1 for null), then the bytes. A
 * header: key length, key, value length, value.
 */
export const baseOffsetAt = 0
export const batchLengthAt = 8
export const leaderEpochAt = 12
export const magicAt = 16
export const crcAt = 17
export const attributesAt = 21
export const lastOffsetDeltaAt = 23
export const baseTimestampAt = 27
export const maxTimestampAt = 35
export const producerIdAt = 43
export const producerEpochAt = 51
export const baseSequenceAt = 53
export const recordCountAt = 57
export const batchHeaderBytes = 61

/** Bytes that batchLength does not count. */
export const batchLengthEnd = 12
/** Bytes up to and including the magic, which framing needs. */
export const framingBytes = 17

export const magic = 2

export const codecMask = 0x07
export const logAppendTimeBit = 0x08
export const transactionalBit = 0x10
export const controlBit = 0x20
/** The cleaner's: its own time is in baseTimestamp (KIP-534). */
export const deleteHorizonBit = 0x40
/** All that a producer may set. */
export const knownAttributes: number = codecMask | logAppendTimeBit | transactionalBit | controlBit

/** Reads an int64 that is a safe integer here (offsets, timestamps, producer ids). */
export function readInt64(bytes: Buffer, position: number): number {
  return bytes.readInt32BE(position) * 0x1_0000_0000 + bytes.readUInt32BE(position + 4)
}

export function writeInt64(bytes: Buffer, value: number, position: number): void {
  const high = Math.floor(value / 0x1_0000_0000)
  bytes.writeInt32BE(high, position)
  bytes.writeUInt32BE(value - high * 0x1_0000_0000, position + 4)
}
