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
export const attemptsMax = 50

export interface LookOptions {
  readonly disk: Disk
  readonly clock: Clock
  /** Selects the partitions. */
  readonly only: (topic: string, index: number) => boolean
}

/** The directory as it is now. Partitions are damaged only if two looks find the same damage. */
export async function openAsItIs(path: string, options: LookOptions): Promise<LogDirectory> {
  let before: string | undefined
  for (let attempt = 1; ; attempt += 1)
    try {
      const log = await LogDirectory.open(path, { ...options, readOnly: true })
      const damage = damageIn(log)
      if (damage === before || damage === undefined || attempt >= attemptsMax) return log
      before = damage
      await log.close()
    } catch (error) {
      if (attempt >= attemptsMax || !isGone(error)) throw error
    }
}

/** Whether the error of a read says that the owner has changed files since: a new look may succeed. */
export function isOutdatedBy(log: LogDirectory, error: unknown): boolean {
  return isGone(error) || (isMillraceError(error, 'PARTITION_DAMAGED') && damageIn(log) === undefined)
}

function damageIn(log: LogDirectory): string | undefined {
  const damages = log.recovery.partitions.flatMap(({ damage }) => damage ?? [])
  return damages.length > 0 ? damages.join() : undefined
}

function isGone(error: unknown): boolean {
  return isMillraceError(error, 'DISK_FAILED') && systemCode(error.cause) === 'ENOENT'
}
