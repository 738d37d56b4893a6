/**
 * When a window's result goes out. One window operator can have several outlets, each with its own policy,
 * over one state.
 *
 * - `final`: once the watermark has passed the last instant, and again for every late change (the Dataflow
 *   model's on-time and late panes);
 * - `changes`: at every change;
 * - early: as `final`, and before that the results that have changed, at an interval of processing time or of
 *   event time;
 * - by records: as `final`, and before that at every so many records that have changed the window.
 *
 * Results under `final` and early carry the window's last instant as timestamp, in every pane, so that all of
 * them fall into the same window downstream. Under `changes` they carry the largest timestamp in the window,
 * and so do all results of a window that reaches to the end of time.
 *
 * Under a discarding policy a result holds the records since the one before, and replaces none: the window is
 * emptied as soon as it has gone out.
 *
 * A result that is on time is never late downstream; any other carries the watermark of the record that
 * caused it.
 */
import { durationMs } from '../../base/index.ts'
import { timestampMax } from '../../port/index.ts'
import type { Windowed } from '../../schema/index.ts'
import type { KeyWindow, Pages } from './aggregation.ts'
import { type AnyPolicy, type EarlyPolicy, isDiscarding, type RecordsPolicy } from './emit-policy.ts'
import type { Forward, OperatorContext } from './operator.ts'
import type { Timed, WindowRecord } from './window-aggregate.ts'
import { frozen, given } from '../../state/index.ts'
import { neverLate, noHeaders, StreamRecord, type Pane } from './record.ts'

/** The result of a window of one key, as an outlet gets it. */
export interface WindowResult<K, A> extends KeyWindow {
  readonly key: K
  readonly start: number
  readonly end: number
  readonly value: A | null
  readonly previous: A | null
  /** The largest timestamp in it. */
  readonly timestamp: number
  /** The last timestamp that can belong to it. */
  readonly lastInstant: number
}

/** Where the results of one policy go. */
interface Outlet<K, A> {
  readonly forward: Forward<WindowRecord<K, A>>
  /** Empties the window of a result that has gone out; left out if windows keep what they hold. */
  readonly discard: ((result: WindowResult<K, A>) => void) | undefined
  /** What goes out for the part of an aggregate that a row holds, or held before. */
  readonly shown: Pages<A>['read']
}

/** The rows of an operator's windows, as outlets use them. */
interface WindowRows<K, A> {
  /** Empties a window, for a policy that is alone. Left out for windows that no policy empties. */
  readonly discard?: (result: WindowResult<K, A>) => void
  /** The whole aggregate of which a row holds a part. Left out if rows hold all of it. */
  readonly read?: Pages<A>['read'] | undefined
}

/** How the outlets of one window operator handle its changes. */
export interface Emission<K, A> {
  /**
   * A record, `cause`, changed a window. `fired`: the task's watermark had already passed the window's last
   * instant.
   */
  changed(result: WindowResult<K, A>, fired: boolean, cause: Cause): void
  /** The watermark has passed the last instant of a window. */
  onTime(result: WindowResult<K, A>): void
  /**
   * A window is gone, because it became part of another one or its aggregate became null: its results are
   * retracted. `joins`: it became part of the one that is announced next, for the same cause.
   */
  retracted(result: WindowResult<K, A>, fired: boolean, cause: Cause, joins?: boolean): void
}

/** An outlet that also has something to do when event time passes, as an operator. */
interface Clocked {
  /** The watermark will be `to`: what is due and not complete by then goes out early. */
  advance?(to: number): void
  /** The next watermark at which it is due. */
  deadline?(): number
}

/** The emission of an operator, whose {@link Timed} part `timed` makes of the one of its windows. */
export interface WindowEmission<K, A> extends Emission<K, A> {
  timed(windows: Timed): Timed
}

/** Decides whether a record, and every correction that it causes, is late. */
type Cause = Pick<StreamRecord, 'watermark' | 'raised'>

const onTimeCause: Cause = { watermark: neverLate, raised: false }

/** Early results that one outlet holds. When this many windows have changed, their results go out at once. */
const pendingEarlyMax = 100_000

