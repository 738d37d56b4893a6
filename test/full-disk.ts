/**
 * A disk of which a test makes parts full, or unresponsive, for as long as it wants: writes and new files
 * there find no room, syncs do not return.
 */
import type { Disk } from '../src/base/index.ts'
import { hookedDisk, systemError } from './hooked-disk.ts'

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
    if (isFull(path)) throw systemError('ENOSPC', path)
  }
  return {
    ...hookedDisk(disk, {
      make: refuse,
      write: refuse,
      sync: path => (hangs(path) ? freed.promise : undefined),
    }),
    fill: paths => (isFull = paths),
    hang: paths => (hangs = paths),
    free: () => {
      isFull = hangs = none
      freed.resolve()
      freed = Promise.withResolvers()
    },
  }
}
