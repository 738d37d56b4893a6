/** Batches of which any byte, or any field, is wrong. */
import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../../test/for-seeds.ts'
import { compressions, isMillraceError, type ErrorCode, type Random } from '../../base/index.ts'
import { batchOf } from '../../log/log.test-support.ts'
import { admitted, at, changed, refuses, three } from './admission.test-support.ts'

/** Kafka's codes for a refusal: CORRUPT_MESSAGE, UNSUPPORTED_COMPRESSION_TYPE, and those of our names. */
const refusals: readonly ErrorCode[] = [
  'CORRUPT_BATCH',
  'UNSUPPORTED_FORMAT',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
  'RECORD_TOO_LARGE',
]

test('whatever byte of a batch is changed: it is refused, or each record can be read, and its header is true', () => {
  let refused = 0
  for (const compression of compressions) {
    const sound = batchOf(['a'.repeat(30), 'b'.repeat(30), 'ccc'], { compression, timestamp: 1000 })
    for (let byte = 0; byte < sound.length; byte += 1)
      for (const flip of [0x01, 0x80, 0xff])
        if (!isSound(changed(bytes => (bytes[byte]! ^= flip), sound))) refused += 1
  }
  ok(refused > 900, `${refused}`)
})

test('a batch with any fields, of any records, is refused or sound, within the memory that it may take', () =>
  forSeeds(
    20_000,
    random => isSound(randomBatch(random)),
    results => {
      ok(results.includes(true) && results.includes(false))
    },
  ))

test('a batch of which any byte is changed on its way is refused, unless the checksum does not cover it', () => {
  const sound = three()
  for (let byte = at.attributes; byte < sound.length; byte += 1) {
    const batch = Buffer.from(sound)
    batch[byte]! ^= 0x10
    refuses('CORRUPT_BATCH', batch)
  }
})

/** Refused with a code, or a batch that each reader can walk, and whose header says what its records say. */
function isSound(bytes: Uint8Array): boolean {
  let batch
  try {
    batch = admitted(bytes, {}, 50_000)
  } catch (error) {
    if (isMillraceError(error, ...refusals)) return false
    throw error
  }
  ok(batch.isValid())
  equal(batch.baseOffset, 0)
  equal(batch.lastOffset, batch.count - 1)
  let count = 0
  let maxTimestamp = -1
  for (const records = batch.records(); records.next(); count += 1) {
    records.headers()
    equal(records.offset, count)
    maxTimestamp = Math.max(maxTimestamp, records.timestamp)
  }
  equal(count, batch.count)
  equal(maxTimestamp, batch.maxTimestamp)
  return true
}

function randomBatch(random: Random): Buffer {
  const values = Array.from({ length: 1 + random.int(5) }, () => 'v'.repeat(random.int(40)))
  const compression = compressions[random.int(compressions.length)]!
  const sound = batchOf(values, { compression, timestamp: random.int(2000) })
  return changed(batch => {
    const fields = [
      () => batch.writeInt16BE(random.int(65_536) - 32_768, at.attributes),
      () => batch.writeInt32BE(random.int(8) - 2, at.lastOffsetDelta),
      () => batch.writeInt32BE(random.int(2 ** 31), at.count),
      () => batch.writeBigInt64BE(BigInt(random.int(2 ** 31)) ** 2n, at.baseTimestamp),
      () => batch.writeBigInt64BE(BigInt(random.int(10)) - 5n, at.maxTimestamp),
      () => batch.writeBigInt64BE(BigInt(random.int(4)) - 2n, at.producerId),
      () => batch.writeInt16BE(random.int(4) - 2, at.producerEpoch),
      () => batch.writeInt32BE(random.int(4) - 2, at.baseSequence),
      () => batch.writeInt32BE(random.int(2 ** 31), at.length),
      () => (batch[at.records + random.int(batch.length - at.records)] = random.int(256)),
    ]
    for (let n = random.int(3); n > 0; n -= 1) fields[random.int(fields.length)]!()
  }, sound)
}
