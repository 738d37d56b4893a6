/** A partition to compact, in a log on a simulated disk. */
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { BatchBuilder, readBatches, type BatchStamp } from '../../wire/index.ts'
import { dataPath, openDirectory } from '../log.test-support.ts'
import type { Partition } from './partition.ts'

type Pair = readonly [key: string | null, value: string | null]

export function batchOf(pairs: readonly Pair[], stamp: BatchStamp = {}): Uint8Array {
  const builder = new BatchBuilder({ initialBytes: 256 })
  for (const [key, value] of pairs) builder.append(0, key, value)
  return builder.build(stamp)
}

/** Every batch: its offsets, and what is left of its records. */
export async function batchesOf(partition: Partition): Promise<string[]> {
  const found: string[] = []
  for (let offset = partition.logStartOffset; offset < partition.logEndOffset;) {
    const result = await partition.read(offset, { maxBytes: 1, isolation: 'read_uncommitted' })
    for (const batch of readBatches(result.batches)) {
      const keys: string[] = []
      for (const cursor = batch.records(); cursor.next();)
        keys.push(`${cursor.offset}=${Buffer.from(cursor.key() ?? []).toString('latin1')}`)
      found.push(
        `${batch.baseOffset}-${batch.lastOffset}${batch.isControl ? ' marker' : ''}: ${keys.join(' ')}`,
      )
    }
    offset = result.nextOffset
  }
  return found
}

export async function world(deleteRetentionMs = 1000): Promise<{
  clock: ReturnType<typeof virtualClock>
  partition: Partition
  disk: SimulatedDisk
  roll: () => Promise<void>
  reopen: (whileClosed?: () => void | Promise<void>) => Promise<Partition>
  reopenWithout: (files: RegExp) => Promise<Partition>
}> {
  const disk = new SimulatedDisk()
  const clock = virtualClock(1_000_000)
  const options = { clock, segmentBytes: 700, deleteRetentionMs }
  let log = await openDirectory(disk, options)
  let partition = await log.createPartition('prices', 0)
  let rolls = 0
  const reopen = async (whileClosed: () => void | Promise<void> = () => undefined): Promise<Partition> => {
    await log.close()
    await whileClosed()
    log = await openDirectory(disk, options)
    partition = log.partition('prices', 0)!
    return partition
  }
  return {
    disk,
    clock,
    partition,
    /** Fills the active segment, so that everything before can be compacted. */
    roll: async () => {
      rolls += 1
      await partition.append(batchOf([[`roll ${rolls}`, 'x'.repeat(620)]])).durable
    },
    reopen,
    /** These derived files are lost. */
    reopenWithout: files =>
      reopen(async () => {
        const folder = `${dataPath}/prices-0`
        for (const name of await disk.list(folder))
          if (files.test(name)) await disk.remove(`${folder}/${name}`)
      }),
  }
}
