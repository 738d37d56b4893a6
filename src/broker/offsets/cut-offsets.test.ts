import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { CutOffsets } from './cut-offsets.ts'
import { MetadataFile } from '../internal/metadata.ts'
import { offsetsTopic } from '../internal/topic-names.ts'

/** A start over a partition that a repair has cut; a transaction was committed up to `endOffset`. */
interface Start {
  readonly cutAt?: number
  readonly cutId?: string
  readonly logEndOffset: number
  readonly endOffset?: number
}

async function world() {
  const disk = new SimulatedDisk()
  await disk.makeDirectory('/data')
  return async ({ cutAt, cutId, logEndOffset, endOffset = 0 }: Start) => {
    const metadata = await MetadataFile.open(disk, '/data')
    const config = { ...(cutAt === undefined ? {} : { cutAt }), ...(cutId === undefined ? {} : { cutId }) }
    const partition = { failure: undefined, logEndOffset, config }
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

test('a second repair at the offset of the first refuses all groups again, also after one without an id', async () => {
  const start = await world()
  // Versions before gave a cut no id.
  for (const cutId of [undefined, '1', '2']) {
    const repaired = { cutAt: 100, ...(cutId === undefined ? {} : { cutId }), logEndOffset: 100 }
    const first = await start(repaired)
    deepEqual(first.refused, ['g', 'h'], `${cutId}`)
    await first.settle('g')
    deepEqual((await start(repaired)).refused, ['h'], `${cutId}`)
  }
})

test('a repair where recovery had cut before refuses all groups again', async () => {
  const start = await world()
  const short = await start({ logEndOffset: 100, endOffset: 110 })
  await short.settle('g')
  deepEqual((await start({ cutAt: 100, cutId: '1', logEndOffset: 100 })).refused, ['g', 'h'])
})
