/**
 * The operator contract for programs: functions for records and for timers, with state by typed names, and
 * results in named outlets.
 *
 * Before a record of a key, the timers of the key fire that the record's own watermark has passed. So the
 * order of records and timers of a key depends on the source partition alone, and not on when the task's
 * watermark follows.
 *
 * State: `set`, `timers` and `clock-timers` (key-timers.ts); `state-…` for each state of the program
 * (kept-values.ts); `broadcast-…` for each table that every task has (broadcast-rows.ts); `expiry` and
 * `clock-expiry`, the timers of entries with a time to live (entries.ts).
 */
import { frozen, given } from '../../state/index.ts'
import { type BroadcastRows, broadcastRows } from './broadcast-rows.ts'
import { keyTimers, type Timer } from './key-timers.ts'
import { type Forward, hasKey, type Layout, type OperatorSpec } from './operator.ts'
import { type Declared, declaredStates, type TimeDomain } from './process-states.ts'
import { neverLate, noHeaders, type Pane, type RecordContext, StreamRecord } from './record.ts'
import { done, passedTimestamp, returned } from './returned.ts'
import { inOrder } from './timers.ts'

/** What the functions of process work with. It is one object, which is valid during a call. */
export interface ProcessContext<
  States,
  Outputs,
  TimerNames extends string,
  Broadcast = object,
> extends RecordContext {
  /**
   * Of a record: the watermark of its source partition before it. Of a timer by event time: the first that
   * has passed it. Of one by processing time: the task's.
   */
  readonly watermark: number
  /** The wall clock, in ms since the epoch. */
  readonly now: () => number
  /** The states of the key. */
  readonly state: Readonly<States>
  /** The timers of the key. */
  readonly timers: { readonly [N in TimerNames]: Timer }
  /** The rows of the tables that every task has. */
  readonly broadcast: Readonly<Broadcast>
  /** Passes a value on under the key. `timestamp`: by default that of the record, or of the timer. */
  readonly emit: { readonly [N in keyof Outputs]: (value: Outputs[N], timestamp?: number) => void }
}

/** What a program has declared. The DSL has checked it, and knows its types. */
export interface Processing {
  readonly states: Readonly<Record<string, Declared>>
  readonly outlets: readonly string[]
  readonly timers: Readonly<Record<string, DeclaredTimer>>
  /** The names of the tables that every task has. Their changes are the last inputs. */
  readonly broadcast: readonly string[]
  /** The function of each input. */
  readonly onRecord: readonly ((value: never, key: never, context: never) => void)[]
}

interface DeclaredTimer {
  readonly time: TimeDomain
  readonly fire: (key: never, context: never) => void
}

type Emit = Readonly<Record<string, (value: unknown, timestamp?: number) => void>>

export const process = ({
  states,
  outlets,
  timers,
  broadcast,
  onRecord,
}: Processing): OperatorSpec<readonly StreamRecord[], readonly StreamRecord[]> => ({
  name: 'process',
  outlets,
  stateful: true,
  shape: () => Object.fromEntries(Object.entries(states).map(([name, { kind }]) => [name, kind])),
  layout: () => layoutOf(states, timers),
  keepsRowsOf: broadcast.map((_, i) => onRecord.length + i),
  ...(onRecord.length > 1 && { acrossPartitions: true }),
  make(context, to) {
    const current = new Current(() => context.now())
    const domains = Object.fromEntries(Object.entries(timers).map(([name, { time }]) => [name, time]))
    const pending = keyTimers(context, current, domains, (name, rawKey, time, reached) => {
      const watermark = reached === undefined ? context.watermark() : time + 1
      // By event time, it goes out ahead of the watermark that fires it.
      const about = timerRecord(
        context.keyOf(rawKey),
        rawKey,
        time,
        reached === undefined ? watermark : neverLate,
      )
      context.attempt(about, () => {
        current.begin(about, rawKey, watermark)
        current.isOver = (reached ?? watermark) === Number.POSITIVE_INFINITY
        done(timers[name]!.fire(about.key as never, current as never), `timer '${name}'`)
        current.end()
      })
    })
    const { state, expiry } = declaredStates(context, current, states)
    const tables = broadcast.map(name => [name, broadcastRows(context, name)] as const)
    const emit = Object.fromEntries(outlets.map((name, i) => [name, emitting(current, name, to[i]!)]))
    const rows = Object.fromEntries(tables.map(([name, table]) => [name, table.rows]))
    current.have(state, pending.handles, rows, emit)
    const inputs = onRecord.map((take): Forward => record => {
      if (!hasKey(record)) return context.drop('null-key')
      const rawKey = context.rawKey(record)
      pending.fireBefore(record.watermark, rawKey)
      current.begin(record, rawKey, record.watermark)
      done(take(record.value as never, record.key as never, current as never), 'process')
      current.end()
    })
    return {
      inputs: [...inputs, ...tables.map(([, table]) => table.take)],
      ...inOrder([...pending.queues, ...expiry]),
    }
  },
})

