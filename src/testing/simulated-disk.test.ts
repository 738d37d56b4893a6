import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../base/index.ts'
import { SimulatedDisk } from './simulated-disk.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)

async function fileWith(disk: SimulatedDisk, content: string, sync: boolean) {
  await disk.makeDirectory('/d')
  const file = await disk.open('/d/f', 'create')
  await file.write([bytes(content)], 0)
  if (sync) await file.sync()
  return file
}

test('what was synced, under a synced name, survives every crash', async () => {
  for (let seed = 0; seed < 50; seed += 1) {
    const disk = new SimulatedDisk({ random: seededRandom(seed) })
    await fileWith(disk, 'safe', true)
    await disk.syncDirectory('/d')
    disk.crash()
    equal(Buffer.from(disk.contentOf('/d/f')!).toString(), 'safe')
  }
})

test('what was not synced is kept, lost or torn; a name, too', async () => {
  const seen = new Set<string>()
  for (let seed = 0; seed < 300; seed += 1) {
    const disk = new SimulatedDisk({ random: seededRandom(seed) })
    await fileWith(disk, 'x'.repeat(600), false)
    if (seed % 2) await disk.syncDirectory('/d')
    disk.crash()
    const content = disk.contentOf('/d/f')
    if (!content) {
      equal(seed % 2, 0, 'a synced name stays')
      seen.add('no name')
    } else if (content.every(byte => byte === 120))
      seen.add(content.length === 600 ? 'kept' : content.length === 0 ? 'lost' : 'cut')
    else seen.add('torn')
  }
  deepEqual([...seen].sort(), ['cut', 'kept', 'lost', 'no name', 'torn'])
})

test('failures happen when planned, once or for good', async () => {
  const disk = new SimulatedDisk()
  const file = await fileWith(disk, 'a', true)
  disk.failCall({ call: 2, kind: 'EIO', times: 'once' })
  await file.sync()
  await rejects(file.sync(), { code: 'EIO' })
  await file.sync()
  disk.failCall({ call: 1, kind: 'short', times: 'forever' })
  equal(await file.write([bytes('abcdef')], 0), 3)
  equal(await file.write([bytes('abcdef')], 0), 3)
})

test('a full disk is short first, then ENOSPC; overwriting needs no room', async () => {
  const disk = new SimulatedDisk({ capacityBytes: 10 })
  const file = await fileWith(disk, '12345678', true)
  equal(await file.write([bytes('abcd')], 8), 2)
  await rejects(file.write([bytes('e')], 10), { code: 'ENOSPC' })
  equal(await file.write([bytes('abcd')], 0), 4)
})

test('a lock is held until released or until a crash, and files open before it are gone', async () => {
  const disk = new SimulatedDisk()
  const first = await disk.lock('/l', 'first')
  deepEqual(await disk.lock('/l', 'second'), { heldBy: 'first' })
  ok('release' in first)
  const file = await fileWith(disk, 'a', true)
  disk.crash()
  ok('release' in (await disk.lock('/l', 'second')))
  await rejects(file.sync(), { code: 'EBADF' })
})
