import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../../test/for-seeds.ts'
import { fromUtf8, utf8 } from '../../base/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { readCheckpoint, writeCheckpoint } from './checkpoint.ts'
import { logStartsName, recoveryPointsName } from '../files/file-names.ts'

const path = '/data/recovery-point-offset-checkpoint'
const lines = [
  { topic: 'flights', index: 0, offset: 8_839_201 },
  { topic: 'a-1', index: 12, offset: 0 },
]

async function diskWith(text?: string): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk()
  await disk.makeDirectory('/data')
  if (text !== undefined) disk.setContent(path, fromUtf8(text))
  return disk
}

test("what is written is read again, in Kafka's form", async () => {
  const disk = await diskWith()
  await writeCheckpoint(disk, '/data', recoveryPointsName, lines)
  equal(utf8(disk.contentOf(path)!), '0\n2\nflights 0 8839201\na-1 12 0\ncheck d34a0b1c\n')
  const { state, offsets } = await readCheckpoint(disk, '/data', recoveryPointsName)
  equal(state, 'good')
  deepEqual(
    [...offsets],
    [
      ['flights-0', 8_839_201],
      ['a-1-12', 0],
    ],
  )
})

test('a file that is not there says nothing', async () => {
  equal((await readCheckpoint(await diskWith(), '/data', logStartsName)).state, 'missing')
})

test('a file without a check line, which millrace 0.1.0 and Apache Kafka write, says that it is unchecked', async () => {
  const { state, offsets } = await readCheckpoint(
    await diskWith('0\n1\nflights 0 12\n'),
    '/data',
    recoveryPointsName,
  )
  deepEqual([state, offsets.get('flights-0')], ['unchecked', 12])
})

test('one bit changed is noticed', async () => {
  const disk = await diskWith()
  await writeCheckpoint(disk, '/data', recoveryPointsName, lines)
  const bytes = disk.contentOf(path)!
  for (let bit = 0; bit < bytes.length * 8; bit += 1) {
    const changed = Uint8Array.from(bytes)
    changed[bit >> 3]! ^= 1 << (bit & 7)
    disk.setContent(path, changed)
    equal((await readCheckpoint(disk, '/data', recoveryPointsName)).state, 'damaged', `bit ${bit}`)
  }
})

test('a file that makes no sense is damaged, and not guessed at', async () => {
  const check = async (text: string): Promise<void> =>
    equal((await readCheckpoint(await diskWith(text), '/data', recoveryPointsName)).state, 'damaged')
  await check('')
  await check('\0\0\0\0')
  await check('1\n0\n')
  await check('0\n2\nflights 0 1\n')
  await check('0\n1\nflights 0\n')
  await check('0\n1\nflights 0 -1\n')
  await check('0\n1\nflights 0 12x\n')
})

test('after a crash at any call it is the old one or the new one', () =>
  forSeeds(
    2000,
    async (random, seed) => {
      const disk = new SimulatedDisk({ random })
      await disk.makeDirectory('/data')
      await writeCheckpoint(disk, '/data', recoveryPointsName, [{ topic: 'a', index: 0, offset: 1 }])
      const second = writeCheckpoint(disk.session(), '/data', recoveryPointsName, [
        { topic: 'a', index: 0, offset: 2 },
      ])
      for (let turns = seed % 30; turns > 0; turns -= 1) await Promise.resolve()
      disk.crash()
      await second.catch(() => undefined)
      return (await readCheckpoint(disk, '/data', recoveryPointsName)).offsets.get('a-0')
    },
    offsets => deepEqual(new Set(offsets), new Set([1, 2])),
  ))
