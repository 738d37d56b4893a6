/**
 * Limits of internal logs that are exceeded all the time, so that every rewrite, roll and drop happens often
 * in a test.
 */
import type { Random } from '../src/base/index.ts'
import type { InternalLimits } from '../src/broker/index.ts'

/** The size of an offset with the longest allowed metadata. */
export const appRecordBytesMax = 4500

/** `recordBytesMax`: the size of the largest record of an internal log, an offset with its metadata. */
export function tinyLimits(random: Random, recordBytesMax = 400): Required<InternalLimits> {
  return {
    segmentBytes: recordBytesMax + 100 + random.int(3 * recordBytesMax),
    rewriteBytes: 1 + random.int(3000),
    batchBytes: 1 + random.int(recordBytesMax),
    replayBytes: 1 + random.int(4 * recordBytesMax),
  }
}
