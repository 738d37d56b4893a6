/**
 * Walks over the records of one batch without allocating: the fields are those of the current record, valid
 * until the next `next()`.
 *
 * Every length is checked against the bytes left before it is used. So damaged bytes end in CORRUPT_BATCH,
 * never in a hang or a read past the record.
 */
import { MillraceError, readVarint, readVarlong } from '../base/index.ts'
import type { RecordHeader } from './batch-builder.ts'

/** The header with a copy of its value, for a caller that keeps it longer than the batch. */
export function ownedHeader({ key, value }: RecordHeader): RecordHeader {
  return { key, value: value && Buffer.from(value) }
}

/** Of a byte of a varint: another one follows. */
const longBit = 0x80

export class RecordCursor {
  /** The bytes that the positions refer to: the batch itself, or its decompressed records. */
  readonly bytes: Buffer
  readonly #count: number
  readonly #baseOffset: number
  readonly #baseTimestamp: number
  readonly #appendTime: number | undefined
  #read = 0
  #headersAt = 0
  #recordEnd: number

  /** Where the last varint ended; the cursor is its own position, so that none is allocated. @internal */
  position: number

  offset = -1
  /** In ms since the epoch; in a batch with log append time that of the batch. */
  timestamp = -1
  /** -1 for null. */
  keyStart = -1
  keyEnd = -1
  /** -1 for null. */
  valueStart = -1
  valueEnd = -1
  headerCount = 0

  /** @internal Use `RecordBatch.records`. */
  constructor(
    bytes: Buffer,
    start: number,
    count: number,
    baseOffset: number,
    baseTimestamp: number,
    appendTime: number | undefined,
  ) {
    this.bytes = bytes
    this.position = start
    this.#recordEnd = start
    this.#count = count
    this.#baseOffset = baseOffset
    this.#baseTimestamp = baseTimestamp
    this.#appendTime = appendTime
  }

