/** When the results of windows go out, as a program says it. What that means is in emission.ts. */
import { checkOptions, durationMs, type Duration, inWords, MillraceError } from '../../base/index.ts'

/**
 * `'final'`, `'changes'`, or `{ early: '1s' }`: an early result of each changed window every second of
 * processing time, then the one on time, then corrections. With `time: 'event'` the seconds are those of the
 * task's watermark, from multiples of the interval on.
 */
export type EmitPolicy = 'final' | 'changes' | EarlyPolicy | RecordsPolicy

/** As `'final'`, and early results at an interval. */
export interface EarlyPolicy {
  readonly early: Duration
  /** The time in which the interval passes. Default `'processing'`. */
  readonly time?: 'processing' | 'event'
  /** Each result holds all records of the window so far. This is the default. */
  readonly panes?: 'accumulating'
}

/** As `'final'`, and an early result of a window at every so many records that have changed it. */
export interface RecordsPolicy {
  readonly everyRecords: number
  /** Each result holds all records of the window so far. This is the default. */
  readonly panes?: 'accumulating'
}

/** A policy whose results do not replace each other: each holds the records since the one before. */
export type DiscardingPolicy = (Omit<EarlyPolicy, 'panes'> | Omit<RecordsPolicy, 'panes'>) & {
  readonly panes: 'discarding'
}

/** As `'final'`, for an operator of ours: it gets what state holds of a window, not frozen. */
export interface InnerPolicy {
  /** Whether the operator makes anything of what a window holds: it gets no other results. */
  readonly finalIf: (held: never) => boolean
}

/** Any policy. */
export type AnyPolicy = EmitPolicy | DiscardingPolicy | InnerPolicy

/** Whether a window is empty after each of its results. */
export function isDiscarding(policy: AnyPolicy): policy is DiscardingPolicy {
  return typeof policy === 'object' && 'panes' in policy && policy.panes === 'discarding'
}

/** Policies of one kind know in the same way what an open window has shown so far. */
export type PolicyKind = 'final' | 'changes' | 'early' | 'everyRecords'

export function kindOfPolicy(policy: AnyPolicy): PolicyKind {
  if (typeof policy === 'string') return policy
  if ('finalIf' in policy) return 'final'
  return 'early' in policy ? 'early' : 'everyRecords'
}

const panes = ['accumulating', 'discarding'] as const

/** @throws MillraceError INVALID_ARGUMENT, INVALID_DURATION */
export function checkEmitPolicy(policy: EmitPolicy | DiscardingPolicy): void {
  if (policy === 'final' || policy === 'changes') return
  if (typeof policy === 'object' && policy !== null && 'early' in policy) {
    checkOptions('emit', policy, { early: 'duration', time: ['processing', 'event'], panes })
    if (policy.early !== undefined && durationMs(policy.early) > 0) return
  }
  if (typeof policy === 'object' && policy !== null && 'everyRecords' in policy) {
    checkOptions('emit', policy, { everyRecords: 'count', panes })
    if (policy.everyRecords !== undefined) return
  }
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `emit needs 'final', 'changes', { everyRecords: 100 }, or { early: '1s' } with an interval longer than 0, got ${inWords(policy)}.`,
  )
}

/** The policy in words, as the name of its outlet. */
export function describePolicy(policy: AnyPolicy): string {
  if (typeof policy === 'string') return policy
  if ('finalIf' in policy) return 'final'
  const kept = isDiscarding(policy) ? ', discarding' : ''
  if ('everyRecords' in policy) return `early every ${policy.everyRecords} records${kept}`
  return `early every ${policy.early}${policy.time === 'event' ? ' of event time' : ''}${kept}`
}
