import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { diskConformance } from './disk-conformance.test-support.ts'
import { MemoryDisk } from './memory-disk.ts'

const mebi = 1024 * 1024

for (const { name, run } of diskConformance(async () => {
  const disk = new MemoryDisk({ capacityBytes: 64 * mebi })
  await disk.makeDirectory('/root')
  return { disk, root: '/root' }
}))
  test(`in memory: ${name}`, run)

test('a full disk is short first, then ENOSPC; what is removed, cut or replaced makes room', async () => {
  const disk = new MemoryDisk({ capacityBytes: mebi })
  const file = await disk.open('a', 'create')
  const block = Buffer.alloc(700_000, 7)
  equal(await file.write([block, block], 0), mebi)
  equal(disk.leftBytes, 0)
  await rejects(file.write([block], mebi), { code: 'ENOSPC' })
  await rejects(file.truncate(mebi + 1), { code: 'ENOSPC' })
  equal(await file.write([block], 0), block.length)

  await file.truncate(100_000)
  equal(disk.leftBytes, mebi - 2 * 64 * 1024)
  const other = await disk.open('b', 'create')
  equal(await other.write([Buffer.from('small')], 0), 5)
  await disk.rename('b', 'a')
  equal(disk.leftBytes, mebi - 4096)
  // What nobody finds takes nothing of the capacity.
  equal(await file.write([block], 0), block.length)
  equal(disk.leftBytes, mebi - 4096)
  await disk.remove('a')
  equal(disk.leftBytes, mebi)
  deepEqual(await disk.list('/'), [])
})

test('small files take little, and grow to their size', async () => {
  const disk = new MemoryDisk({ capacityBytes: mebi })
  const file = await disk.open('a', 'create')
  const sizes: number[] = []
  for (const size of [1, 4096, 4097, 10_000, 65_536, 65_537]) {
    await file.write([Buffer.alloc(1)], size - 1)
    sizes.push((mebi - disk.leftBytes) / 1024)
  }
  deepEqual(sizes, [4, 4, 8, 16, 64, 128])
})
