/**
 * Control batches: the markers that end a transaction in a partition (KIP-98).
 *
 * One record. Key: version (int16, 0), type (int16: 0 abort, 1 commit). Value: version (int16, 0),
 * coordinator epoch (int32).
 */
import { BatchBuilder } from './batch-builder.ts'
import type { RecordBatch } from './record-batch.ts'

export interface TransactionMarker {
  readonly type: 'commit' | 'abort'
  readonly producerId: number
  readonly producerEpoch: number
  readonly coordinatorEpoch: number
  readonly timestamp: number
}

export function controlBatch(marker: TransactionMarker & { readonly baseOffset?: number }): Uint8Array {
  const key = Buffer.alloc(4)
  key.writeInt16BE(marker.type === 'commit' ? 1 : 0, 2)
  const value = Buffer.alloc(6)
  value.writeInt32BE(marker.coordinatorEpoch, 2)
  const builder = new BatchBuilder({ initialBytes: 128 })
  builder.append(marker.timestamp, key, value)
  return builder.build({
    producerId: marker.producerId,
    producerEpoch: marker.producerEpoch,
    transactional: true,
    control: true,
    baseOffset: marker.baseOffset ?? 0,
  })
}

/**
 * The content of a control batch. Undefined for types that do not end a transaction (a leader change, say).
 */
export function controlMarkerOf(
  batch: RecordBatch,
): { readonly type: 'commit' | 'abort'; readonly coordinatorEpoch: number } | undefined {
  if (!batch.isControl) return undefined
  const cursor = batch.records()
  if (!cursor.next()) return undefined
  const { bytes, keyStart, keyEnd, valueStart, valueEnd } = cursor
  if (keyEnd - keyStart < 4) return undefined
  const type = bytes.readInt16BE(keyStart + 2)
  if (type !== 0 && type !== 1) return undefined
  return {
    type: type === 1 ? 'commit' : 'abort',
    coordinatorEpoch: valueEnd - valueStart >= 6 ? bytes.readInt32BE(valueStart + 2) : -1,
  }
}
