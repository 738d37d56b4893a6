/** The size of a record in a batch, known before it is written. */
import { sizeOfVarint } from '../base/index.ts'
import type { RecordField, RecordHeader } from './batch-builder.ts'
import { batchHeaderBytes } from './layout.ts'

/** Upper bounds of the bytes of a record's fields, and of a header's, without their content. */
const fieldBytesMax = 48
/** A text of this many characters is measured, not estimated. */
const measuredFrom = 1024

/** An upper bound of a record's bytes in a batch. Short text is estimated, not measured. */
export function recordSizeBound(
  key: RecordField,
  value: RecordField,
  headers: readonly RecordHeader[] | undefined,
): number {
  let bytes = fieldBytesMax + sizeBound(key) + sizeBound(value)
  if (headers !== undefined)
    for (const header of headers) bytes += fieldBytesMax + sizeBound(header.key) + sizeBound(header.value)
  return bytes
}

/** Bytes of a batch that holds this record alone, before compression. */
export function singleBatchBytes(
  key: RecordField,
  value: RecordField,
  headers: readonly RecordHeader[] | undefined,
): number {
  // Attributes, and deltas of zero.
  let body = 3 + sizeOf(key) + sizeOf(value) + sizeOfVarint(headers?.length ?? 0)
  if (headers !== undefined) for (const header of headers) body += sizeOf(header.key) + sizeOf(header.value)
  return batchHeaderBytes + sizeOfVarint(body) + body
}

/** With its length in front. */
function sizeOf(field: RecordField): number {
  if (field === null) return 1
  const bytes = typeof field === 'string' ? Buffer.byteLength(field) : field.length
  return sizeOfVarint(bytes) + bytes
}

/** UTF-8 takes at most three bytes per UTF-16 unit. */
function sizeBound(field: RecordField): number {
  if (field === null) return 0
  if (typeof field !== 'string') return field.length
  return field.length < measuredFrom ? field.length * 3 : Buffer.byteLength(field)
}
