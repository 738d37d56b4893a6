/**
 * Whether an open file is still where it was opened. One that is not takes writes as before, but nobody
 * finds them: what is acknowledged then is lost.
 */
import { MillraceError, type Clock, type DiskFile } from '../../base/index.ts'

/** A file that was in its place so long ago is taken to be there still: looking costs as much as a write. */
const checkEveryMs = 50

/**
 * @throws MillraceError DISK_FAILED if the file is no longer where it was opened: nobody finds later writes
 */
export function checkPlace(file: DiskFile, path: string): void {
  if (file.isInPlace()) return
  throw new MillraceError(
    'DISK_FAILED',
    `${path} is no longer in its place: it, or a folder above it, was removed, moved or replaced while the log was open. Later writes are lost with it. End this process, put the folder back, and start again.`,
  )
}

/** The place of a file that is written all the time. */
export class FilePlace {
  readonly #path: string
  readonly #clock: Clock
  #seenMs = -Infinity

  constructor(path: string, clock: Clock) {
    this.#path = path
    this.#clock = clock
  }

  /**
   * Looks again after a while: nothing is acknowledged for long once the file is no longer in its place. A
   * record that was acknowledged a moment after its folder was removed is lost as those are that came a
   * moment before.
   * @throws as {@link checkPlace}
   */
  check(file: DiskFile): void {
    const nowMs = this.#clock.monotonic()
    if (nowMs < this.#seenMs + checkEveryMs) return
    checkPlace(file, this.#path)
    this.#seenMs = nowMs
  }
}
