/**
 * The operator contract.
 *
 * An operator is declared as data, an {@link OperatorSpec}: what it is called, and what it does to keys, time
 * and state. What the spec leaves out follows from its inputs, in `Graph.apply`. The task calls `make` once.
 * The operator that it returns runs as plain synchronous calls: an operator gets a record, updates its state,
 * and calls `to` none, one or many times.
 *
 * What an operator may rely on:
 * - all records of one key reach the same task, in the order of their source partition;
 * - `advance(w)` is called with growing watermarks, before any record that came after `w` was reached, and,
 *   after a crash, again from the state of the last commit; while it runs, the task's watermark is still the
 *   previous one;
 * - nothing but its own calls changes its state, with one exception: in the first state that it asks for,
 *   namespaces below {@link stateBegin} belong to the task.
 *
 * What it must do:
 * - never await, and keep everything that must survive a restart in state;
 * - ask for its states in `make`, under the same names each time;
 * - ask the task for its watermark, and keep no copy, which could be older;
 * - change no record and no value that it was given, and freeze a value before it forwards it twice;
 * - judge a record by the record's own watermark, never by the task's: else the result depends on timing;
 * - fire a window when the watermark has passed its last instant, and forget the window when the watermark
 *   has passed that by the allowed lateness;
 * - forward results that the watermark fired with the watermark {@link neverLate}: they go out ahead of it;
 * - forward corrections with the watermark of the record that caused them;
 * - count each record that it drops.
 */
import type { AnyPolicy } from './emit-policy.ts'
import type { Shape } from './value-shape.ts'
import type { KeyCodec } from './key-codec.ts'
import type { KeyedState, StateUse } from '../../state/index.ts'
import type { Pane, StreamRecord } from './record.ts'

/** Passes a record on. */
export type Forward<R extends StreamRecord = StreamRecord> = (record: R) => void

/** One forward for each type of record. */
export type Forwards<Records extends readonly StreamRecord[]> = {
  readonly [I in keyof Records]: Forward<Records[I]>
}

/**
 * The current content of a table, for joins: by the key's bytes, with the key itself for the functions of
 * filters and mappers.
 */
export interface TableView<K = unknown, V = unknown> {
  get(rawKey: string, key: K): V | undefined
  /** The row as it was at a time: of a table with history. */
  asOf?(rawKey: string, key: K, timestamp: number): V | undefined
}

/** The rows of a global table: every instance has all of them. */
export interface GlobalRows<K = unknown, V = unknown> {
  get(key: K): V | undefined
}

/** What state depends on besides its operator's kind. `'none'` is as good as nothing. */
export type Layout = Readonly<Record<string, string | number>>

/**
 * How an operator is declared: one value per call of the DSL, made by a function in this folder. `In` are the
 * records that it takes, one type per input; `Out` those that it gives, one type per outlet.
 */
