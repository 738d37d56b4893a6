/** One process per data directory. The second one is told which process has it. */
import { MillraceError, type Clock, type Disk } from '../../base/index.ts'
import { directoryError } from './disk-errors.ts'
import { lockName } from './file-names.ts'

export interface DirectoryLock {
  release(): Promise<void>
}

/** @throws MillraceError DATA_DIR_IN_USE, DATA_DIR_UNREADABLE; and the errors of a full or failing disk */
export async function lockDirectory(disk: Disk, clock: Clock, path: string): Promise<DirectoryLock> {
  const started = new Date(clock.now()).toISOString()
  const holder = `process ${process.pid}, since ${started}`
  let lock
  try {
    lock = await disk.lock(`${path}/${lockName}`, holder)
  } catch (cause) {
    throw directoryError(cause, path, 'locked')
  }
  if ('heldBy' in lock)
    throw new MillraceError(
      'DATA_DIR_IN_USE',
      lock.heldBy.startsWith(`process ${process.pid},`)
        ? `${path} is open in this process already. Share that log, or close it first.`
        : `${path} is in use by ${lock.heldBy}. End that process, or give this one its own directory.`,
    )
  return lock
}
