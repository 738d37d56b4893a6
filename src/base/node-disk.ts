/** The machine's disk: Node's file handles behind the {@link Disk} seam. The lock is in node-lock.ts. */
import { constants, fdatasync, fstatSync, readSync, statSync, writevSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rename, rm, stat, statfs, type FileHandle } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'
import type { Disk, DiskFile } from './disk.ts'
import { InCall, InCallPause } from './in-call.ts'
import { takeLock } from './node-lock.ts'
import { systemCode } from './system-code.ts'

export const nodeDisk: Disk = {
  async open(path, mode) {
    const handle = await open(path, { read: 'r', write: 'r+', create: 'w+' }[mode])
    try {
      return nodeFile(handle, placeOf(handle, path))
    } catch (error) {
      await handle.close()
      throw error
    }
  },
  async makeDirectory(path) {
    const firstMade = await mkdir(path, { recursive: true })
    if (firstMade === undefined) return
    // Each new folder adds a name to its parent.
    for (let made = resolve(path); ; made = dirname(made)) {
      await syncDirectory(dirname(made))
      if (made === resolve(firstMade)) return
    }
  },
  list: async path => (await readdir(path)).sort(),
  async exists(path) {
    try {
      await stat(path)
      return true
    } catch (error) {
      if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return false
      throw error
    }
  },
  async stat(path) {
    try {
      const { dev, ino, size, ctimeNs } = await stat(path, { bigint: true })
      // The time of change is the kernel's own: unlike the time of modification, no copy or tool can set it.
      return { size: Number(size), version: `${dev}.${ino}.${size}.${ctimeNs}` }
    } catch (error) {
      if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined
      throw error
    }
  },
  rename,
  remove: path => rm(path, { recursive: true, force: true }),
  syncDirectory,
  lock: takeLock,
  async space(path) {
    const { bsize, blocks, bavail } = await statfs(path)
    return { totalBytes: bsize * blocks, usableBytes: bsize * bavail }
  },
  async openFilesMax() {
    const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '')
    const found = /^Max open files +(\d+)/m.exec(limits)
    return found ? Number(found[1]) : undefined
  },
}

async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return // a folder cannot be opened there; NTFS journals its names
  const handle = await open(path, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Whether the path still leads to the file. Once its handle is closed, another file may get its number, but
 * not its time of birth.
 */
function placeOf(handle: FileHandle, path: string): () => boolean {
  const { ino, dev, birthtimeMs } = fstatSync(handle.fd)
  return () => {
    const found = statSync(path, { throwIfNoEntry: false })
    if (found?.ino !== ino || found.dev !== dev) return false
    const isOpen = handle.fd !== -1
    return isOpen || found.birthtimeMs === birthtimeMs
  }
}

/** The promise of a file handle takes a few microseconds more, for each record that is waited for. */
const dataSync = promisify(fdatasync)

const now = (): number => performance.now()
/** Of all files. Reads may be quick where writes are slow, and the other way round. */
const readPause = new InCallPause(now)
const writePause = new InCallPause(now)

function nodeFile(handle: FileHandle, isInPlace: () => boolean): DiskFile {
  const reads = new InCall(readPause)
  const writes = new InCall(writePause)
  return {
    async write(buffers, position) {
      const total = buffers.reduce((sum, buffer) => sum + buffer.length, 0)
      const bytesWritten = writes.allows(total)
        ? writes.run(() => writevSync(handle.fd, buffers, position))
        : (await handle.writev(buffers, position)).bytesWritten
      return bytesWritten === total ? total : writeRest(handle, buffers, position, bytesWritten)
    },
    async read(buffer, position) {
      let filled = 0
      while (filled < buffer.length) {
        const wanted = buffer.length - filled
        const from = position + filled
        const bytesRead = reads.allows(wanted)
          ? reads.run(() => readSync(handle.fd, buffer, filled, wanted, from))
          : (await handle.read(buffer, filled, wanted, from)).bytesRead
        if (bytesRead === 0) break
        filled += bytesRead
      }
      return filled
    },
    sync: () => dataSync(handle.fd),
    truncate: size => handle.truncate(size),
    size: async () => (await handle.stat()).size,
    isInPlace,
    close: () => handle.close(),
  }
}

/**
 * Continues after a short write. The kernel takes at most 2 GiB at a time, so a short write need not mean a
 * full disk: only the next write tells. On a full disk the count stays short, since an error would hide how
 * much was written.
 */
async function writeRest(
  handle: FileHandle,
  buffers: readonly Uint8Array[],
  position: number,
  done: number,
): Promise<number> {
  let written = done
  let before = 0
  for (const buffer of buffers) {
    while (written < before + buffer.length) {
      const from = written - before
      try {
        const { bytesWritten } = await handle.write(buffer, from, buffer.length - from, position + written)
        if (bytesWritten === 0) return written
        written += bytesWritten
      } catch (error) {
        if (isSystemError(error, 'ENOSPC', 'EDQUOT')) return written
        throw error
      }
    }
    before += buffer.length
  }
  return written
}

function isSystemError(error: unknown, ...codes: string[]): boolean {
  return codes.includes(systemCode(error) ?? '')
}
