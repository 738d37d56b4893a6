/**
 * A disk that changes nothing under a path where another directory has taken the place of the one that was
 * opened.
 */
import type { Disk } from '../../base/index.ts'

/**
 * `checkPlace` throws where that has happened. It is asked before every call that makes, changes or removes a
 * name.
 */
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
