/**
 * wire: Kafka's protocol as data. The record batch is the one form that records have on disk, in memory and
 * on the wire. Each request and its response has a definition in `messages/`, from which its types and its
 * codec derive.
 */
export { BatchBuilder, type BatchStamp, type RecordField, type RecordHeader } from './batch-builder.ts'
export { recompress, setTimes } from './batch-rewrite.ts'
export { controlBatch, controlMarkerOf } from './control-batch.ts'
export { emptyBatch, keepRecords, rewriteBatch } from './compacted-batch.ts'
export { batchHeaderBytes, readInt64, writeInt64 } from './layout.ts'
export {
  assignOffsets,
  batchSizeAt,
  decompressedBytesMax,
  firstOffsetOf,
  framingProblemAt,
  lastOffsetOf,
  readBatches,
  RecordBatch,
} from './record-batch.ts'
export { ownedHeader, RecordCursor } from './record-cursor.ts'
export { recordSizeBound, singleBatchBytes } from './record-size.ts'
export { isVersionIn, versionsOf, type Definition, type Structure } from './definition.ts'
export type { Decoded, Request, RequestInput, Response, ResponseInput } from './message-types.ts'
export {
  correlationIdOf,
  readRequest,
  readRequestHeader,
  readResponse,
  requestFrame,
  responseFrame,
  type RequestHeader,
} from './codec/message-frame.ts'
export { zeroUuid } from './codec/field-plan.ts'
export * as messages from './messages/index.ts'
export { encodeStructure, encodeVersioned, readStructure, structureReader } from './codec/structure-codec.ts'
export * from './structures/index.ts'