/** One outlet for each policy. */
export function emission<K, A>(
  context: OperatorContext,
  policies: readonly AnyPolicy[],
  forwards: readonly Forward<WindowRecord<K, A>>[],
  { discard, read }: WindowRows<K, A> = {},
): WindowEmission<K, A> {
  const whole: Pages<A>['read'] = read ?? ((_window, held) => held)
  // What a window has collected is frozen only now: its rows do not leave the operator.
  const shown: Pages<A>['read'] = (window, held) => given(frozen(whole(window, held)))
  const parts = policies.map((policy, index): Emission<K, A> & Clocked => {
    const forward = forwards[index]!
    if (typeof policy === 'object' && 'finalIf' in policy)
      return finalOutlet(
        context,
        { forward, discard: undefined, shown: whole },
        policy.finalIf as (held: A) => boolean,
      )
    const outlet = { forward, discard: isDiscarding(policy) ? discard : undefined, shown }
    switch (policy) {
      case 'final':
        return finalOutlet(context, outlet)
      case 'changes':
        return changesOutlet(context, outlet)
      default:
        return 'early' in policy
          ? earlyOutlet(context, outlet, policy, index)
          : countedOutlet(context, outlet, policy, index)
    }
  })
  const timed = ({ advance, deadline }: Timed): Timed => ({
    advance(to) {
      for (const part of parts) part.advance?.(to)
      return advance(to)
    },
    deadline: () => parts.reduce((first, part) => Math.min(first, part.deadline?.() ?? first), deadline()),
  })
  const [only] = parts
  if (parts.length === 1 && only) return { ...only, timed }
  return {
    timed,
    changed(result, fired, cause) {
      for (const part of parts) part.changed(result, fired, cause)
    },
    onTime(result) {
      for (const part of parts) part.onTime(result)
    },
    retracted(result, fired, cause, joins) {
      for (const part of parts) part.retracted(result, fired, cause, joins)
    },
  }
}

/** @param isWanted whether a window that holds this has a result. Default: every one has. */
function finalOutlet<K, A>(
  context: OperatorContext,
  outlet: Outlet<K, A>,
  isWanted?: (held: A) => boolean,
): Emission<K, A> {
  const give = (result: WindowResult<K, A>, pane: Pane, cause: Cause): void => {
    if (!isWanted || result.value === null || isWanted(result.value))
      send(context, outlet, result, pane, cause)
  }
  const correct = (result: WindowResult<K, A>, fired: boolean, cause: Cause): void => {
    if (fired) give(result, 'late', cause)
  }
  return {
    changed: correct,
    onTime: result => give(result, 'on-time', onTimeCause),
    // What discards replaces nothing.
    retracted: outlet.discard ? () => {} : correct,
  }
}

function changesOutlet<K, A>(context: OperatorContext, outlet: Outlet<K, A>): Emission<K, A> {
  const show = (result: WindowResult<K, A>, fired: boolean, cause: Cause): void => {
    context.emitted('changes')
    pass(outlet, result, fired ? 'late' : 'early', result.timestamp, cause)
  }
  return { changed: show, onTime: () => {}, retracted: show }
}

function earlyOutlet<K, A>(
  context: OperatorContext,
  outlet: Outlet<K, A>,
  { early, time = 'processing' }: Omit<EarlyPolicy, 'panes'>,
  index: number,
): Emission<K, A> & Clocked {
  const everyMs = durationMs(early)
  const final = finalOutlet(context, outlet)
  // The changes since the last early results, by window and key. A crash loses them: early results are not
  // guaranteed.
  let pending = new Map<string, { result: WindowResult<K, A>; cause: Cause }>()
  // Early results of windows that are not final yet, so that a change carries the value that it replaces.
  // They are state, so they survive a restart.
  const shown = context.state<A>(`early-${index}`)
  const idOf = (result: WindowResult<K, A>): string => `${result.place} ${result.rawKey}`
  /** The watermark at which they are due, if by event time. */
  let dueAt = Number.POSITIVE_INFINITY
  /** Forwards those of windows that will not be complete when the watermark is `watermark`. */
  const flush = (watermark: number): void => {
    const due = pending
    pending = new Map()
    dueAt = Number.POSITIVE_INFINITY
    for (const [id, { result, cause }] of due) {
      if (result.lastInstant < watermark) {
        pending.set(id, { result, cause })
        continue
      }
      const previous = shown.get(result.place, result.rawKey) ?? null
      send(context, outlet, { ...result, previous }, 'early', cause)
      if (result.value !== null && !outlet.discard) shown.put(result.place, result.rawKey, result.value)
    }
  }
  if (time === 'processing') context.every(everyMs, () => flush(context.watermark()))
  const settle = (result: WindowResult<K, A>): A | null => {
    const id = idOf(result)
    context.undoable?.(restoring(pending, id))
    pending.delete(id)
    const previous = shown.get(result.place, result.rawKey) ?? null
    if (previous !== null) shown.delete(result.place, result.rawKey)
    return previous
  }
  return {
    changed(result, fired, cause) {
      if (fired) return final.changed(result, true, cause)
      const { watermark, raised } = cause
      const id = idOf(result)
      context.undoable?.(restoring(pending, id))
      pending.set(id, { result, cause: { watermark, raised } })
      if (time === 'event' && dueAt === Number.POSITIVE_INFINITY) {
        const now = context.watermark()
        dueAt = (Math.floor((Number.isFinite(now) ? now : result.timestamp) / everyMs) + 1) * everyMs
        context.wakeAt(dueAt)
      }
      if (pending.size >= pendingEarlyMax) flush(context.watermark())
    },
    advance(to) {
      if (to >= dueAt) flush(to)
    },
    deadline: () => dueAt,
    onTime: result => final.onTime({ ...result, previous: settle(result) }),
    retracted(result, fired, cause) {
      if (fired) return final.retracted(result, true, cause)
      const previous = settle(result)
      if (previous !== null) send(context, outlet, { ...result, previous }, 'early', cause)
    },
  }
}

