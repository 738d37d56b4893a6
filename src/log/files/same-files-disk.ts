/**
 * A disk on which a path leads to the same file whenever it is opened, or to none. The reader of a log whose
 * owner may replace files has places in them: in another file of the same name, one could be that of a later
 * batch.
 */
import type { Disk, DiskFile } from '../../base/index.ts'

export function sameFilesDisk(disk: Disk): Disk {
  const firsts = new Map<string, DiskFile>()
  return {
    ...disk,
    open: async (path, mode) => {
      const file = await disk.open(path, mode)
      const first = firsts.get(path)
      if (!first) firsts.set(path, file)
      // Also one that is closed knows where it was.
      else if (!first.isInPlace()) {
        await file.close()
        throw Object.assign(new Error(`${path} was replaced`), { code: 'ENOENT' })
      }
      return file
    },
  }
}
