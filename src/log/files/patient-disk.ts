/**
 * A disk that does not run out of file descriptors while this log has files that it can close. If a call
 * fails for lack of a descriptor (EMFILE, ENFILE), a file of the log is closed and the call is repeated. This
 * holds for every call that takes a descriptor, small files and folders included.
 */
import { type Clock, type Disk, systemCode } from '../../base/index.ts'

/** How often a call is made. Between two tries a file is closed, or others get a turn to close theirs. */
const triesMax = 300

/** `spare` closes the file that the log needs least, and returns whether there was one. */
export function patientDisk(disk: Disk, clock: Clock, spare: () => Promise<boolean>): Disk {
  const patient = <A extends unknown[], R>(call: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      for (let tries = 1; ; tries += 1)
        try {
          return await call(...args)
        } catch (error) {
          const code = systemCode(error)
          if ((code !== 'EMFILE' && code !== 'ENFILE') || tries === triesMax) throw error
          if (!(await spare())) await clock.yield()
        }
    }
  }
  return {
    open: patient((path, mode) => disk.open(path, mode)),
    makeDirectory: patient(path => disk.makeDirectory(path)),
    list: patient(path => disk.list(path)),
    exists: patient(path => disk.exists(path)),
    stat: patient(path => disk.stat(path)),
    rename: patient((from, to) => disk.rename(from, to)),
    remove: patient(path => disk.remove(path)),
    syncDirectory: patient(path => disk.syncDirectory(path)),
    lock: patient((path, holder) => disk.lock(path, holder)),
    space: patient(path => disk.space(path)),
    openFilesMax: () => disk.openFilesMax(),
  }
}
