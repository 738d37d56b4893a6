/** What a record takes in a batch, said before it is written into one. */
import { sizeOfVarint } from '../base/index.ts'
import type { RecordHeader } from './batch-builder.ts'
import { batchHeaderBytes } from './layout.ts'

/** Bytes of a record's fields, and of a header's, beside what they hold: more than there can be. */
const fieldBytesMax = 48
/** Characters from which on a text is measured, not estimated. */
const measuredFrom = 1024

type Field = string | Uint8Array | null

/** Bytes that a record takes in a batch, at the most: exact measuring is left out where text is short. */
export function recordSizeBound(
  key: Field,
  value: Field,
  headers: readonly RecordHeader[] | undefined,
): number {
  let bytes = fieldBytesMax + sizeBound(key) + sizeBound(value)
  if (headers !== undefined)
    for (const header of headers) bytes += fieldBytesMax + sizeBound(header.key) + sizeBound(header.value)
  return bytes
}

/** Bytes of a batch that holds this record alone, before compression. */
export function singleBatchBytes(
  key: Field,
  value: Field,
  headers: readonly RecordHeader[] | undefined,
): number {
  // Attributes, and deltas of zero.
  let body = 3 + sizeOf(key) + sizeOf(value) + sizeOfVarint(headers?.length ?? 0)
  if (headers !== undefined) for (const header of headers) body += sizeOf(header.key) + sizeOf(header.value)
  return batchHeaderBytes + sizeOfVarint(body) + body
}

/** With its length in front. */
function sizeOf(field: Field): number {
  if (field === null) return 1
  const bytes = typeof field === 'string' ? Buffer.byteLength(field) : field.length
  return sizeOfVarint(bytes) + bytes
}

/** UTF-8 takes three bytes for a character at the most. */
function sizeBound(field: Field): number {
  if (field === null) return 0
  if (typeof field !== 'string') return field.length
  return field.length < measuredFrom ? field.length * 3 : Buffer.byteLength(field)
}