export interface OperatorSpec<In extends readonly StreamRecord[], Out extends readonly StreamRecord[]> {
  /** The operator's part of the names of nodes and of state: `filter` makes `filter-1`. */
  readonly name: string
  /**
   * For descriptions, and to tell its state from another operator's: `count, tumbling 1h`. A function if what
   * the program says later is part of it. Default: its name.
   */
  readonly label?: string | (() => string)
  /** The names of its outlets, in order. Default: one, `out`. */
  readonly outlets?: readonly string[]
  /** Whether it keeps state. Default false. */
  readonly stateful?: boolean
  /**
   * The shape of the values that it keeps, so that a later program does not misread them. Default: not known.
   */
  readonly shape?: () => Shape
  /**
   * What else its state depends on, by its name in messages: `{ "the time of timer 'late'": 'event' }`. State
   * of a program that says otherwise is refused. A number is a time in ms, for which the state keeps
   * something: a shorter one fits. A function as the label may be.
   */
  readonly layout?: () => Layout
  /**
   * The inputs of which it keeps all rows: state that begins in the middle of them would be wrong, so it
   * cannot be added to a program that has read some. Default: none.
   */
  readonly keepsRowsOf?: readonly number[]
  /** Of windows: when results go out, one policy for each outlet from 1 on. */
  readonly policies?: readonly AnyPolicy[]
  /**
   * The keys of the output. `'made'`: the program made them, so their form is JSON, and an exchange precedes
   * the next keyed operator. Default: those of the first input.
   */
  readonly keys?: 'made' | ((input: KeyCodec) => KeyCodec)
  /**
   * How late its results may come, in ms: windows downstream must allow at least this. Default: the largest
   * of its inputs.
   */
  readonly latenessMs?: number
  /**
   * For how long it holds records back, in ms at the most, which then go out with the watermark that they
   * came with. Default 0.
   */
  readonly heldMs?: number
  /**
   * How late a record it still takes, in ms. Inputs that ask for more are refused, with LATENESS_SHRINKS.
   * Default: it takes records however late they are.
   */
  readonly allowedLatenessMs?: number
  /** Whether records of one key can come out of several source partitions. Default: as in the first input. */
  readonly acrossPartitions?: boolean
  /** Makes the operator of one task. `to` has one forward for each outlet. */
  make(context: OperatorContext, to: Forwards<Out>): Operator<In>
}

/** An operator of one task. */
export interface Operator<In extends readonly StreamRecord[] = readonly StreamRecord[]> {
  /** One for each input. */
  readonly inputs: Forwards<In>
  /**
   * Event time has reached `watermark`: fire and forget what is due. Returns false when it stopped early
   * because it has done enough for one turn of the event loop; it is then called again with the same
   * watermark before anything else happens in the task. A commit may come in between, and a restart after
   * that; the next call has the same watermark then, too.
   */
  advance?(watermark: number): boolean
  /**
   * The place at which {@link advance} stopped early, as a value that state can hold. Only for an operator
   * whose own state does not show it.
   */
  place?(): unknown
  /** After a restart: {@link advance} continues at this place. */
  resume?(place: unknown): void
  /**
   * The next watermark at which {@link advance} has something to do; read after each call of it, `Infinity`
   * for never.
   */
  deadline?(): number
  /** A table's current content. */
  readonly view?: TableView
}

/**
 * Why a record went no further. `late`: no window takes it any more. `idle`: the same, by a watermark that
 * was raised while its partition had no data. `not-sampled`: it is between two windows whose advance is
 * longer than their size. `unmatched`: no branch takes it. `duplicate`: one with its key has passed.
 */
export type DropReason =
  | 'late'
  | 'idle'
  | 'not-sampled'
  | 'unmatched'
  | 'duplicate'
  | 'null-key'
  | 'null-value'
  | 'malformed'
  | 'failed'

