/** Checks of offsets to commit, by whichever entrance they come. */
import { checkOption, MillraceError } from '../../base/index.ts'
import type { OffsetCommit } from '../../port/index.ts'
import { checkText } from './stored-text.ts'

/**
 * Checks what is kept of each offset.
 * @throws MillraceError INVALID_ARGUMENT; for metadata it is Kafka's OFFSET_METADATA_TOO_LARGE
 */
export function checkOffsets(offsets: readonly OffsetCommit[]): void {
  if (!Array.isArray(offsets))
    throw new MillraceError('INVALID_ARGUMENT', 'The offsets to commit must be an array: [] for none.')
  for (const commit of offsets as readonly OffsetCommit[]) {
    checkOption('a commit', 'offsets', commit, 'object')
    const { topic, partition, offset, leaderEpoch = -1, metadata = '' } = commit
    const place = `'${topic}' ${partition}`
    if (!Number.isSafeInteger(offset) || offset < 0)
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `Offset ${offset} of ${place} cannot be committed: it is not an offset.`,
      )
    // The record of an offset keeps it in 32 bits. A negative one is none, as in Kafka.
    if (leaderEpoch !== (leaderEpoch | 0))
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `leaderEpoch of ${place} must be a whole number of 32 bits, -1 for none, not ${leaderEpoch}.`,
      )
    // A cluster takes 4096 bytes by default (`offset.metadata.max.bytes`).
    checkText(`metadata of the offset of ${place}`, metadata)
  }
}
