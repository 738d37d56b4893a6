/** A disk that lets nothing pass to the files of one folder while its gate is shut. */
import type { Disk } from '../src/base/index.ts'
import { hookedDisk } from './hooked-disk.ts'

export interface GatedDisk {
  readonly disk: Disk
  /** Writes and syncs of files in folders whose path has this text wait from now on. */
  readonly shut: (folder: string) => void
  readonly open: () => void
}

export function gatedDisk(disk: Disk): GatedDisk {
  let shut: { readonly folder: string; readonly opened: PromiseWithResolvers<void> } | undefined
  const passed = (path: string): Promise<void> | void =>
    shut && path.includes(shut.folder) ? shut.opened.promise : undefined
  return {
    disk: hookedDisk(disk, { write: passed, sync: passed }),
    shut: folder => {
      shut ??= { folder, opened: Promise.withResolvers() }
    },
    open: () => {
      shut?.opened.resolve()
      shut = undefined
    },
  }
}