export interface OperatorContext {
  /** The state `name` of this operator in this task. */
  state<V>(name: string, use?: StateUse): KeyedState<V>
  /** The content of the table that is input `index`. Only a table with history may be asked for the past. */
  view<K, V>(index: number): Required<TableView<K, V>>
  /** The rows of the global table of a topic. */
  global<K, V>(topic: string): GlobalRows<K, V>
  /**
   * The bytes of a record's key as a binary string, computed once for all operators. A plain function: an
   * operator may take it out of the context once.
   */
  readonly rawKey: (record: StreamRecord) => string
  /** Decodes the bytes of a key. */
  keyOf<K>(rawKey: string): K
  /** Whether records of one key can come from several source partitions. */
  readonly acrossPartitions: boolean
  /** The task's watermark: -Infinity in a new app. Everything whose last instant is before it has fired. */
  watermark(): number
  /** Counts a dropped record. */
  drop(reason: Exclude<DropReason, 'late' | 'idle' | 'malformed' | 'failed'>): void
  /**
   * Sends a late record to the side output, or drops it if the side output leads nowhere. Both are counted.
   */
  late<R extends StreamRecord>(record: R, sideOutput: Forward<R>): void
  /** Counts a result by its pane; results of the policy `changes` are counted separately. */
  emitted(kind: Pane | 'changes'): void
  /**
   * Makes sure that {@link Operator.advance} is called when the watermark reaches this: for a deadline that a
   * record has caused.
   */
  wakeAt(watermark: number): void
  /** How many results or rows {@link Operator.advance} may settle before it lets the event loop turn. */
  rowsPerTurn(): number
  /**
   * Notes how to undo a change outside of state, in case the record fails later; undefined if a failure ends
   * the run.
   */
  readonly undoable?: ((undo: () => void) => void) | undefined
  /**
   * Runs a function of the program that time has made due. If it fails, its changes are undone, and the
   * policy for bad records decides; `about` is what becomes a dead letter.
   */
  attempt(about: StreamRecord, run: () => void): void
  /**
   * Makes the task wait for what the operator holds. The operator changes the hold, and calls {@link wake} if
   * it does so between records.
   */
  hold(hold: Hold): void
  /** Makes a run that waits for data look at its tasks again. */
  wake(): void
  /** Wall time, in ms since the epoch. */
  now(): number
  /** Processing time in ms that never goes back, for intervals within a run. */
  monotonic(): number
  /**
   * Returns a function that sets an alarm: `ring` is called after so many ms of processing time, between two
   * records. A later call replaces what an earlier one has set.
   */
  alarm(ring: () => void): (inMs: number) => void
  /** Calls `callback` every `intervalMs` of processing time, between two records. */
  every(intervalMs: number, callback: () => void): void
}

/**
 * What an operator has taken and must still forward, which waits for something outside. The task's watermark
 * stays at or before it, and a run does not end while it is active.
 */
export interface Hold {
  /** The least watermark of the records that wait. */
  watermark: number
  /** Whether any record waits. */
  isActive: boolean
  /** Whether no more records should be read for now. */
  isFull: boolean
}

/** An operator's entries of state are in namespaces at or after this one. */
export const stateBegin: number = Number.MIN_SAFE_INTEGER + 1

/** Takes the records of an outlet without a consumer. */
export const nowhere: Forward = () => {}

/** A key or a value that a record may lack. */
export type Maybe<T> = T | null | undefined

/** An operator with one input and one outlet. */
export type Unary<In extends StreamRecord, Out extends StreamRecord> = OperatorSpec<[In], [Out]>

/** An operator without state, time or table: one function from a record to the records that it becomes. */
export function stateless<In extends StreamRecord, Out extends StreamRecord>(
  spec: Omit<Unary<In, Out>, 'make'>,
  process: (record: In, forward: Forward<Out>) => void,
): Unary<In, Out> {
  return { ...spec, make: (_context, [forward]) => ({ inputs: [record => process(record, forward)] }) }
}

/** Makes {@link Operator.advance} of steps, between which a turn may end. */
export function inTurns(steps: (watermark: number) => Iterator<void>): (watermark: number) => boolean {
  let advancing: Iterator<void> | undefined
  return watermark => {
    advancing ??= steps(watermark)
    if (!advancing.next().done) return false
    advancing = undefined
    return true
  }
}

/** An input that needs a key and a value: a record that lacks one is dropped and counted. */
export function keyed<K, V>(
  context: OperatorContext,
  take: (record: StreamRecord<K, V>, rawKey: string) => void,
): Forward<StreamRecord<Maybe<K>, Maybe<V>>> {
  const { rawKey } = context
  return record => {
    if (!hasKey(record)) context.drop('null-key')
    else if (!hasValue(record)) context.drop('null-value')
    else take(record, rawKey(record))
  }
}

/** Whether a record has a key. */
export function hasKey<K, V>(record: StreamRecord<Maybe<K>, V>): record is StreamRecord<K, V> {
  return record.key !== null && record.key !== undefined
}

/** Whether a record has a value. */
export function hasValue<K, V>(record: StreamRecord<K, Maybe<V>>): record is StreamRecord<K, V> {
  return record.value !== null
}
