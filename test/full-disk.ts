/**
 * A disk of which a test makes parts full, or unresponsive, for as long as it wants: writes and new files
 * there find no room, syncs do not return.
 */
import type { Disk, DiskFile } from '../src/base/index.ts'

export type Paths = (path: string) => boolean

export interface FillableDisk extends Disk {
  /** From now on there is no room under these paths. */
  fill(paths: Paths): void
  /** From now on fdatasync of these files returns only when they are released. */
  hang(paths: Paths): void
  /** There is room, and every sync returns. */
  free(): void
}

export function fillableDisk(disk: Disk): FillableDisk {
  const none: Paths = () => false
  let isFull = none
  let hangs = none
  let freed = Promise.withResolvers<void>()
  const refuse = (path: string): void => {
    if (isFull(path)) throw Object.assign(new Error(`ENOSPC: no room for '${path}'`), { code: 'ENOSPC' })
  }
  const wrap = (file: DiskFile, path: string): DiskFile => ({
    write: async (buffers, position) => {
      refuse(path)
      return file.write(buffers, position)
    },
    read: (buffer, position) => file.read(buffer, position),
    sync: async () => {
      if (hangs(path)) await freed.promise
      return file.sync()
    },
    truncate: size => file.truncate(size),
    size: () => file.size(),
    isInPlace: () => file.isInPlace(),
    close: () => file.close(),
  })
  return {
    fill: paths => (isFull = paths),
    hang: paths => (hangs = paths),
    free: () => {
      isFull = hangs = none
      freed.resolve()
      freed = Promise.withResolvers()
    },
    open: async (path, mode) => {
      if (mode === 'create') refuse(path)
      return wrap(await disk.open(path, mode), path)
    },
    makeDirectory: async path => {
      refuse(path)
      return disk.makeDirectory(path)
    },
    list: path => disk.list(path),
    exists: path => disk.exists(path),
    stat: path => disk.stat(path),
    rename: (from, to) => disk.rename(from, to),
    remove: path => disk.remove(path),
    syncDirectory: path => disk.syncDirectory(path),
    lock: (path, holder) => disk.lock(path, holder),
    openFilesMax: () => disk.openFilesMax(),
  }
}
