/**
 * When a window's result goes out. One window operator can have several outlets, each with a policy of its own, over one state.
 *
 * - `final`: once the watermark has passed the end, and again for every late change (the Dataflow model's on-time and late panes);
 * - `changes`: at every change;
 * - early: as `final`, and before that every so often of processing time what has changed since.
 */
import { checkOptions, durationMs, type Duration, inWords, MillraceError } from '../../base/index.ts'
import type { Windowed } from '../../schema/index.ts'
import type { Forward, OperatorContext } from '../operator.ts'
import { neverLate, noHeaders, StreamRecord, type Pane } from '../record.ts'

/**
 * `'final'`, `'changes'`, or `{ early: '1s' }`: an early result of each changed window every second of processing time, then the one on time, then
 * corrections.
 */
export type EmitPolicy = 'final' | 'changes' | { readonly early: Duration }

/** @throws MillraceError INVALID_ARGUMENT, INVALID_DURATION */
export function checkEmitPolicy(policy: EmitPolicy): void {
  if (policy === 'final' || policy === 'changes') return
  if (typeof policy === 'object' && policy !== null && 'early' in policy) {
    checkOptions('emit', policy, { early: 'duration' })
    if (policy.early !== undefined && durationMs(policy.early) > 0) return
  }
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `emit needs 'final', 'changes', or { early: '1s' } with an interval longer than 0, got ${inWords(policy)}.`,
  )
}

/** A window of one key, as an outlet is told of it. */
export interface WindowResult {
  readonly rawKey: string
  readonly key: unknown
  readonly start: number
  readonly end: number
  readonly value: unknown
  readonly previous: unknown
  /** The largest timestamp in it. */
  readonly timestamp: number
}

export interface Outlet {
  readonly policy: EmitPolicy
  readonly forward: Forward
}

/** What the outlets of one window operator do with its changes. */
export interface Emission {
  /** A record changed a window; `fired` when the watermark had passed its end already. `watermark` is that record's. */
  changed(result: WindowResult, fired: boolean, watermark: number): void
  /** The watermark has passed the end of a window. */
  onTime(result: WindowResult): void
  /** A window is gone because it became part of another one, or its aggregate null: what went out for it is taken back. */
  retracted(result: WindowResult, fired: boolean, watermark: number): void
}

/** Early results held for one outlet: more than this many changed windows and they go out at once. */
const pendingEarlyMax = 100_000

export function emission(context: OperatorContext, outlets: readonly Outlet[]): Emission {
  const parts = outlets.map((outlet, index) => {
    switch (outlet.policy) {
      case 'final':
        return finalOutlet(context, outlet.forward)
      case 'changes':
        return changesOutlet(context, outlet.forward)
      default:
        return earlyOutlet(context, outlet.forward, durationMs(outlet.policy.early), index)
    }
  })
  const [only] = parts
  if (parts.length === 1 && only) return only
  return {
    changed(result, fired, watermark) {
      for (const part of parts) part.changed(result, fired, watermark)
    },
    onTime(result) {
      for (const part of parts) part.onTime(result)
    },
    retracted(result, fired, watermark) {
      for (const part of parts) part.retracted(result, fired, watermark)
    },
  }
}

function finalOutlet(context: OperatorContext, forward: Forward): Emission {
  return {
    changed(result, fired, watermark) {
      if (fired) send(context, forward, result, 'late', result.timestamp, watermark)
    },
    onTime: result =>
      send(context, forward, { ...result, previous: null }, 'on-time', result.end - 1, neverLate),
    retracted(result, fired, watermark) {
      if (fired) send(context, forward, result, 'late', result.timestamp, watermark)
    },
  }
}

function changesOutlet(context: OperatorContext, forward: Forward): Emission {
  const pass = (result: WindowResult, fired: boolean, watermark: number): void =>
    send(context, forward, result, fired ? 'late' : 'early', result.timestamp, watermark)
  return { changed: pass, onTime: () => {}, retracted: pass }
}

function earlyOutlet(context: OperatorContext, forward: Forward, everyMs: number, index: number): Emission {
  const final = finalOutlet(context, forward)
  // What has changed since the last early results, by window and key. A crash loses it: early results are not part of what is promised.
  let pending = new Map<string, { result: WindowResult; watermark: number }>()
  // What went out early and is not final yet, so that a change says what it replaces: kept as state, so also after a restart.
  const shown = context.state<unknown>(`early-${index}`)
  const idOf = (result: WindowResult): string => `${result.start} ${result.rawKey}`
  const flush = (): void => {
    const due = pending
    pending = new Map()
    for (const { result, watermark } of due.values()) {
      const previous = shown.get(result.start, result.rawKey) ?? null
      send(context, forward, { ...result, previous }, 'early', result.timestamp, watermark)
      shown.put(result.start, result.rawKey, result.value)
    }
  }
  context.every(everyMs, flush)
  const settle = (result: WindowResult): unknown => {
    pending.delete(idOf(result))
    const previous = shown.get(result.start, result.rawKey) ?? null
    if (previous !== null) shown.delete(result.start, result.rawKey)
    return previous
  }
  return {
    changed(result, fired, watermark) {
      if (fired) return final.changed(result, true, watermark)
      pending.set(idOf(result), { result, watermark })
      if (pending.size >= pendingEarlyMax) flush()
    },
    onTime: result =>
      send(context, forward, { ...result, previous: settle(result) }, 'on-time', result.end - 1, neverLate),
    retracted(result, fired, watermark) {
      if (fired) return final.retracted(result, true, watermark)
      const previous = settle(result)
      if (previous !== null)
        send(context, forward, { ...result, previous }, 'early', result.timestamp, watermark)
    },
  }
}

function send(
  context: OperatorContext,
  forward: Forward,
  result: WindowResult,
  pane: Pane,
  timestamp: number,
  watermark: number,
): void {
  const key: Windowed<unknown> = { key: result.key, start: result.start, end: result.end }
  const record = new StreamRecord(
    key,
    result.value,
    result.previous,
    timestamp,
    watermark,
    noHeaders,
    pane,
    undefined,
  )
  context.emitted(record)
  forward(record)
}
