import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { cleanableRange, needsCleaning, type CleanableRange } from './cleanable.ts'
import { groupSegments } from './groups.ts'

const settings = {
  segmentBytes: 100,
  deleteRetentionMs: 0,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Infinity,
  minCleanableDirtyRatio: 0.5,
}
/** Ten offsets each; the timestamps are the offsets. */
const segments = [0, 10, 20, 30].map(baseOffset => ({
  baseOffset,
  nextOffset: baseOffset + 10,
  sizeBytes: 100,
}))
const times = {
  largest: async ({ nextOffset }: { nextOffset: number }) => nextOffset - 1,
  first: async ({ baseOffset }: { baseOffset: number }) => baseOffset,
}

const range = (
  cleanedTo: number,
  limitOffset: number,
  changed: Partial<typeof settings> = {},
  nowMs = 40,
): Promise<CleanableRange | undefined> =>
  cleanableRange(segments, cleanedTo, limitOffset, { ...settings, ...changed }, times, nowMs)

test('ends before the active segment, undecided records, and records that are too young', async () => {
  equal((await range(0, 40))?.endOffset, 30)
  equal((await range(0, 29))?.endOffset, 20)
  equal((await range(0, 40, { minCompactionLagMs: 15 }))?.endOffset, 20)
  equal(await range(0, 5), undefined)
  equal(await range(30, 40), undefined)
})

test('is due for its share of dirty bytes, or for a record that waits too long', async () => {
  const half = await range(15, 40)
  deepEqual(half, { dirtyOffset: 15, endOffset: 30, dirtyRatio: 2 / 3, isOverdue: false })
  equal(needsCleaning(half, settings), true)
  const third = await range(20, 40)
  equal(needsCleaning(third!, settings), false)
  const overdue = await range(20, 40, { maxCompactionLagMs: 19 })
  equal(needsCleaning(overdue!, settings), true)
})

test('groups segments up to the size of one, and to what an index can address', () => {
  const sized = (...sizes: number[]): { baseOffset: number; nextOffset: number; sizeBytes: number }[] =>
    sizes.map((sizeBytes, n) => ({ baseOffset: n * 2 ** 30, nextOffset: (n + 1) * 2 ** 30, sizeBytes }))
  const sizes = (...given: number[]): number[][] =>
    groupSegments(sized(...given), 100).map(group => group.map(({ sizeBytes }) => sizeBytes))
  deepEqual(sizes(40, 60, 1), [[40, 60], [1]])
  deepEqual(sizes(150, 10, 10), [[150], [10, 10]])
  deepEqual(sizes(1, 1, 1), [[1, 1], [1]])
  deepEqual(sizes(), [])
})
