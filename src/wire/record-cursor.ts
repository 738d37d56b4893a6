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

  /** Goes to the next record; false at the end. */
  next(): boolean {
    if (this.#read === this.#count) return false
    this.#read += 1
    const { bytes } = this
    this.position = this.#recordEnd
    const length = readVarint(bytes, this, bytes.length)
    const end = this.position + length
    if (length < 0 || end > bytes.length) throw this.#corrupt('its length')
    this.position += 1 // attributes: none are defined
    const timestampDelta = readVarlong(bytes, this, end)
    this.offset = this.#baseOffset + readVarint(bytes, this, end)
    this.timestamp = this.#appendTime ?? this.#baseTimestamp + timestampDelta
    const keyBytes = readVarint(bytes, this, end)
    if (keyBytes < 0) this.keyStart = this.keyEnd = -1
    else {
      this.keyStart = this.position
      this.keyEnd = this.position += keyBytes
      if (this.position > end) throw this.#corrupt('its key')
    }
    const valueBytes = readVarint(bytes, this, end)
    if (valueBytes < 0) this.valueStart = this.valueEnd = -1
    else {
      this.valueStart = this.position
      this.valueEnd = this.position += valueBytes
      if (this.position > end) throw this.#corrupt('its value')
    }
    this.headerCount = readVarint(bytes, this, end)
    // A header takes two bytes at the least.
    if (this.headerCount < 0 || this.headerCount * 2 > end - this.position) throw this.#corrupt('its headers')
    this.#headersAt = this.position
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

  #corrupt(what: string): MillraceError {
    return new MillraceError(
      'CORRUPT_BATCH',
      `Record ${this.#read - 1} of the batch at offset ${this.#baseOffset} is damaged: ${what} runs past the end.`,
    )
  }
}