function countedOutlet<K, A>(
  context: OperatorContext,
  outlet: Outlet<K, A>,
  { everyRecords }: Omit<RecordsPolicy, 'panes'>,
  index: number,
): Emission<K, A> {
  const final = finalOutlet(context, outlet)
  /** Of a window that is not final: the records since its last result, and that result. */
  const counted = context.state<{ readonly records: number; readonly shown: A | null }>(`counted-${index}`)
  /** The records of the windows that join the one that `cause` announces next. */
  let joining: { readonly cause?: Cause; readonly records: number } = { records: 0 }
  const joined = (cause: Cause): number => (joining.cause === cause ? joining.records : 0)
  const settle = ({ place, rawKey }: WindowResult<K, A>) => {
    const known = counted.get(place, rawKey)
    if (known !== undefined) counted.delete(place, rawKey)
    return known
  }
  return {
    changed(result, fired, cause) {
      if (fired) return final.changed(result, true, cause)
      const { place, rawKey, value } = result
      const { records: before, shown } = counted.get(place, rawKey) ?? { records: joined(cause), shown: null }
      const isDue = before + 1 >= everyRecords
      if (isDue && outlet.discard) counted.delete(place, rawKey)
      else counted.put(place, rawKey, isDue ? { records: 0, shown: value } : { records: before + 1, shown })
      if (isDue) send(context, outlet, { ...result, previous: shown }, 'early', cause)
    },
    onTime: result => final.onTime({ ...result, previous: settle(result)?.shown ?? null }),
    retracted(result, fired, cause, joins = false) {
      if (fired) return final.retracted(result, true, cause)
      const { records = 0, shown: previous = null } = settle(result) ?? {}
      if (joins) joining = { cause, records: joined(cause) + records }
      if (previous !== null) send(context, outlet, { ...result, previous }, 'early', cause)
    },
  }
}

/** Returns a function that restores the map's present entry for a key. */
function restoring<V>(map: Map<string, V>, key: string): () => void {
  const before = map.get(key)
  return () => {
    if (before === undefined) map.delete(key)
    else map.set(key, before)
  }
}

function send<K, A>(
  context: OperatorContext,
  outlet: Outlet<K, A>,
  result: WindowResult<K, A>,
  pane: Pane,
  cause: Cause,
): void {
  context.emitted(pane)
  const { lastInstant, timestamp } = result
  pass(outlet, result, pane, lastInstant < timestampMax ? lastInstant : timestamp, cause)
  outlet.discard?.(result)
}

function pass<K, A>(
  { forward, shown }: Outlet<K, A>,
  result: WindowResult<K, A>,
  pane: Pane,
  timestamp: number,
  { watermark, raised }: Cause,
): void {
  const { key: inner, start, end, value, previous } = result
  // New and plain: `frozen` would have to find that out.
  const key: Windowed<K> = Object.freeze({ key: frozen(inner), start, end })
  forward(
    new StreamRecord<Windowed<K>, A | null>(
      key,
      value === null ? null : shown(result, value),
      previous === null ? null : shown(result, previous),
      timestamp,
      watermark,
      raised,
      noHeaders,
      pane,
      undefined,
    ),
  )
}
