/** How long changes of a table are held back, as a program says it. */
import { MillraceError, type Duration } from '../../base/index.ts'
import type { HoldBack } from '../operators/suppress.ts'
import type { GraphNode } from '../plan/graph.ts'
import { positiveMs } from './durations.ts'
import type { Named } from './options.ts'
import { checkHasWatermark } from './has-watermark.ts'

/** Options of `suppress`. Its bounds hold for each task, which has the keys of one partition. */
export interface SuppressOptions extends Named {
  /** The most rows whose changes are held. Default: no bound, as with other state. */
  readonly maxRecords?: number
  /** The most bytes that held changes may take in state, without their headers. Default: no bound. */
  readonly maxBytes?: number
  /**
   * What happens over a bound. `'emitEarly'`, the default: the changes that are due first go out at once.
   * `'fail'`: the run ends with LIMIT_EXCEEDED.
   */
  readonly whenFull?: 'emitEarly' | 'fail'
}

/** `from`: where the changes come from. */
export function holdBackOf(limit: Duration, from: GraphNode, options: SuppressOptions): HoldBack {
  const { maxRecords, maxBytes, whenFull = 'emitEarly' } = options
  const limitMs = positiveMs(limit, 'the limit of suppress')
  checkHasWatermark('the time for which suppress holds changes', from)
  if (options.whenFull !== undefined && maxRecords === undefined && maxBytes === undefined)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `suppress with whenFull '${whenFull}' has no bound that could be full: give it maxRecords or maxBytes.`,
    )
  return {
    limitMs,
    recordsMax: maxRecords ?? Number.POSITIVE_INFINITY,
    bytesMax: maxBytes ?? Number.POSITIVE_INFINITY,
    whenFull,
  }
}
