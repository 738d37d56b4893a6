import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import type { Disk, DiskFile } from '../base/index.ts'
import { SimulatedDisk } from '../testing/simulated-disk.ts'
import { OpenFiles } from './open-files.ts'

/** A disk that says which files are open. */
async function watchedDisk(): Promise<{ disk: Disk; open: string[]; limit: { files: number } }> {
  const simulated = new SimulatedDisk()
  await simulated.makeDirectory('/d')
  for (const name of ['a', 'b', 'c', 'd']) simulated.setContent(`/d/${name}`, Buffer.from(name))
  const open: string[] = []
  const limit = { files: Infinity }
  const disk = simulated.session()
  return {
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

test('a file in use, or with unsynced writes, stays open whatever the limit', async () => {
  const { disk, open } = await watchedDisk()
  const files = new OpenFiles(disk, 1)
  await files.use('/d/a', 'write', async () => {
    files.pin('/d/a')
    await files.use('/d/b', 'read', async () => {
      await contentOf(files, 'c')
      deepEqual([...open].sort(), ['/d/a', '/d/b'])
    })
  })
  deepEqual(open, ['/d/a'])
  files.unpin('/d/a')
  await contentOf(files, 'b')
  deepEqual(open, ['/d/b'])
})

test('a file opened to be read is opened anew to be written, and then serves both', async () => {
  const { disk, open } = await watchedDisk()
  const files = new OpenFiles(disk, 4)
  await contentOf(files, 'a')
  await files.use('/d/a', 'write', file => file.write([Buffer.from('x')], 0))
  equal(await contentOf(files, 'a'), 'x')
  deepEqual(open, ['/d/a'])
})

test('out of descriptors, it gives back its own and tries again', async () => {
  const { disk, open, limit } = await watchedDisk()
  const files = new OpenFiles(disk, 4)
  for (const name of ['a', 'b']) await contentOf(files, name)
  limit.files = 2
  equal(await contentOf(files, 'c'), 'c')
  deepEqual(open, ['/d/c'])
  limit.files = 0
  await rejects(contentOf(files, 'd'), { code: 'EMFILE' })
  limit.files = 1
  equal(await contentOf(files, 'd'), 'd')
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
