/** A disk whose calls a test may hold up, or let fail. */
import type { Disk, DiskFile } from '../src/base/index.ts'

/** What comes before a call with this path: the call waits for it, and fails with it. */
type Hook = (path: string) => Promise<void> | void

export interface DiskHooks {
  /** A file or a folder that is made. */
  readonly make?: Hook
  readonly write?: Hook
  readonly sync?: Hook
}

export function hookedDisk(disk: Disk, { make, write, sync }: DiskHooks): Disk {
  const hooked = (file: DiskFile, path: string): DiskFile => ({
    write: async (buffers, position) => {
      await write?.(path)
      return file.write(buffers, position)
    },
    read: (buffer, position) => file.read(buffer, position),
    sync: async () => {
      await sync?.(path)
      await file.sync()
    },
    truncate: size => file.truncate(size),
    size: () => file.size(),
    isInPlace: () => file.isInPlace(),
    close: () => file.close(),
  })
  return {
    open: async (path, mode) => {
      if (mode === 'create') await make?.(path)
      return hooked(await disk.open(path, mode), path)
    },
    makeDirectory: async path => {
      await make?.(path)
      return disk.makeDirectory(path)
    },
    list: path => disk.list(path),
    exists: path => disk.exists(path),
    stat: path => disk.stat(path),
    rename: (from, to) => disk.rename(from, to),
    remove: path => disk.remove(path),
    syncDirectory: path => disk.syncDirectory(path),
    lock: (path, holder) => disk.lock(path, holder),
    space: path => disk.space(path),
    openFilesMax: () => disk.openFilesMax(),
  }
}

/** What a call to the disk fails with, as Node reports it. */
export function systemError(code: 'EIO' | 'ENOSPC', path: string): Error {
  return Object.assign(new Error(`${code}: '${path}'`), { code })
}
