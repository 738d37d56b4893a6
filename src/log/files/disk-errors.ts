/** What the disk says, in millrace's words. Which errors end a partition is decided here, and only here. */
import { MillraceError, type DiskFile } from '../../base/index.ts'

const codesOfTheMachine = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'EIO'])

/** The system's code of an error (`ENOENT`, `EIO`, …); undefined where it has none. */
export function systemCode(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined
  return typeof code === 'string' ? code : undefined
}

/**
 * The error that callers get for `error`, which came up while `doing` (a phrase that names the file).
 *
 * Retriable: no room (DISK_FULL), no free file descriptor (LIMIT_EXCEEDED). DATA_DIR_UNREADABLE: no
 * permission. DISK_FAILED: everything else, above all EIO: nobody may trust what a retry would say.
 */
export function diskError(error: unknown, doing: string): MillraceError {
  if (error instanceof MillraceError) return error
  const code = systemCode(error) ?? ''
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return diskFull(doing, error)
    case 'EMFILE':
    case 'ENFILE':
      return new MillraceError(
        'LIMIT_EXCEEDED',
        `Too many open files while ${doing}: close files or sockets elsewhere in this process, or raise its limit (ulimit -n).`,
        { cause: error, retriable: true },
      )
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'ENOTDIR':
      return new MillraceError(
        'DATA_DIR_UNREADABLE',
        `${code} while ${doing}: check the path, its owner and its permissions.`,
        { cause: error },
      )
    default:
      return diskFailed(error, doing)
  }
}

/**
 * For a directory that cannot be used at all; `done`: what cannot be done with it. A disk that is full or
 * failing says nothing of the directory.
 */
export function directoryError(error: unknown, path: string, done: string): MillraceError {
  const code = systemCode(error)
  if (code !== undefined && codesOfTheMachine.has(code)) return diskError(error, `opening ${path}`)
  return new MillraceError(
    'DATA_DIR_UNREADABLE',
    `${path} cannot be ${done} (${code ?? String(error)}): check that it is a directory, its owner and its permissions.`,
    { cause: error },
  )
}

/** For a failure that left the file in doubt: final, whatever the system calls it. */
export function diskFailed(error: unknown, doing: string): MillraceError {
  return new MillraceError(
    'DISK_FAILED',
    `${systemCode(error) ?? String(error)} while ${doing}: look at the disk before you start again; recovery then reads what is on it.`,
    { cause: error },
  )
}

/**
 * @throws MillraceError DISK_FAILED where the file is not where it was opened: what is written to it, nobody
 * finds
 */
export function checkPlace(file: DiskFile, path: string): void {
  if (file.isInPlace()) return
  throw new MillraceError(
    'DISK_FAILED',
    `${path} is not in its place any more: it, or a folder above it, was removed, moved or replaced while the log was open. What was written since is lost with it. End this process, put the folder back, and start again.`,
  )
}

export function diskFull(doing: string, cause?: unknown): MillraceError {
  return new MillraceError(
    'DISK_FULL',
    `No room on the disk while ${doing}: free some space and try again.`,
    {
      cause,
      retriable: true,
    },
  )
}
