/** A disk that lets nothing pass to the files of one folder while its gate is shut. */
import type { Disk, DiskFile } from '../src/base/index.ts'

export interface GatedDisk {
  readonly disk: Disk
  /** Writes and syncs of files in folders whose path has this text wait from now on. */
  readonly shut: (folder: string) => void
  readonly open: () => void
}

export function gatedDisk(disk: Disk): GatedDisk {
  let shut: { readonly folder: string; readonly opened: PromiseWithResolvers<void> } | undefined
  const passed = async (path: string): Promise<void> => {
    if (shut && path.includes(shut.folder)) await shut.opened.promise
  }
  const gatedFile = (file: DiskFile, path: string): DiskFile => ({
    write: async (buffers, position) => {
      await passed(path)
      return file.write(buffers, position)
    },
    read: (buffer, position) => file.read(buffer, position),
    sync: async () => {
      await passed(path)
      await file.sync()
    },
    truncate: size => file.truncate(size),
    size: () => file.size(),
    isInPlace: () => file.isInPlace(),
    close: () => file.close(),
  })
  return {
    disk: {
      open: async (path, mode) => gatedFile(await disk.open(path, mode), path),
      makeDirectory: path => disk.makeDirectory(path),
      list: path => disk.list(path),
      exists: path => disk.exists(path),
      stat: path => disk.stat(path),
      rename: (from, to) => disk.rename(from, to),
      remove: path => disk.remove(path),
      syncDirectory: path => disk.syncDirectory(path),
      lock: (path, holder) => disk.lock(path, holder),
      openFilesMax: () => disk.openFilesMax(),
    },
    shut: folder => {
      shut ??= { folder, opened: Promise.withResolvers() }
    },
    open: () => {
      shut?.opened.resolve()
      shut = undefined
    },
  }
}
