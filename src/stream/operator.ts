/**
 * The operator contract.
 *
 * An operator is made once per task and runs as a plain synchronous call: it gets a record, updates its state, and calls `forward` none, one
 * or many times. It never awaits, and never keeps a reference to what it must not see after a restart: everything that has to survive
 * lives in the state it asked its context for.
 *
 * What an operator may rely on:
 * - all records of one key reach the same task, in the order of their source partition;
 * - `advance(w)` is called with growing watermarks, before any record that came after `w` was reached, and again from the state of the last commit
 *   after a crash;
 * - nothing but its own calls changes its state.
 * What it must do:
 * - forward results that the watermark fired with the watermark {@link neverLate}: they go out ahead of it;
 * - forward corrections with the watermark of the record that caused them.
 */
import type { KeyedState } from '../state/index.ts'
import type { StreamRecord } from './record.ts'

/** Passes a record on. */
export type Forward = (record: StreamRecord) => void

/** The current content of a table, for joins: by the key's bytes, with the key itself for the functions of filters and mappers. */
export interface TableView {
  get(rawKey: string, key: unknown): unknown
}

export interface Operator {
  /** Takes a record of input 0; an operator with several inputs has several of these. */
  readonly inputs: readonly Forward[]
  /**
   * Event time has reached `watermark`: fire what is due. Returns false when it stopped early because it has emitted enough for one turn of the
   * event loop; it is then called again with the same watermark before anything else happens in the task.
   */
  advance?(watermark: number): boolean
  /** The next watermark at which {@link advance} has something to do; read after each call of it, `Infinity` for never. */
  deadline?(): number
  /** A table's current content. */
  readonly view?: TableView
}

/** Why a record went no further. Each is counted; late ones go to the side output as well. */
export type DropReason = 'late' | 'idle' | 'null-key' | 'null-value' | 'malformed' | 'failed'

export interface OperatorContext {
  /** The state `name` of this operator in this task. */
  state<V>(name: string): KeyedState<V>
  /** The content of the table that is input `index`. */
  view(index: number): TableView
  /** The task's watermark as of the last commit: -Infinity in a new app. */
  readonly restoredWatermark: number
  /** Counts a dropped record. */
  drop(reason: DropReason, record: StreamRecord): void
  /** Why a record that is late right now is late: `idle` when its partition's watermark had been raised without data. */
  lateReason(): 'late' | 'idle'
  /** Counts results by when they came. */
  emitted(record: StreamRecord): void
  /** Makes sure that {@link Operator.advance} is called when the watermark reaches this: a deadline that came up while processing. */
  wakeAt(watermark: number): void
  /** Calls `callback` every `intervalMs` of processing time, between two records. */
  every(intervalMs: number, callback: () => void): void
}

/** Makes the operator of one task. `forwards[0]` leads to what follows; others are named side outputs. */
export type OperatorFactory = (context: OperatorContext, forwards: readonly Forward[]) => Operator

/** How many results `advance` may forward before it lets the event loop turn. */
export const resultsPerTurn = 4096

/** An operator without state, time or table: one function. */
export function stateless(process: (record: StreamRecord, forward: Forward) => void): OperatorFactory {
  return (_context, [forward]) => {
    const next = forward as Forward
    return { inputs: [record => process(record, next)] }
  }
}