/** Entries with a time to live are stored with it; timers are kept by the time that makes them due. */
function layoutOf(states: Processing['states'], timers: Processing['timers']): Layout {
  return Object.fromEntries([
    ...Object.entries(states).map(([name, { ttlMs, time }]) => [
      `the ttl of state '${name}'`,
      ttlMs === undefined ? 'none' : `by ${time} time`,
    ]),
    ...Object.entries(timers).map(([name, { time }]) => [`the time of timer '${name}'`, time]),
  ])
}

/** The context of all calls: what is of the record or timer that is processed, and what stays. */
class Current implements ProcessContext<unknown, unknown, never, unknown> {
  readonly now: () => number
  #record: StreamRecord | undefined
  #rawKey = ''
  watermark: number = neverLate
  /** Whether no time comes after this call. */
  isOver = false
  state: Readonly<Record<string, unknown>> = {}
  timers: Readonly<Record<string, Timer>> = {}
  broadcast: Readonly<Record<string, BroadcastRows<unknown, unknown>>> = {}
  emit: Emit = {}

  constructor(now: () => number) {
    this.now = now
  }

  have(
    state: Current['state'],
    timers: Current['timers'],
    broadcast: Current['broadcast'],
    emit: Emit,
  ): void {
    this.state = state
    this.timers = timers
    this.broadcast = broadcast
    this.emit = emit
  }

  begin(record: StreamRecord, rawKey: string, watermark: number): void {
    this.#record = record
    this.#rawKey = rawKey
    this.watermark = watermark
    this.isOver = false
  }

  /** After a call that has succeeded. What one that has failed did is undone. */
  end(): void {
    this.#record = undefined
  }

  /** @throws TypeError after the call: what a callback does then would be in no commit, under another key */
  get record(): StreamRecord {
    if (this.#record) return this.#record
    throw new TypeError(
      'the context of process is valid during the call only; functions of an app are synchronous',
    )
  }

  get rawKey(): string {
    void this.record
    return this.#rawKey
  }

  get key(): unknown {
    return this.record.key
  }

  get timestamp(): number {
    return this.record.timestamp
  }

  get headers(): RecordContext['headers'] {
    return this.record.headers
  }

  get pane(): Pane | undefined {
    return this.record.pane
  }
}

function emitting(current: Current, name: string, forward: Forward): Emit[string] {
  return (value, timestamp) => {
    const result = current.record.withValue(given(frozen(returned(value, `emit.${name}`))))
    forward(
      timestamp === undefined ? result : result.withTimestamp(passedTimestamp(timestamp, `emit.${name}`)),
    )
  }
}

function timerRecord(key: unknown, rawKey: string, timestamp: number, watermark: number): StreamRecord {
  return new StreamRecord(key, null, null, timestamp, watermark, false, noHeaders, undefined, rawKey)
}
