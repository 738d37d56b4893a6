/**
 * Translates errors of the disk to errors of millrace. Only this file decides which errors end a partition.
 */
import { MillraceError, systemCode } from '../../base/index.ts'

const codesOfTheMachine = new Set(['ENOSPC', 'EDQUOT', 'EMFILE', 'ENFILE', 'EIO'])

/**
 * The error for callers, for `error` while `doing` (a phrase that names the file).
 *
 * Retriable: no room (DISK_FULL), no free file descriptor (LIMIT_EXCEEDED). DATA_DIR_UNREADABLE: no
 * permission. DISK_FAILED: everything else, above all EIO: the result of a retry could not be trusted.
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
 * For a directory that cannot be used at all; `done`: the failed action. A full or failing disk is not a
 * fault of the directory.
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

/** For a failure that left the file in doubt: final, with any code. */
export function diskFailed(error: unknown, doing: string): MillraceError {
  return new MillraceError(
    'DISK_FAILED',
    `${systemCode(error) ?? String(error)} while ${doing}. Check the disk before you start again; recovery then reads its content.`,
    { cause: error },
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
