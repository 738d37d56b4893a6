/**
 * The operator contract.
 *
 * An operator is made once per task and runs as a plain synchronous call: it gets a record, updates its
 * state, and calls `forward` none, one or many times. It never awaits, and never keeps a reference to what it
 * must not see after a restart: everything that has to survive lives in the state it asked its context for.
 *
 * What an operator may rely on:
 * - all records of one key reach the same task, in the order of their source partition;
 * - `advance(w)` is called with growing watermarks, before any record that came after `w` was reached, and
 *   again from the state of the last commit after a crash; while it runs the task's watermark is still the
 *   one before;
 * - nothing but its own calls changes its state, with one exception: namespaces below {@link stateBegin} of
 *   the state that it asks for first are the task's. What it must do:
 * - ask the task for its watermark, and keep no copy, which could be older;
 * - fire what has a last instant when the watermark has passed it, and forget that when the watermark has
 *   passed it by the allowed lateness;
 * - forward results that the watermark fired with the watermark {@link neverLate}: they go out ahead of it;
 * - forward corrections with the watermark of the record that caused them.
 */
import type { KeyedState } from '../../state/index.ts'
import type { Pane, StreamRecord } from './record.ts'

/** Passes a record on. */
export type Forward = (record: StreamRecord) => void

/**
 * The current content of a table, for joins: by the key's bytes, with the key itself for the functions of
 * filters and mappers.
 */
export interface TableView {
  get(rawKey: string, key: unknown): unknown
}

export interface Operator {
  /** Takes a record of input 0; an operator with several inputs has several of these. */
  readonly inputs: readonly Forward[]
  /**
   * Event time has reached `watermark`: fire and forget what is due. Returns false when it stopped early
   * because it has done enough for one turn of the event loop; it is then called again with the same
   * watermark before anything else happens in the task. A commit may come in between, and a restart after
   * that: it is called with the same watermark then, too.
   */
  advance?(watermark: number): boolean
  /**
   * Where {@link advance} has stopped early, as a value that state can keep; for an operator whose own state
   * does not say it.
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
 * longer than their size.
 */
export type DropReason = 'late' | 'idle' | 'not-sampled' | 'null-key' | 'null-value' | 'malformed' | 'failed'

export interface OperatorContext {
  /** The state `name` of this operator in this task. */
  state<V>(name: string): KeyedState<V>
  /** The content of the table that is input `index`. */
  view(index: number): TableView
  /** The task's watermark: -Infinity in a new app. Everything whose last instant is before it has fired. */
  watermark(): number
  /** Counts a dropped record. */
  drop(reason: 'null-key' | 'null-value' | 'not-sampled'): void
  /**
   * A record that is late goes to the side output, and is dropped if that leads nowhere. Both are counted.
   */
  late(record: StreamRecord, sideOutput: Forward): void
  /** Counts results by when they came; those that come at every change apart. */
  emitted(kind: Pane | 'changes'): void
  /**
   * Makes sure that {@link Operator.advance} is called when the watermark reaches this: a deadline that came
   * up while processing.
   */
  wakeAt(watermark: number): void
  /** How many results or rows {@link Operator.advance} may settle before it lets the event loop turn. */
  rowsPerTurn(): number
  /**
   * Notes how to undo a change outside of state, in case the record fails further on; left out where a
   * failure ends the run.
   */
  readonly undoable?: ((undo: () => void) => void) | undefined
  /** Calls `callback` every `intervalMs` of processing time, between two records. */
  every(intervalMs: number, callback: () => void): void
}

/** Makes the operator of one task. `forwards[0]` leads to what follows; others are named side outputs. */
export type OperatorFactory = (context: OperatorContext, forwards: readonly Forward[]) => Operator

/** An operator's entries of state are in namespaces from here on. */
export const stateBegin: number = Number.MIN_SAFE_INTEGER + 1

/** Where a record goes that nobody takes. */
export const nowhere: Forward = () => {}

/** An operator without state, time or table: one function. */
export function stateless(process: (record: StreamRecord, forward: Forward) => void): OperatorFactory {
  return (_context, [forward]) => {
    const next = forward as Forward
    return { inputs: [record => process(record, next)] }
  }
}
