/** Batches from outside for the tests of admission: sound ones, changed ones, and what becomes of them. */
import { throws } from 'node:assert/strict'
import { crc32c, isMillraceError, type ErrorCode } from '../../base/index.ts'
import { settingsDefault, type PartitionSettings } from '../../log/index.ts'
import { batchOf } from '../../log/log.test-support.ts'
import { RecordBatch } from '../../wire/index.ts'
import { admit } from './admission.ts'

/** Where the fields of a batch are. */
export const at = {
  baseOffset: 0,
  length: 8,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  count: 57,
  records: 61,
}
export const now = 1_000_000

export function three(): Uint8Array {
  return batchOf(['a', 'bb', 'ccc'], { producerId: 5, producerEpoch: 0, baseSequence: 0, timestamp: 1000 })
}

/** A batch that was changed, and whose checksum says that it was built like that. */
export function changed(change: (batch: Buffer) => void, sound: Uint8Array = three()): Buffer {
  const batch = Buffer.from(sound)
  change(batch)
  batch.writeUInt32BE(crc32c(batch.subarray(at.attributes)), at.crc)
  return batch
}

export function admitted(
  bytes: Uint8Array,
  settings: Partial<PartitionSettings> = {},
  decompressedBytesMax?: number,
): RecordBatch {
  const partition = { name: 'flights-0', settings: { ...settingsDefault, ...settings } }
  const options = decompressedBytesMax === undefined ? { now } : { now, decompressedBytesMax }
  return new RecordBatch(admit(Uint8Array.from(bytes), partition, options))
}

export function refuses(code: ErrorCode, bytes: Uint8Array, settings: Partial<PartitionSettings> = {}): void {
  throws(
    () => admitted(bytes, settings),
    (error: unknown) => {
      if (!isMillraceError(error, code)) throw new Error(`expected ${code}`, { cause: error })
      return error.message.startsWith('flights-0: ')
    },
  )
}
