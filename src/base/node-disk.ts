/** The machine's disk: Node's file handles behind the {@link Disk} seam. */
import { constants } from 'node:fs'
import { link, mkdir, open, readdir, readFile, rename, rm, stat, unlink, writeFile, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Disk, DiskFile } from './disk.ts'

export const nodeDisk: Disk = {
  async open(path, mode) {
    const flags = { read: 'r', write: 'r+', create: 'w+' }[mode]
    return nodeFile(await open(path, flags))
  },
  async makeDirectory(path) {
    await mkdir(path, { recursive: true })
  },
  list: async path => (await readdir(path)).sort(),
  exists: path =>
    stat(path).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return false
        throw error
      },
    ),
  rename,
  remove: path => rm(path, { recursive: true, force: true }),
  async syncDirectory(path) {
    if (process.platform === 'win32') return // folders cannot be opened there; NTFS logs its names
    const handle = await open(path, constants.O_RDONLY)
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
  },
  lock: takeLock,
}

function nodeFile(handle: FileHandle): DiskFile {
  return {
    async write(buffers, position) {
      const total = buffers.reduce((sum, buffer) => sum + buffer.length, 0)
      const { bytesWritten } = await handle.writev(buffers as Uint8Array[], position)
      if (bytesWritten === total || bytesWritten === 0) return bytesWritten
      // Short: either the disk is full, or the kernel took a part only. Writing the rest tells.
      const rest = Buffer.concat(buffers).subarray(bytesWritten)
      const more = await handle.write(rest, 0, rest.length, position + bytesWritten)
      return bytesWritten + more.bytesWritten
    },
    async read(buffer, position) {
      let filled = 0
      while (filled < buffer.length) {
        const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, position + filled)
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return filled
    },
    sync: () => handle.datasync(),
    truncate: size => handle.truncate(size),
    size: async () => (await handle.stat()).size,
    close: () => handle.close(),
  }
}

/**
 * A lock file that outlives a kill -9 harmlessly: it names the process that holds it and when that one started, so that a
 * dead holder, or another process under the same number, is told from a live one. It is made complete elsewhere and then linked into place,
 * which succeeds for one taker only.
 */
async function takeLock(path: string, holder: string): Promise<{ release(): Promise<void> } | { heldBy: string }> {
  await mkdir(dirname(path), { recursive: true })
  const mine = `${path}.${process.pid}.${Math.floor(performance.now() * 1000)}`
  const content = JSON.stringify({ pid: process.pid, started: await startOf(process.pid), holder })
  await writeFile(mine, content, { flag: 'wx' })
  try {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      try {
        await link(mine, path)
        return { release: () => unlink(path) }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      const found = await readFile(path, 'utf8').catch(() => undefined)
      if (found === undefined) continue // released meanwhile
      const live = await liveHolder(found)
      if (live !== undefined) return { heldBy: live }
      // Stale. It is moved away under a name of its own, so that of several takers one removes what all have looked at.
      const aside = `${mine}.stale`
      await rename(path, aside).catch(() => undefined)
      const moved = await readFile(aside, 'utf8').catch(() => undefined)
      if (moved !== undefined && moved !== found && (await liveHolder(moved)) !== undefined) await link(aside, path).catch(() => undefined)
      await rm(aside, { force: true })
    }
    return { heldBy: 'several processes that come and go' }
  } finally {
    await rm(mine, { force: true })
  }
}

/** The holder that a lock file names, if its process is alive. */
async function liveHolder(content: string): Promise<string | undefined> {
  let lock: { pid: number; started: string; holder: string }
  try {
    lock = JSON.parse(content) as typeof lock
  } catch {
    return undefined
  }
  try {
    process.kill(lock.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return undefined
  }
  const started = await startOf(lock.pid)
  return started === '' || lock.started === '' || started === lock.started ? lock.holder : undefined
}

/** When a process started, in the kernel's ticks; '' where that cannot be told. */
async function startOf(pid: number): Promise<string> {
  const line = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The name in parentheses may hold spaces: count the fields behind it.
  return line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? ''
}
