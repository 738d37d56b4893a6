import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedDisk } from '../testing/simulated-disk.ts'
import { CutOffsets } from './cut-offsets.ts'
import { MetadataFile } from './metadata.ts'
import { offsetsTopic } from './topic-names.ts'

/** A start over a partition that a repair has cut; a transaction was committed up to `endOffset`. */
interface Start {
  readonly cutAt?: number
  readonly logEndOffset: number
  readonly endOffset?: number
}

async function world() {
  const disk = new SimulatedDisk()
  await disk.makeDirectory('/data')
  return async ({ cutAt, logEndOffset, endOffset = 0 }: Start) => {
    const metadata = await MetadataFile.open(disk, '/data')
    const partition = { failure: undefined, logEndOffset, config: cutAt === undefined ? {} : { cutAt } }
    const partitions = [{ topic: offsetsTopic, partition: 0, firstOffset: 0, endOffset }]
    const cut = await CutOffsets.open(metadata, partition, [{ partitions }])
    const isRefused = (group: string): boolean => {
      try {
        cut.check(group)
        return false
      } catch {
        return true
      }
    }
    return { settle: (group: string) => cut.settle(group), refused: ['g', 'h'].filter(isRefused) }
  }
}

test('each loss refuses all groups once: those that are settled stay so at later starts', async () => {
  const start = await world()
  deepEqual((await start({ logEndOffset: 200, endOffset: 200 })).refused, [])
  const repaired = { cutAt: 100, logEndOffset: 100 }
  const first = await start(repaired)
  deepEqual(first.refused, ['g', 'h'])
  await first.settle('g')
  deepEqual((await start(repaired)).refused, ['h'])
  const second = await start({ cutAt: 100, logEndOffset: 150, endOffset: 160 })
  deepEqual(second.refused, ['g', 'h'])
  await second.settle('g')
  deepEqual((await start({ cutAt: 100, logEndOffset: 170 })).refused, ['h'])
  deepEqual((await start({ cutAt: 120, logEndOffset: 120 })).refused, ['g', 'h'])
})
