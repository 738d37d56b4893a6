import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import {
  deletedFolder,
  isLeftOver,
  newFolder,
  parsePartitionFolder,
  parseSegmentFile,
  partitionFolder,
  segmentFile,
} from './file-names.ts'
import { failsWith } from '../log.test-support.ts'

const longest = 'x'.repeat(249)

test("a partition's folder says which it is", async () => {
  const check = (topic: string, index: number, folder: string): void => {
    equal(partitionFolder(topic, index), folder)
    deepEqual(parsePartitionFolder(folder), { topic, index })
  }
  check('flights', 0, 'flights-0')
  check('flights-1', 23, 'flights-1-23')
  check('a.b', 0x7fff_ffff, 'a.b-2147483647')
  check(longest, 1, `${longest}-1`)
  for (const index of [-1, 0.5, 2 ** 31, Number.NaN])
    await failsWith('INVALID_ARGUMENT', () => partitionFolder('flights', index))
})

test('any other name is not a partition', () => {
  for (const name of [
    'flights',
    'flights-',
    'flights-01',
    'flights-x',
    '-0',
    '..-0',
    'a b-0',
    'flights-2147483648',
    'flights-0~new',
  ])
    equal(parsePartitionFolder(name), undefined, name)
})

test('a folder in the making, or being removed, is neither a partition nor too long a name', () => {
  for (const mark of [newFolder, deletedFolder])
    for (const folder of ['flights-0', partitionFolder(longest, 2_000_000_000)]) {
      ok(isLeftOver(mark(folder, 1_000_000)))
      ok(mark(folder, 1_000_000).length <= 255)
      equal(parsePartitionFolder(mark(folder, 1_000_000)), undefined)
    }
  equal(isLeftOver('flights-0'), false)
})

test("a segment's files are named after its first offset, sorted as numbers sort", () => {
  const check = (offset: number, name: string): void => {
    equal(segmentFile(offset, 'log'), name)
    deepEqual(parseSegmentFile(name), { offset, extension: 'log' })
  }
  check(0, '00000000000000000000.log')
  check(42, '00000000000000000042.log')
  check(Number.MAX_SAFE_INTEGER, '00009007199254740991.log')
  for (const name of ['42.log', '00000000000000000042.log.cut-57', '00000000000000000042.tmp', 'config.json'])
    equal(parseSegmentFile(name), undefined, name)
})
