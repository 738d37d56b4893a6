/**
 * Limits of internal logs and of state that are exceeded all the time, so that every rewrite, roll, move and
 * drop happens often in a test.
 */
import type { Random } from '../src/base/index.ts'
import type { InternalLimits } from '../src/broker/index.ts'
import type { KeyedStateOptions } from '../src/state/index.ts'

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

/**
 * Few values stay live. A few entries make the table split its pages and move what is left of chunks, and
 * make the order sort and clear its runs.
 */
export function tinyState(random: Random): KeyedStateOptions {
  return {
    cleanEntries: random.int(2) * random.int(30),
    limits:
      random.int(2) === 0
        ? { pageSlotsMax: 8, chunkBytesMax: 512, freshMax: 1 + random.int(8), goneMin: random.int(4) }
        : {},
  }
}