  /**
   * Goes to the next record; false at the end. Fields of one or two bytes are read in place: a call for each
   * field takes a third more. Their bytes may lie past the record; then so does the next field, and the check
   * of that refuses the record. Past the batch there are none, which the slower form refuses.
   */
  next(): boolean {
    if (this.#read === this.#count) return false
    this.#read += 1
    const { bytes } = this
    const size = bytes.length
    let at = this.#recordEnd
    let byte: number
    let next: number
    let length: number
    if ((byte = bytes[at]!) < longBit) {
      length = (byte >>> 1) ^ -(byte & 1)
      at += 1
    } else if ((next = bytes[at + 1]!) < longBit) {
      length = (((byte & 0x7f) >>> 1) | (next << 6)) ^ -(byte & 1)
      at += 2
    } else {
      length = this.#varint(at, size)
      at = this.position
    }
    const end = at + length
    if (length < 0 || end > size) throw this.#corrupt('its length')
    at += 1 // attributes: none are defined
    let timestampDelta: number
    if ((byte = bytes[at]!) < longBit) {
      timestampDelta = (byte >>> 1) ^ -(byte & 1)
      at += 1
    } else if ((next = bytes[at + 1]!) < longBit) {
      timestampDelta = (((byte & 0x7f) >>> 1) | (next << 6)) ^ -(byte & 1)
      at += 2
    } else {
      this.position = at
      timestampDelta = readVarlong(bytes, this, end)
      at = this.position
    }
    let offsetDelta: number
    if ((byte = bytes[at]!) < longBit) {
      offsetDelta = (byte >>> 1) ^ -(byte & 1)
      at += 1
    } else if ((next = bytes[at + 1]!) < longBit) {
      offsetDelta = (((byte & 0x7f) >>> 1) | (next << 6)) ^ -(byte & 1)
      at += 2
    } else {
      offsetDelta = this.#varint(at, end)
      at = this.position
    }
    this.offset = this.#baseOffset + offsetDelta
    this.timestamp = this.#appendTime ?? this.#baseTimestamp + timestampDelta
    let keyBytes: number
    if ((byte = bytes[at]!) < longBit) {
      keyBytes = (byte >>> 1) ^ -(byte & 1)
      at += 1
    } else if ((next = bytes[at + 1]!) < longBit) {
      keyBytes = (((byte & 0x7f) >>> 1) | (next << 6)) ^ -(byte & 1)
      at += 2
    } else {
      keyBytes = this.#varint(at, end)
      at = this.position
    }
    if (keyBytes < 0) this.keyStart = this.keyEnd = -1
    else {
      this.keyStart = at
      this.keyEnd = at += keyBytes
      if (at > end) throw this.#corrupt('its key')
    }
    let valueBytes: number
    if ((byte = bytes[at]!) < longBit) {
      valueBytes = (byte >>> 1) ^ -(byte & 1)
      at += 1
    } else if ((next = bytes[at + 1]!) < longBit) {
      valueBytes = (((byte & 0x7f) >>> 1) | (next << 6)) ^ -(byte & 1)
      at += 2
    } else {
      valueBytes = this.#varint(at, end)
      at = this.position
    }
    if (valueBytes < 0) this.valueStart = this.valueEnd = -1
    else {
      this.valueStart = at
      this.valueEnd = at += valueBytes
      if (at > end) throw this.#corrupt('its value')
    }
    let headerCount: number
    if ((byte = bytes[at]!) < longBit) {
      headerCount = (byte >>> 1) ^ -(byte & 1)
      at += 1
    } else if ((next = bytes[at + 1]!) < longBit) {
      headerCount = (((byte & 0x7f) >>> 1) | (next << 6)) ^ -(byte & 1)
      at += 2
    } else {
      headerCount = this.#varint(at, end)
      at = this.position
    }
    // A header takes two bytes at the least. This refuses a record that has ended before.
    if (headerCount < 0 || headerCount * 2 > end - at) throw this.#corrupt('its headers')
    this.headerCount = headerCount
    this.position = this.#headersAt = at
    this.#recordEnd = end
    return true
  }

  /** Where the current record ends. */
  get end(): number {
    return this.#recordEnd
  }

  /** The bytes of the key, a slice of the batch. */
  key(): Uint8Array | null {
    return this.keyStart < 0 ? null : this.bytes.subarray(this.keyStart, this.keyEnd)
  }

  /** The bytes of the value, a slice of the batch. */
  value(): Uint8Array | null {
    return this.valueStart < 0 ? null : this.bytes.subarray(this.valueStart, this.valueEnd)
  }

  /** Goes over the headers, so that `position` is behind them. CORRUPT_BATCH if one is damaged. */
  skipHeaders(): void {
    const { bytes } = this
    const end = this.#recordEnd
    this.position = this.#headersAt
    for (let n = 0; n < this.headerCount; n += 1) {
      const keyBytes = readVarint(bytes, this, end)
      if (keyBytes < 0 || this.position + keyBytes > end) throw this.#corrupt('a header')
      this.position += keyBytes
      const valueBytes = readVarint(bytes, this, end)
      if (valueBytes > end - this.position) throw this.#corrupt('a header')
      this.position += Math.max(valueBytes, 0)
    }
  }

  /** Their values are slices of the batch: see {@link ownedHeader}. */
  headers(): RecordHeader[] {
    const { bytes } = this
    const end = this.#recordEnd
    const headers: RecordHeader[] = []
    this.position = this.#headersAt
    for (let n = 0; n < this.headerCount; n += 1) {
      const keyBytes = readVarint(bytes, this, end)
      const keyStart = this.position
      if (keyBytes < 0 || keyStart + keyBytes > end) throw this.#corrupt('a header')
      this.position += keyBytes
      const key = bytes.utf8Slice(keyStart, keyStart + keyBytes)
      const valueBytes = readVarint(bytes, this, end)
      const valueStart = this.position
      if (valueBytes > end - valueStart) throw this.#corrupt('a header')
      this.position += Math.max(valueBytes, 0)
      headers.push({ key, value: valueBytes < 0 ? null : bytes.subarray(valueStart, this.position) })
    }
    return headers
  }

  /** A varint of any length; it ends at {@link position}. */
  #varint(at: number, limit: number): number {
    this.position = at
    return readVarint(this.bytes, this, limit)
  }

  #corrupt(what: string): MillraceError {
    return new MillraceError(
      'CORRUPT_BATCH',
      `Record ${this.#read - 1} of the batch at offset ${this.#baseOffset} is damaged: ${what} runs past the end.`,
    )
  }
}
