import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c, isMillraceError, type ErrorCode } from '../../base/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { readBatches } from '../../wire/index.ts'
import { batchOf, failsWith, openDirectory } from '../log.test-support.ts'
import type { Partition } from './partition.ts'

const [crcAt, attributesAt, recordsAt] = [17, 21, 61]

async function newPartition(): Promise<Partition> {
  return (await openDirectory(new SimulatedDisk())).createPartition('flights', 0)
}

/** A batch of three records that was changed, and whose checksum says that it was built like that. */
function changed(change: (batch: Buffer) => void, sound: Uint8Array = three()): Buffer {
  const batch = Buffer.from(sound)
  change(batch)
  batch.writeUInt32BE(crc32c(batch.subarray(attributesAt)), crcAt)
  return batch
}

/** Walks through all that is there. */
async function countOf(partition: Partition): Promise<number> {
  const { batches } = await partition.read(0, { maxBytes: 1 << 20, isolation: 'read_uncommitted' })
  let count = 0
  for (const batch of readBatches(batches))
    for (const records = batch.records(); records.next(); count += 1) records.headers()
  return count
}

function three(): Uint8Array {
  return batchOf(['a', 'bb', 'ccc'], { producerId: 5, producerEpoch: 0, baseSequence: 0, timestamp: 1000 })
}

test('a batch from outside whose records or header cannot be is refused, and leaves nothing', async () => {
  const partition = await newPartition()
  const check = (change: (batch: Buffer) => void, code: ErrorCode = 'INVALID_ARGUMENT'): Promise<void> =>
    failsWith(code, () => partition.append(changed(change)))
  await check(batch => batch.fill(0xff, recordsAt), 'CORRUPT_BATCH')
  await check(batch => batch.writeBigInt64BE(2n ** 62n, 35))
  await check(batch => batch.writeBigInt64BE(2n ** 62n, 27))
  await check(batch => batch.writeBigInt64BE(-2n, 35))
  // The largest timestamp is 1002.
  await check(batch => batch.writeBigInt64BE(1003n, 35))
  await check(batch => batch.writeBigInt64BE(1001n, 35))
  await check(batch => batch.writeBigInt64BE(-1n, 43))
  await check(batch => batch.writeBigInt64BE(-7n, 43))
  await check(batch => batch.writeInt16BE(-1, 51))
  await check(batch => batch.writeInt32BE(-1, 53))
  // More and fewer records than there are.
  for (const [count, code] of [
    [4, 'CORRUPT_BATCH'],
    [2, 'INVALID_ARGUMENT'],
  ] as const)
    await check(batch => {
      batch.writeInt32BE(count - 1, 23)
      batch.writeInt32BE(count, 57)
    }, code)
  equal(partition.logEndOffset, 0)
  equal(partition.largestProducerId, -1)
  await partition.append(three()).durable
})

test('whatever byte of it is changed: it is refused, or every record can be read and found by its time', async () => {
  let refused = 0
  for (const compression of ['none', 'gzip'] as const) {
    const sound = batchOf(['a', 'bb', 'ccc'], { compression, timestamp: 1000 })
    for (let at = attributesAt; at < sound.length; at += 1)
      for (const flip of [0x01, 0x80, 0xff]) {
        const partition = await newPartition()
        const batch = changed(bytes => (bytes[at]! ^= flip), sound)
        const maxTimestamp = Number(batch.readBigInt64BE(35))
        try {
          await partition.append(batch).durable
        } catch (error) {
          ok(isMillraceError(error), String(error))
          equal(partition.logEndOffset, 0)
          refused += 1
          continue
        }
        equal(await countOf(partition), partition.logEndOffset)
        equal((await partition.offsetForTimestamp(maxTimestamp))?.timestamp, maxTimestamp, `byte ${at}`)
      }
  }
  ok(refused > 200, `${refused}`)
})

test('what millrace builds itself is not walked through again', async () => {
  const partition = await newPartition()
  // Only a header that does not let it be walked would show.
  partition.append(
    changed(batch => batch.fill(0xff, recordsAt)),
    'built',
  )
  equal(partition.logEndOffset, 3)
})
