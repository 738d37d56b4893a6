import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import type { Disk, DiskFile } from '../../base/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { OpenFiles } from './open-files.ts'
import { patientDisk } from './patient-disk.ts'
import { readFile } from './small-file.ts'

/** A disk that says which files are open. */
async function watchedDisk(): Promise<{
  disk: Disk
  simulated: SimulatedDisk
  open: string[]
  limit: { files: number }
}> {
  const simulated = new SimulatedDisk()
  await simulated.makeDirectory('/d')
  for (const name of ['a', 'b', 'c', 'd']) simulated.setContent(`/d/${name}`, Buffer.from(name))
  const open: string[] = []
  const limit = { files: Infinity }
  const disk = simulated.session()
  return {
    simulated,
    open,
    limit,
    disk: {
      ...disk,
      async open(path, mode): Promise<DiskFile> {
        if (open.length >= limit.files) throw Object.assign(new Error('EMFILE'), { code: 'EMFILE' })
        const file = await disk.open(path, mode)
        open.push(path)
        return {
          ...file,
          close: async () => {
            open.splice(open.indexOf(path), 1)
            await file.close()
          },
        }
      },
    },
  }
}

/** Lets turns pass, so that work in progress ends: more than it takes, fewer than a patient disk tries. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 50; turns += 1) await new Promise(resolve => setImmediate(resolve))
}

async function contentOf(files: OpenFiles, name: string, mode: 'read' | 'write' = 'read'): Promise<string> {
  return files.use(`/d/${name}`, mode, async file => {
    const bytes = Buffer.alloc(1)
    await file.read(bytes, 0)
    return bytes.toString()
  })
}

test('files stay open up to the limit; then the one used least recently is closed', async () => {
  const { disk, open } = await watchedDisk()
  const files = new OpenFiles(disk, 2)
  const check = async (name: string, expected: readonly string[]): Promise<void> => {
    equal(await contentOf(files, name), name)
    deepEqual([...open].sort(), expected)
  }
  await check('a', ['/d/a'])
  await check('b', ['/d/a', '/d/b'])
  await check('a', ['/d/a', '/d/b'])
  await check('c', ['/d/a', '/d/c'])
  await check('d', ['/d/c', '/d/d'])
  await files.close()
  deepEqual(open, [])
})

test('a file that is opened after the end, as by a read in progress, is closed after its use', async () => {
  const { disk, open } = await watchedDisk()
  const files = new OpenFiles(disk, 2)
  await files.use('/d/a', 'read', async () => {
    await files.close()
    equal(await contentOf(files, 'a'), 'a')
    equal(await contentOf(files, 'b'), 'b')
  })
  await settled()
  deepEqual(open, [])
})

test('a file in use stays open whatever the limit', async () => {
  const { disk, open } = await watchedDisk()
  const files = new OpenFiles(disk, 1)
  await files.use('/d/a', 'write', async () => {
    await files.use('/d/b', 'read', async () => {
      await contentOf(files, 'c')
      deepEqual([...open].sort(), ['/d/a', '/d/b'])
    })
  })
})

test('a file with unsynced writes is synced before it is closed, and closed after all others', async () => {
  const { disk, open, simulated } = await watchedDisk()
  const files = new OpenFiles(disk, 2)
  const write = async (name: string): Promise<void> =>
    files.use(`/d/${name}`, 'write', async file => {
      await file.write([Buffer.from('x')], 0)
      files.pin(`/d/${name}`)
    })
  await write('a')
  await contentOf(files, 'b')
  await contentOf(files, 'c')
  deepEqual([...open].sort(), ['/d/a', '/d/c'])
  await write('c')
  await write('d')
  await settled()
  deepEqual([...open].sort(), ['/d/c', '/d/d'])
  simulated.crash()
  equal(Buffer.from(simulated.contentOf('/d/a')!).toString(), 'x')
})

test('where that sync fails, the next user of the file is told, and no sync is tried again', async () => {
  const { disk, simulated } = await watchedDisk()
  const files = new OpenFiles(disk, 1)
  await files.use('/d/a', 'write', async file => {
    await file.write([Buffer.from('x')], 0)
    files.pin('/d/a')
  })
  simulated.failCall({ call: 1, kind: 'EIO', times: 'once' })
  equal(await files.spare(), true)
  await rejects(contentOf(files, 'a'), { code: 'EIO' })
  await rejects(
    files.use('/d/a', 'write', file => file.sync()),
    { code: 'EIO' },
  )
})

for (const meanwhile of ['before it fails', 'when it has failed'])
  test(`where that sync fails, a sync of the file that begins ${meanwhile} fails as well`, async () => {
    const { disk, simulated } = await watchedDisk()
    const files = new OpenFiles(disk, 1)
    const gate = Promise.withResolvers<void>()
    await files.use('/d/a', 'write', async file => {
      await file.write([Buffer.from('x')], 0)
      files.pin('/d/a')
    })
    simulated.failCall({ call: 1, kind: 'EIO', times: 'once' })
    const spared = files.spare()
    const syncing = files.use('/d/a', 'write', async file => {
      if (meanwhile === 'when it has failed') await gate.promise
      // The kernel has reported the error, and takes the lost pages for clean: this one succeeds.
      await file.sync()
    })
    const refused = rejects(syncing, { code: 'EIO' })
    await settled()
    gate.resolve()
    await refused
    equal(await spared, true)
  })

test('a file opened to be read is opened again to be written, and then serves both', async () => {
  const { disk, open } = await watchedDisk()
  const files = new OpenFiles(disk, 4)
  await contentOf(files, 'a')
  await files.use('/d/a', 'write', file => file.write([Buffer.from('x')], 0))
  equal(await contentOf(files, 'a'), 'x')
  deepEqual(open, ['/d/a'])
})

test('out of descriptors, the log gives back its own and tries again, for files of any kind', async () => {
  const { disk: machine, open, limit } = await watchedDisk()
  const disk = patientDisk(machine, virtualClock(), () => files.spare())
  const files: OpenFiles = new OpenFiles(disk, 4)
  for (const name of ['a', 'b']) await contentOf(files, name)
  limit.files = 2
  equal(await contentOf(files, 'c'), 'c')
  deepEqual([...open].sort(), ['/d/b', '/d/c'])
  equal((await readFile(disk, '/d/a'))?.toString(), 'a')
  limit.files = 0
  await rejects(contentOf(files, 'd'), { code: 'EMFILE' })
  deepEqual(open, [])
  // Another one of the process gives one back.
  const waiting = contentOf(files, 'd')
  await settled()
  limit.files = 1
  equal(await waiting, 'd')
})

test('a dropped file is closed once nobody uses it', async () => {
  const { disk, open } = await watchedDisk()
  const files = new OpenFiles(disk, 4)
  await files.use('/d/a', 'read', async file => {
    await files.drop('/d/a')
    equal(await file.size(), 1)
  })
  await files.drop('/d/a')
  deepEqual(open, [])
})
