/** For `throws` and `rejects`: what a test may check of an error. */
import { isMillraceError, type ErrorCode } from '../src/base/index.ts'

/** The error has this code, and its message names what it is `about`: a place, a column, a process. */
export function isCode(code: ErrorCode, about: RegExp = /^/): (error: unknown) => boolean {
  return error => isMillraceError(error, code) && about.test(error.message)
}
