/**
 * The events of the reference interpreter, in the order in which a record goes through a program, depth
 * first: by the path of each. That is the number of its input, then an operation and a number among its
 * results, and so on.
 */
import { type Fold, functions } from './program.ts'

export interface Event {
  readonly key: string | null
  /** On a table it replaces `previous`; null: there is none. */
  readonly value: number | null
  readonly previous: number | null
  readonly timestamp: number
  /** Of the source, before the record. */
  readonly watermark: number
  readonly path: Path
}

export type Path = readonly number[]

/** What an event becomes in an operation, in order. */
export type Result = Pick<Event, 'key' | 'value'> & Partial<Event>
export type To = (event: Event, results: readonly Result[]) => Event[]

export type Keyed = Event & { readonly key: string; readonly value: number }

/** The end of time, where results are given that do not belong to a certain step. */
export const atTheEnd: Path = [Number.POSITIVE_INFINITY]

export function inOrder(a: Event, b: Event): number {
  return compare(a.path, b.path)
}

export function compare(a: Path, b: Path): number {
  for (let n = 0; n < a.length && n < b.length; n += 1) if (a[n] !== b[n]) return a[n]! - b[n]!
  return a.length - b.length
}

/** The order of two keys: that of their bytes. A window's key comes before its bounds. */
export function compareKeys(a: string, b: string): number {
  const [[left], [right]] = [a.split('@'), b.split('@')]
  return Buffer.compare(Buffer.from(left!), Buffer.from(right!))
}

export function isPresent(event: Event): event is Keyed {
  return event.key !== null && event.value !== null
}

/** A value is added to an aggregate; null: there is none. */
export function added(
  op: Fold | 'topN' | 'cogroup',
  aggregate: number | null,
  value: number,
  n: number,
): number | null {
  if (op === 'count') return (aggregate ?? 0) + 1
  if (op === 'topN') return largest(aggregate ?? 0, functions.lastDigits(value))
  return op === 'reduce' && aggregate === null ? value : functions.add(aggregate ?? 0, value, n)
}

/** The two largest of two pairs, each of which is one number; see {@link functions.topTwo}. */
export function largest(pair: number, other: number): number {
  const all = [pair, other].flatMap(each => [Math.floor(each / 10_000), functions.lastDigits(each)])
  return functions.topTwo(all.toSorted((a, b) => b - a))
}
