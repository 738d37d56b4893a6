/**
 * Looks at a directory whose owner may change it meanwhile: a look that finds files gone, or files of
 * different moments, is repeated.
 */
import { isMillraceError, systemCode, type Clock, type Disk } from '../base/index.ts'
import { LogDirectory } from '../log/index.ts'

/**
 * Outdated looks before giving up. Mostly the owner changes names a few times a minute, so that even one is
 * rare; while it compacts many small segments, a dozen in a row are not.
 */
const attemptsMax = 50

export interface LookOptions {
  readonly disk: Disk
  readonly clock: Clock
  /** Selects the partitions. */
  readonly only: (topic: string, index: number) => boolean
}

/** The directory as it is now. A partition is damaged only if two looks find the same damage. */
export async function openAsItIs(path: string, options: LookOptions): Promise<LogDirectory> {
  let before = new Set<string>()
  for (let attempt = 1; ; attempt += 1)
    try {
      const log = await LogDirectory.open(path, { ...options, readOnly: true })
      const damages = log.recovery.partitions.flatMap(({ damage }) => damage?.message ?? [])
      if (damages.every(damage => before.has(damage)) || attempt >= attemptsMax) return log
      before = new Set(damages)
      await log.close()
    } catch (error) {
      if (attempt >= attemptsMax || !isGone(error)) throw error
    }
}

/** The looks in which one read has failed so far. */
export class OutdatedLooks {
  #count = 0
  #damage: string | undefined

  /** Adds one. Returns whether the owner may have changed files since, so that a new look is worth while. */
  add(error: unknown): boolean {
    this.#count += 1
    if (this.#count >= attemptsMax) return false
    if (isGone(error)) return true
    // Damage that two looks find is there.
    if (!isMillraceError(error, 'PARTITION_DAMAGED') || error.message === this.#damage) return false
    this.#damage = error.message
    return true
  }
}

function isGone(error: unknown): boolean {
  return isMillraceError(error, 'DISK_FAILED') && systemCode(error.cause) === 'ENOENT'
}
