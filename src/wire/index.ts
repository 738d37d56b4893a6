/**
 * wire: Kafka's protocol as data. So far the record batch, the one form that records have on disk, in memory
 * and on the wire.
 */
export { BatchBuilder, type BatchStamp, type RecordField, type RecordHeader } from './batch-builder.ts'
export { recompress, setTimes } from './batch-rewrite.ts'
export { controlBatch, controlMarkerOf } from './control-batch.ts'
export { FieldReader, FieldWriter, type TaggedField } from './fields.ts'
export { emptyBatch, keepRecords, rewriteBatch } from './compacted-batch.ts'
export { batchHeaderBytes, readInt64, writeInt64 } from './layout.ts'
export { assignOffsets, batchSizeAt, decompressedBytesMax, readBatches, RecordBatch } from './record-batch.ts'
export { ownedHeader, RecordCursor } from './record-cursor.ts'
export { recordSizeBound, singleBatchBytes } from './record-size.ts'
