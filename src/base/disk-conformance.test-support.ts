/** The suite of {@link Disk}: the machine's, the simulated one and the one in memory pass the same cases. */
import { deepEqual, equal, notEqual, ok, rejects } from 'node:assert/strict'
import type { Disk } from './disk.ts'
import { seededRandom } from './random.ts'

/** `root` is a folder that exists and is empty. */
type Case = (disk: Disk, root: string) => Promise<void>

/** A file system may count time in steps of milliseconds. */
const later = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 20))

async function write(disk: Disk, path: string, text: string): Promise<void> {
  const file = await disk.open(path, 'create')
  equal(await file.write([Buffer.from(text)], 0), text.length)
  await file.sync()
  await file.close()
}

async function read(disk: Disk, path: string): Promise<string> {
  const file = await disk.open(path, 'read')
  const buffer = Buffer.alloc((await file.size()) + 10)
  const count = await file.read(buffer, 0)
  await file.close()
  return buffer.toString('latin1', 0, count)
}

const cases: Record<string, Case> = {
  async 'reads back what several buffers wrote; a read is short only at the end'(disk, root) {
    const file = await disk.open(`${root}/file`, 'create')
    equal(await file.write([Buffer.from('abc'), new Uint8Array(0), Buffer.from('def')], 2), 6)
    equal(await file.write([], 0), 0)
    await file.sync()
    equal(await file.size(), 8)
    const buffer = Buffer.alloc(20, 1)
    equal(await file.read(buffer, 0), 8)
    equal(buffer.toString('latin1', 0, 8), '\0\0abcdef')
    equal(await file.read(buffer, 8), 0)
    equal(await file.read(buffer, 100), 0)
    await file.truncate(4)
    equal(await file.size(), 4)
    await file.truncate(6)
    await file.close()
    equal(await read(disk, `${root}/file`), '\0\0ab\0\0')
  },

  async 'has the bytes of a plain array after any writes and cuts'(disk, root) {
    const random = seededRandom(3)
    const file = await disk.open(`${root}/file`, 'create')
    let expected: Buffer = Buffer.alloc(0)
    const resized = (size: number): Buffer => {
      const larger = Buffer.alloc(size)
      expected.copy(larger)
      return larger
    }
    for (let n = 0; n < 300; n += 1) {
      const at = random.int(10) === 0 ? random.int(300_000) : Math.min(expected.length, random.int(300_000))
      if (random.int(8) === 0) {
        await file.truncate(at)
        expected = resized(at)
        continue
      }
      const bytes = Buffer.from(random.bytes(random.int(4) === 0 ? random.int(150_000) : random.int(100)))
      const half = random.int(bytes.length + 1)
      equal(await file.write([bytes.subarray(0, half), bytes.subarray(half)], at), bytes.length)
      if (bytes.length === 0) continue
      if (at + bytes.length > expected.length) expected = resized(at + bytes.length)
      bytes.copy(expected, at)
    }
    equal(await file.size(), expected.length)
    const all = Buffer.alloc(expected.length)
    equal(await file.read(all, 0), expected.length)
    ok(all.equals(expected))
    const part = Buffer.alloc(70_000)
    const count = await file.read(part, 1234)
    ok(part.subarray(0, count).equals(expected.subarray(1234, 1234 + count)))
    await file.close()
  },

  async 'opens what there is, creates or empties a file, and writes only where it may'(disk, root) {
    for (const mode of ['read', 'write'] as const)
      await rejects(disk.open(`${root}/none`, mode), { code: 'ENOENT' })
    await rejects(disk.open(`${root}/no folder/file`, 'create'), { code: 'ENOENT' })
    await write(disk, `${root}/file`, 'content')
    const reader = await disk.open(`${root}/file`, 'read')
    await rejects(reader.write([Buffer.from('x')], 0), { code: 'EBADF' })
    await reader.close()
    const writer = await disk.open(`${root}/file`, 'write')
    equal(await writer.write([Buffer.from('K')], 0), 1)
    await writer.close()
    equal(await read(disk, `${root}/file`), 'Kontent')
    await (await disk.open(`${root}/file`, 'create')).close()
    equal(await read(disk, `${root}/file`), '')
  },

  async 'creates folders with their parents, and lists names in order'(disk, root) {
    const at = `${root}/a/b`
    await disk.makeDirectory(at)
    await disk.makeDirectory(at)
    for (const name of ['2', '10', '1']) await write(disk, `${at}/${name}`, name)
    await disk.syncDirectory(at)
    deepEqual(await disk.list(at), ['1', '10', '2'])
    deepEqual(await disk.list(root), ['a'])
    equal(await disk.exists(at), true)
    equal(await disk.exists(`${at}/2`), true)
    equal(await disk.exists(`${at}/2/under a file`), false)
    await rejects(disk.list(`${root}/none`), { code: 'ENOENT' })
    await rejects(disk.makeDirectory(`${at}/2`), { code: 'EEXIST' })
  },

  async 'renames files, in place of others, and folders with their content'(disk, root) {
    await disk.makeDirectory(`${root}/from`)
    await write(disk, `${root}/from/1`, 'one')
    await write(disk, `${root}/from/2`, 'two')
    await disk.rename(`${root}/from/1`, `${root}/from/2`)
    deepEqual(await disk.list(`${root}/from`), ['2'])
    await disk.rename(`${root}/from`, `${root}/to`)
    equal(await read(disk, `${root}/to/2`), 'one')
    equal(await disk.exists(`${root}/from`), false)
    await rejects(disk.rename(`${root}/none`, `${root}/x`), { code: 'ENOENT' })
  },

  async 'removes files and folders with their content; a missing one is fine'(disk, root) {
    await disk.makeDirectory(`${root}/a/b`)
    await write(disk, `${root}/a/b/file`, 'x')
    const open = await disk.open(`${root}/a/b/file`, 'write')
    await disk.remove(`${root}/a`)
    await disk.remove(`${root}/a`)
    equal(await disk.exists(`${root}/a`), false)
    // Those who have it open still read it.
    const buffer = Buffer.alloc(1)
    equal(await open.read(buffer, 0), 1)
    equal(buffer.toString(), 'x')
    await open.close()
  },

  async 'knows whether a file is still where it was opened'(disk, root) {
    for (const mode of ['read', 'write'] as const) {
      await disk.makeDirectory(`${root}/a`)
      await write(disk, `${root}/a/1`, 'x')
      const file = await disk.open(`${root}/a/1`, mode)
      equal(file.isInPlace(), true)
      await disk.rename(`${root}/a/1`, `${root}/a/2`)
      equal(file.isInPlace(), false)
      await disk.rename(`${root}/a/2`, `${root}/a/1`)
      equal(file.isInPlace(), true)
      await disk.rename(`${root}/a`, `${root}/b`)
      equal(file.isInPlace(), false)
      await disk.makeDirectory(`${root}/a`)
      await write(disk, `${root}/a/1`, 'another')
      equal(file.isInPlace(), false)
      await file.close()
      equal(file.isInPlace(), false)
      await disk.rename(`${root}/b/1`, `${root}/a/1`)
      equal(file.isInPlace(), true)
      // Many file systems give the number of a file that is gone to the next one.
      await disk.remove(`${root}/a/1`)
      await later()
      await write(disk, `${root}/a/1`, 'x')
      equal(file.isInPlace(), false)
      await disk.remove(`${root}/a`)
      await disk.remove(`${root}/b`)
    }
  },

  async 'gives another version after any change'(disk, root) {
    const path = `${root}/a/file`
    const versions = async (): Promise<(string | undefined)[]> => [
      (await disk.stat(path))?.version,
      (await disk.stat(`${root}/a`))?.version,
    ]
    await disk.makeDirectory(`${root}/a`)
    equal(await disk.stat(path), undefined)
    await write(disk, path, 'abc')
    equal((await disk.stat(path))?.size, 3)
    const before = await versions()
    deepEqual(await versions(), before)
    await later()
    const file = await disk.open(path, 'write')
    await file.write([Buffer.from('b')], 0)
    await file.sync()
    await file.close()
    const written = await versions()
    notEqual(written[0], before[0])
    await later()
    await write(disk, `${root}/a/other`, 'x')
    notEqual((await versions())[1], before[1])
    await disk.rename(`${root}/a/other`, path)
    notEqual((await versions())[0], written[0])
  },

  async 'tells how much room there is'(disk, root) {
    const space = await disk.space(root)
    if (space === undefined) return
    const { totalBytes, usableBytes } = space
    ok(totalBytes > 0 && usableBytes >= 0 && usableBytes <= totalBytes)
  },

  async 'gives a lock to one holder at a time'(disk, root) {
    const first = await disk.lock(`${root}/lock`, 'the first')
    ok('release' in first)
    deepEqual(await disk.lock(`${root}/lock`, 'the second'), { heldBy: 'the first' })
    await first.release()
    const third = await disk.lock(`${root}/lock`, 'the third')
    ok('release' in third)
    await third.release()
  },
}

/** The cases, for any test runner. `make` gives a disk, and a folder on it that is empty. */
export function diskConformance(
  make: () => Promise<{ readonly disk: Disk; readonly root: string }>,
): { readonly name: string; readonly run: () => Promise<void> }[] {
  return Object.entries(cases).map(([name, run]) => ({
    name,
    run: async () => {
      const { disk, root } = await make()
      await run(disk, root)
    },
  }))
}
