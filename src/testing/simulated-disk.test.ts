import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../test/for-seeds.ts'
import { diskConformance } from '../base/disk-conformance.test-support.ts'
import { seededRandom } from '../base/index.ts'
import { SimulatedDisk } from './simulated-disk.ts'

for (const { name, run } of diskConformance(async () => {
  const disk = new SimulatedDisk()
  await disk.makeDirectory('/root')
  return { disk, root: '/root' }
}))
  test(`simulated: ${name}`, run)

const bytes = (text: string): Uint8Array => Buffer.from(text)

/** All of these came out of the seeds, and nothing else. */
function met(...outcomes: readonly unknown[]): (results: readonly unknown[]) => void {
  return results => deepEqual(new Set(results), new Set(outcomes))
}

function oftenLost(results: readonly boolean[]): void {
  const lost = results.filter(Boolean).length
  ok(lost > results.length / 5, `${lost} lost`)
}

async function fileWith(disk: SimulatedDisk, content: string, sync: boolean) {
  await disk.makeDirectory('/d')
  const file = await disk.open('/d/f', 'create')
  await file.write([bytes(content)], 0)
  if (sync) await file.sync()
  return file
}

test('synced bytes under a synced name survive every crash', () =>
  forSeeds(500, async random => {
    const disk = new SimulatedDisk({ random })
    await fileWith(disk, 'safe', true)
    await disk.syncDirectory('/d')
    disk.crash()
    equal(Buffer.from(disk.contentOf('/d/f')!).toString(), 'safe')
  }))

test('unsynced bytes are kept, lost or torn, and unsynced names kept or lost', () =>
  forSeeds(
    3000,
    async (random, seed) => {
      const disk = new SimulatedDisk({ random })
      await fileWith(disk, 'x'.repeat(600), false)
      if (seed % 2) await disk.syncDirectory('/d')
      disk.crash()
      const content = disk.contentOf('/d/f')
      if (!content) {
        equal(seed % 2, 0, 'a synced name stays')
        return 'no name'
      }
      if (content.some(byte => byte !== 120)) return 'torn'
      return content.length === 600 ? 'kept' : content.length === 0 ? 'lost' : 'cut'
    },
    met('cut', 'kept', 'lost', 'no name', 'torn'),
  ))

test('planned failures happen once or for good', async () => {
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

test('a sync covers earlier writes, and not those that come while it runs', () =>
  forSeeds(
    1000,
    async random => {
      const disk = new SimulatedDisk({ random })
      const file = await fileWith(disk, 'before', false)
      await disk.syncDirectory('/d')
      const sync = file.sync()
      const write = file.write([bytes('while')], 6)
      await Promise.all([sync, write])
      disk.crash()
      const left = Buffer.from(disk.contentOf('/d/f')!).toString()
      ok(left.startsWith('before'), left)
      return left !== 'beforewhile'
    },
    oftenLost,
  ))

test('a sync that a crash interrupts does not report success', () =>
  forSeeds(
    4000,
    async (random, seed) => {
      const disk = new SimulatedDisk({ random })
      const file = await fileWith(disk, 'a', false)
      await disk.syncDirectory('/d')
      const sync = file.sync().then(
        () => true,
        () => false,
      )
      for (let turns = seed % 12; turns > 0; turns -= 1) await Promise.resolve()
      disk.crash()
      const isDone = await sync
      if (isDone) equal(Buffer.from(disk.contentOf('/d/f')!).toString(), 'a')
      return isDone
    },
    met(false, true),
  ))

test('of overlapping syncs the later one counts, in any order of their ends', () =>
  forSeeds(1000, async (random, seed) => {
    const disk = new SimulatedDisk({ random })
    const file = await fileWith(disk, 'a', false)
    await disk.syncDirectory('/d')
    const first = file.sync()
    await file.write([bytes('b')], 1)
    await file.sync()
    if (seed % 2) await first
    else first.catch(() => undefined) // still in progress at the crash
    disk.crash()
    equal(Buffer.from(disk.contentOf('/d/f')!).toString(), 'ab')
  }))

test('a failed sync drops its writes, and a retry does not help', () =>
  forSeeds(
    1000,
    async random => {
      const disk = new SimulatedDisk({ random })
      const file = await fileWith(disk, 'old', true)
      await disk.syncDirectory('/d')
      await file.write([bytes('new')], 0)
      disk.failCall({ call: 1, kind: 'EIO', times: 'once' })
      await rejects(file.sync(), { code: 'EIO' })
      await file.sync()
      equal(Buffer.from(disk.contentOf('/d/f')!).toString(), 'new', 'the cache still shows it')
      disk.crash()
      return Buffer.from(disk.contentOf('/d/f')!).toString() === 'old'
    },
    oftenLost,
  ))

test('a failed write may leave a part', () =>
  forSeeds(
    1000,
    async random => {
      const disk = new SimulatedDisk({ random })
      const file = await fileWith(disk, '', true)
      disk.failCall({ call: 1, kind: 'EIO', times: 'once' })
      await rejects(file.write([bytes('abcd')], 0), { code: 'EIO' })
      return file.size()
    },
    met(0, 1, 2, 3, 4),
  ))

test('truncating is a change like writing: it may be lost', () =>
  forSeeds(
    1000,
    async random => {
      const disk = new SimulatedDisk({ random })
      const file = await fileWith(disk, 'x'.repeat(2000), true)
      await disk.syncDirectory('/d')
      await file.truncate(100)
      equal(await file.size(), 100)
      disk.crash()
      const { length } = disk.contentOf('/d/f')!
      return length === 100 ? 'kept' : length === 2000 ? 'lost' : 'between'
    },
    met('between', 'kept', 'lost'),
  ))

test('lists folders by name, moves and removes them with their content', async () => {
  const disk = new SimulatedDisk()
  await disk.makeDirectory('./a/b')
  disk.setContent('/a/b/f', bytes('1'))
  await disk.rename('/a/b', '/a/c')
  deepEqual(await disk.list('a'), ['c'])
  deepEqual(await disk.list('a/c/'), ['f'])
  equal(await disk.exists('/a/b'), false)
  await rejects(disk.open('/a/b/f', 'create'), { code: 'ENOENT' })
  await rejects(disk.list('/a/b'), { code: 'ENOENT' })
  await disk.remove('/a')
  await disk.remove('/a')
  deepEqual(await disk.list('/'), [])
})

test('a dead process reaches nothing through its session, and a kill loses no bytes', async () => {
  const disk = new SimulatedDisk()
  const session = disk.session()
  const file = await session.open('/f', 'create')
  await file.write([bytes('abc')], 0)
  const sync = file.sync()
  disk.kill()
  await rejects(sync, { code: 'EBADF' })
  await rejects(session.open('/g', 'create'), { code: 'EBADF' })
  equal(Buffer.from(disk.contentOf('/f')!).toString(), 'abc')
  ok('size' in (await disk.session().open('/f', 'read')))
})

test('the same seed leaves the same disk', async () => {
  const run = async (): Promise<string> => {
    const disk = new SimulatedDisk({ random: seededRandom(7) })
    const file = await fileWith(disk, 'abc'.repeat(1000), true)
    await Promise.all([file.write([bytes('d'.repeat(3000))], 1500), file.sync(), disk.syncDirectory('/d')])
    disk.crash()
    return Buffer.from(disk.contentOf('/d/f') ?? []).toString('hex')
  }
  equal(await run(), await run())
})
