/**
 * How values become an aggregate: by counting them, or by functions of the program, whose results are
 * checked and frozen.
 */
import { frozen, given, storable } from '../../state/index.ts'
import { type Shape, shapeOf } from './value-shape.ts'
import type { OperatorContext } from './operator.ts'
import type { RecordContext } from './record.ts'
import { returned } from './returned.ts'

/**
 * The initial value of an aggregate, which `add` must replace and not change; or a function that makes one.
 */
export type Initial<A> = A | (() => A)

/**
 * The result of a function that folds: a new aggregate, the one that it was given, or null, which deletes the
 * row.
 */
export type Folded<A> = A | Readonly<NoInfer<A>> | null

/** How the values of one input become part of an aggregate. */
export interface Fold<K, V, A> {
  /** The aggregate of one value. Null: none. */
  readonly first: (value: V, key: K, record: RecordContext) => A | null
  /** The aggregate with one more value. Null deletes it. */
  readonly add: (aggregate: A, value: V, key: K, record: RecordContext) => A | null
}

/**
 * How values of type V under keys of type K become an aggregate of type A. All inputs of an operator share
 * one aggregate, as those of a cogroup.
 */
export interface Aggregation<K, V, A> {
  /** One for each input. */
  readonly folds: readonly [Fold<K, V, A>, ...(readonly Fold<K, V, A>[])]
  /** The shape of the initial value. */
  readonly shape: () => Shape
  /**
   * For aggregates that come out the same in whatever order and parts values are added, and that no value
   * deletes: overlapping windows share what they have in common.
   */
  readonly join?: Join<A>
  /** For aggregates that grow with each value: aligned windows keep them on pages. */
  readonly pages?: (context: OperatorContext) => Pages<A>
}

/** The aggregate of two parts of a window. */
export type Join<A> = (one: A, other: A) => A

/** A window of one key. */
export interface KeyWindow {
  readonly rawKey: string
  /** Tells it from the other windows of its key. */
  readonly place: number
}

/** Parts of aggregates that are entries of state by themselves: a record does not write all of one. */
export interface Pages<A> {
  /** Puts what is too much for a row on a page. Returns what remains for the row. */
  readonly keep: (window: KeyWindow, aggregate: A) => A
  /** The whole aggregate of which a row holds, or held before, this part. */
  readonly read: (window: KeyWindow, held: A) => A
  /** Deletes the pages of windows at places before `to`, in turns. */
  readonly deleteInTurns: (to: number) => Generator<void>
}

/** How the aggregates of two sessions become one. */
export interface SessionAggregation<K, V, A> extends Aggregation<K, V, A> {
  /** Null deletes both: the record that joins them starts over. */
  readonly merge: (left: A, right: A, key: K) => A | null
}

const plus: Join<number> = (one, other) => one + other

/** Counts values. */
export const counting: SessionAggregation<unknown, unknown, number> = {
  folds: [{ first: () => 1, add: count => count + 1 }],
  merge: plus,
  join: plus,
  shape: () => 'number',
}

/** Begins with the first value, and calls the function for each further one. */
export function reducing<K, V>(
  reducer: (reduced: Readonly<V>, value: V) => Folded<V>,
): SessionAggregation<K, V, V> {
  return {
    folds: [
      {
        first: value => frozen(value),
        add: (reduced, value) => frozen(returned(reducer(given(reduced), value), 'reduce')) as V | null,
      },
    ],
    merge: (left, right, key) =>
      storable(returned(reducer(given(left), given(right)), 'reduce'), key) as V | null,
    shape: () => 'any',
  }
}

/** A function that returns the aggregate with one more value. */
export type Add<K, V, A> = (aggregate: Readonly<A>, value: V, key: K, record: RecordContext) => Folded<A>

/** A function that returns the aggregate of two sessions. */
export type Merge<K, A> = (left: Readonly<A>, right: Readonly<A>, key: K) => Folded<A>

/**
 * Begins with the initial value, and calls a function for each value: that of the input from which it comes.
 */
export function folding<K, V, A>(
  initial: Initial<A>,
  ...adds: readonly [Add<K, V, A>, ...(readonly Add<K, V, A>[])]
): Aggregation<K, V, NonNullable<A>> {
  // If the initial value is a function, the program means the function's result.
  const begin = typeof initial === 'function' ? (initial as () => A) : () => initial
  // The type is read-only to the program. Here it is an aggregate like all others: all of them are frozen.
  const foldOf = (add: Add<K, V, A>): Fold<K, V, NonNullable<A>> => {
    const adding = (sum: A, value: V, key: K, record: RecordContext): NonNullable<A> | null =>
      storable(returned(add(sum, value, frozen(key), record), 'aggregate'), key) as NonNullable<A> | null
    return {
      first: (value, key, record) => adding(given(frozen(begin())), value, key, record),
      add: (sum, value, key, record) => adding(given(sum), value, key, record),
    }
  }
  const [add, ...others] = adds
  return { folds: [foldOf(add), ...others.map(foldOf)], shape: () => shapeOfInitial(begin) }
}

/** An aggregation of {@link folding}, with the function that joins two sessions. */
export function merging<K, V, A>(
  aggregation: Aggregation<K, V, NonNullable<A>>,
  merge: Merge<K, A>,
): SessionAggregation<K, V, NonNullable<A>> {
  return {
    ...aggregation,
    merge: (left, right, key) =>
      storable(returned(merge(given(left), given(right), key), 'aggregate'), key) as NonNullable<A> | null,
  }
}

/** Records of one key come from several source partitions if they come through several inputs. */
export function acrossIfSeveral(inputs: readonly unknown[]): { readonly acrossPartitions?: true } {
  return inputs.length > 1 ? { acrossPartitions: true } : {}
}

function shapeOfInitial(begin: () => unknown): Shape {
  try {
    return shapeOf(begin())
  } catch {
    return 'any' // it fails at the first record, and says why
  }
}
