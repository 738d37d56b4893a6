/** A disk that changes nothing if another directory has taken the place of the one that was opened. */
import type { Disk } from '../../base/index.ts'

/** `checkPlace` throws in that case. It is called before every call that makes, changes or removes a name. */
export function placedDisk(disk: Disk, checkPlace: () => void): Disk {
  return {
    ...disk,
    open: async (path, mode) => {
      if (mode !== 'read') checkPlace()
      return disk.open(path, mode)
    },
    makeDirectory: async path => {
      checkPlace()
      return disk.makeDirectory(path)
    },
    rename: async (from, to) => {
      checkPlace()
      return disk.rename(from, to)
    },
    remove: async path => {
      checkPlace()
      return disk.remove(path)
    },
  }
}
