/**
 * Replaces each value by what an asynchronous function of the program resolves to.
 *
 * A record waits in state until its result is forwarded, in one commit with that: what was in flight at a
 * crash is asked again, and each record has one result. The task's watermark does not pass the watermark of a
 * record that waits, so no result is late that the record was not. Functions are called, and results are
 * forwarded, between two records.
 *
 * In order, a result waits for those of the records before it in the task. At most `capacity` calls are in
 * flight; while more records wait, no others are read.
 *
 * State: `waiting`, namespace = number of the record in the task, no key → the record.
 */
import { storable } from '../../state/index.ts'
import type { RecordHeader } from '../../wire/index.ts'
import { type Hold, type OperatorContext, stateBegin, type Unary } from './operator.ts'
import { neverLate, type Pane, type RecordContext, StreamRecord } from './record.ts'
import { returned } from './returned.ts'

/** How calls are made. */
export interface AsyncCalls {
  readonly isOrdered: boolean
  readonly capacity: number
  /** How long a call may take; Infinity: as long as it does. */
  readonly timeoutMs: number
  /** How often a call is repeated that fails, or takes too long. */
  readonly retries: number
  /** The time before the first of these; it doubles. */
  readonly backoffMs: number
}

type Call<K, V, R> = (value: V, key: K, record: RecordContext) => R | Promise<R>

/** A record as state keeps it. */
interface Waiting<V> {
  readonly rawKey: string | null
  readonly value: V
  readonly timestamp: number
  readonly watermark: number
  readonly raised: boolean
  readonly headers: readonly RecordHeader[]
  readonly pane: Pane | null
}

interface Flight<K, V> {
  readonly record: StreamRecord<K, V>
  /** How often it was asked. */
  asked: number
  isOut: boolean
  /** When its call has taken too long, or the next one may be made. */
  dueAt: number
  outcome: { readonly value: unknown } | { readonly error: unknown } | undefined
}

export const mapAsync = <K, V, R>(
  call: Call<K, V, R>,
  calls: AsyncCalls,
): Unary<StreamRecord<K, V>, StreamRecord<K, R>> => ({
  name: 'map-async',
  label: `map async, ${calls.isOrdered ? 'ordered' : 'unordered'}`,
  stateful: true,
  make(context, [forward]) {
    const waiting = context.state<Waiting<V>>('waiting', { isScanned: true })
    const flights = new Map<number, Flight<K, V>>()
    // Until the state has been looked at, anything may wait.
    const hold: Hold = { watermark: neverLate, isActive: true, isFull: false }
    context.hold(hold)
    let next: number | undefined
    const wakeIn = context.alarm(work)
    wakeIn(0)

    /** What the last run, or the last owner of the task, has left. */
    function load(): number {
      let last = -1
      for (const { namespace, value } of waiting.scan(stateBegin, Number.POSITIVE_INFINITY)) {
        flights.set(namespace, flightOf(recordOf(context, value)))
        last = namespace
      }
      return last + 1
    }

    function work(): void {
      next ??= load()
      const now = context.monotonic()
      let out = 0
      for (const flight of flights.values()) {
        if (flight.isOut && now >= flight.dueAt) failed(flight, tooLate(calls.timeoutMs), now)
        if (flight.isOut) out += 1
      }
      deliver()
      let dueAt = Number.POSITIVE_INFINITY
      for (const flight of flights.values()) {
        if (!flight.isOut && !flight.outcome && now >= flight.dueAt && out < calls.capacity) {
          ask(flight, now)
          out += 1
        }
        if (flight.isOut || now < flight.dueAt) dueAt = Math.min(dueAt, flight.dueAt)
      }
      settle()
      // A call without a time limit is due never.
      if (dueAt < Number.POSITIVE_INFINITY) wakeIn(Math.max(0, dueAt - now))
    }

    function ask(flight: Flight<K, V>, now: number): void {
      flight.asked += 1
      flight.isOut = true
      flight.dueAt = now + calls.timeoutMs
      const { asked, record } = flight
      const answered = (act: () => void): void => {
        if (!flight.isOut || flight.asked !== asked) return
        act()
        wakeIn(0)
        context.wake()
      }
      // A function that throws has failed as one that rejects.
      void new Promise<R>(resolve => resolve(call(record.value, record.key, record))).then(
        value => answered(() => ([flight.isOut, flight.outcome] = [false, { value }])),
        (error: unknown) => answered(() => failed(flight, error, context.monotonic())),
      )
    }

    function failed(flight: Flight<K, V>, error: unknown, now: number): void {
      flight.isOut = false
      if (flight.asked <= calls.retries) flight.dueAt = now + calls.backoffMs * 2 ** (flight.asked - 1)
      else flight.outcome = { error }
    }

    function deliver(): void {
      let settled = 0
      for (const [number, { record, outcome }] of flights) {
        if (!outcome && calls.isOrdered) return
        if (!outcome) continue
        flights.delete(number)
        waiting.delete(number, '')
        context.attempt(record, () => {
          if ('error' in outcome) throw outcome.error
          forward(record.withValue(returned(outcome.value as R, 'mapAsync')))
        })
        if (++settled < context.rowsPerTurn()) continue
        wakeIn(0)
        return
      }
    }

    /** What is held now. */
    function settle(): void {
      hold.isActive = flights.size > 0
      hold.isFull = flights.size > calls.capacity
      hold.watermark = Number.POSITIVE_INFINITY
      for (const { record } of flights.values()) hold.watermark = Math.min(hold.watermark, record.watermark)
    }

    return {
      inputs: [
        record => {
          next ??= load()
          const number = next
          next += 1
          waiting.put(number, '', waitingOf(context, record))
          flights.set(number, flightOf(record))
          context.undoable?.(() => flights.delete(number))
          hold.isActive = true
          hold.isFull ||= flights.size > calls.capacity
          hold.watermark = Math.min(hold.watermark, record.watermark)
          wakeIn(0)
        },
      ],
    }
  },
})

function flightOf<K, V>(record: StreamRecord<K, V>): Flight<K, V> {
  return { record, asked: 0, isOut: false, dueAt: neverLate, outcome: undefined }
}

function waitingOf<V>(context: OperatorContext, record: StreamRecord<unknown, V>): Waiting<V> {
  const { key, value, timestamp, watermark, raised, headers, pane = null } = record
  const rawKey = key === null || key === undefined ? null : context.rawKey(record)
  return { rawKey, value: storable(value, key), timestamp, watermark, raised, headers, pane }
}

function recordOf<K, V>(context: OperatorContext, waiting: Waiting<V>): StreamRecord<K, V> {
  const { rawKey, value, timestamp, watermark, raised, headers, pane } = waiting
  // A stream without keys has null for them.
  const key = rawKey === null ? (null as K) : context.keyOf<K>(rawKey)
  return new StreamRecord(
    key,
    value,
    null,
    timestamp,
    watermark,
    raised,
    headers,
    pane ?? undefined,
    rawKey ?? undefined,
  )
}

function tooLate(ms: number): Error {
  return new Error(`the promise of mapAsync took longer than its timeout of ${ms} ms`)
}
