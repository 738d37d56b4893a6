/**
 * Appending to the log and reading from it in process, 200-byte records, against loops that do the least that such work can be done with: encode a record
 * batch, checksum it, write it, fdatasync once per MiB; read the file, walk over its records, parse each value.
 */
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { openLog } from '../src/index.ts'
import { assignOffsets, BatchBuilder, readBatches } from '../src/wire/index.ts'
import type { Benchmark } from './benchmark.ts'
import { readAll } from './read-all.ts'

const records = 1_000_000
const batchBytes = 64 * 1024
const syncBytes = 1024 * 1024
const value = JSON.stringify({ id: 'b2f3c9', from: 'DFW', to: 'ORD', delay: 42, note: 'x'.repeat(130) })

export const appendRead: Benchmark = {
  name: 'append',
  async prepare(folder) {
    const log = await openLog(join(folder, 'log'))
    const { port } = log
    let runs = 0
    const append = async (): Promise<number> => {
      const topic = `append-${(runs += 1)}`
      await port.createTopic(topic, { partitions: 1 })
      const writer = await port.openWriter()
      const under: Promise<unknown>[] = []
      for (const batch of batches()) {
        under.push(writer.append(topic, 0, batch))
        // Eight batches of 64 KiB under way: the next sync is shared by what came meanwhile.
        if (under.length >= 16) await under.shift()
      }
      await Promise.all(under)
      await writer.close()
      const end = await port.offsets(topic, 0, 'latest')
      if (runs > 1) await port.deleteTopic(`append-${runs - 1}`)
      return end
    }
    const appendByHand = async (): Promise<number> => {
      const file = await open(join(folder, 'by-hand.log'), 'w')
      let offset = 0
      let position = 0
      let unsynced = 0
      for (const batch of batches()) {
        const { count } = batch
        const bytes = batch.build()
        assignOffsets(bytes, offset, 0)
        offset += count
        await file.write(bytes, 0, bytes.length, position)
        position += bytes.length
        unsynced += bytes.length
        if (unsynced >= syncBytes) {
          await file.datasync()
          unsynced = 0
        }
      }
      await file.datasync()
      await file.close()
      return offset
    }

    await port.createTopic('read', { partitions: 1 })
    const writer = await port.openWriter()
    for (const batch of batches()) await writer.append('read', 0, batch)
    await writer.close()
    const parsed = (batch: ReturnType<typeof readBatches>[number]): number => {
      let sum = 0
      for (const cursor = batch.records(); cursor.next();)
        sum += (JSON.parse(cursor.bytes.utf8Slice(cursor.valueStart, cursor.valueEnd)) as { delay: number })
          .delay
      return sum
    }
    const read = async (): Promise<number> => {
      let sum = 0
      await readAll(log, 'read', 0, ({ batch }) => {
        sum += parsed(batch)
      })
      return sum
    }
    const readByHand = async (): Promise<number> => {
      const file = await open(join(folder, 'by-hand.log'), 'r')
      const buffer = Buffer.allocUnsafe(syncBytes)
      let sum = 0
      for (let position = 0; ;) {
        const { bytesRead } = await file.read(buffer, 0, buffer.length, position)
        const found = readBatches(buffer.subarray(0, bytesRead))
        if (found.length === 0) break
        for (const batch of found) {
          sum += parsed(batch)
          position += batch.sizeBytes
        }
      }
      await file.close()
      return sum
    }
    return {
      comparisons: [
        {
          name: 'append 200 B, synced before acknowledged',
          records,
          ours: { name: 'millrace', run: append },
          theirs: { name: 'encode + CRC + write, fdatasync per MiB', run: appendByHand },
          reach: 0.5,
        },
        {
          name: 'read 200 B, JSON',
          records,
          ours: { name: 'millrace', run: read },
          theirs: { name: 'read + walk + JSON.parse of the same batches', run: readByHand },
          reach: 0.85,
        },
      ],
      dispose: () => log.close(),
    }
  },
}

/** The records, in builders of 64 KiB. */
function* batches(): Iterable<BatchBuilder> {
  let batch = new BatchBuilder({ initialBytes: batchBytes + 1024 })
  for (let n = 0; n < records; n += 1) {
    batch.appendText(1_000_000_000_000 + n, null, value)
    if (batch.sizeBytes < batchBytes) continue
    yield batch
    batch = new BatchBuilder({ initialBytes: batchBytes + 1024 })
  }
  if (batch.count > 0) yield batch
}
