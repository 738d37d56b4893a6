/**
 * Zigzag varints as in Kafka's records (and Protobuf's sint): 7 bits a byte, least significant first, the
 * sign in bit 0.
 *
 * Numbers are JS numbers, exact to 2^53. Reading keeps its position in the caller's cursor object, so that
 * nothing is allocated.
 */
import { MillraceError } from './errors.ts'

/** A reader's position. */
export interface Position {
  position: number
}

/** Bytes that `value` takes as a varint; -2^31 ≤ value < 2^31. */
export function sizeOfVarint(value: number): number {
  const rest = ((value << 1) ^ (value >> 31)) >>> 0
  if (rest < 0x80) return 1
  if (rest < 0x4000) return 2
  if (rest < 0x20_0000) return 3
  return rest < 0x1000_0000 ? 4 : 5
}

/** Writes a varint at `position`; returns the position after it. */
export function writeVarint(bytes: Uint8Array, position: number, value: number): number {
  const rest = ((value << 1) ^ (value >> 31)) >>> 0
  if (rest < 0x80) {
    bytes[position] = rest
    return position + 1
  }
  // Nearly all longer ones take two bytes.
  if (rest < 0x4000) {
    bytes[position] = (rest & 0x7f) | 0x80
    bytes[position + 1] = rest >>> 7
    return position + 2
  }
  return writeLongVarint(bytes, position, rest)
}

function writeLongVarint(bytes: Uint8Array, position: number, zigzag: number): number {
  let rest = zigzag
  while (rest >= 0x80) {
    bytes[position++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  bytes[position++] = rest
  return position
}

/** Writes a safe integer as a varlong; returns the position after it. */
export function writeVarlong(bytes: Uint8Array, position: number, value: number): number {
  if (value >= -0x4000_0000 && value < 0x4000_0000) return writeVarint(bytes, position, value)
  // Zigzag in floating point, since 2 · 2^53 is past what is exact: the lowest seven bits go first.
  const negative = value < 0
  const magnitude = negative ? -value - 1 : value
  let rest = Math.floor(magnitude / 64)
  bytes[position++] = ((magnitude % 64) * 2 + (negative ? 1 : 0)) | (rest > 0 ? 0x80 : 0)
  while (rest > 0) {
    const low = rest % 128
    rest = Math.floor(rest / 128)
    bytes[position++] = low | (rest > 0 ? 0x80 : 0)
  }
  return position
}

/** Bytes that a safe integer takes as a varlong. */
export function sizeOfVarlong(value: number): number {
  if (value >= -0x4000_0000 && value < 0x4000_0000) return sizeOfVarint(value)
  let rest = Math.floor((value < 0 ? -value - 1 : value) / 64)
  let size = 1
  while (rest > 0) {
    rest = Math.floor(rest / 128)
    size += 1
  }
  return size
}

/** Reads a varint of at most 32 bits. Throws CORRUPT_BATCH past `limit` or past five bytes. */
export function readVarint(bytes: Uint8Array, at: Position, limit: number): number {
  const { position } = at
  const first = position < limit ? (bytes[position] as number) : truncated(position)
  if (first < 0x80) {
    at.position = position + 1
    return (first >>> 1) ^ -(first & 1)
  }
  // Nearly all longer ones take two bytes.
  const second = position + 1 < limit ? (bytes[position + 1] as number) : truncated(position)
  if (second < 0x80) {
    at.position = position + 2
    return (((first & 0x7f) >>> 1) | (second << 6)) ^ -(first & 1)
  }
  return readLongVarint(bytes, at, limit)
}

function readLongVarint(bytes: Uint8Array, at: Position, limit: number): number {
  let { position } = at
  let value = 0
  for (let shift = 0; ; shift += 7) {
    if (shift > 28)
      throw new MillraceError('CORRUPT_BATCH', `A varint at byte ${at.position} is longer than 32 bits.`)
    const byte = position < limit ? (bytes[position++] as number) : truncated(at.position)
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) break
  }
  at.position = position
  return (value >>> 1) ^ -(value & 1)
}

/** Reads a varlong that is a safe integer. Throws CORRUPT_BATCH past `limit`, past ten bytes or past 2^53. */
export function readVarlong(bytes: Uint8Array, at: Position, limit: number): number {
  let position = at.position
  const first = position < limit ? (bytes[position++] as number) : truncated(at.position)
  let magnitude = (first & 0x7f) >>> 1
  if (first >= 0x80) {
    let scale = 64
    for (let n = 1; ; n += 1) {
      const byte = position < limit ? (bytes[position++] as number) : truncated(at.position)
      magnitude += (byte & 0x7f) * scale
      if (byte < 0x80) break
      scale *= 128
      if (n >= 9)
        throw new MillraceError('CORRUPT_BATCH', `A varlong at byte ${at.position} is longer than 64 bits.`)
    }
    if (magnitude > Number.MAX_SAFE_INTEGER)
      throw new MillraceError(
        'CORRUPT_BATCH',
        `A varlong at byte ${at.position} is past 2^53. No offset or timestamp of a batch may be that large.`,
      )
  }
  at.position = position
  return first & 1 ? -magnitude - 1 : magnitude
}

function truncated(position: number): never {
  throw new MillraceError('CORRUPT_BATCH', `A varint at byte ${position} runs past the end of its record.`)
}
