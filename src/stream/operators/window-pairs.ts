/**
 * Joins of two streams in windows: first both sides of each window are collected, then their pairs go out.
 *
 * A result of a window gives each pair of its records; left and outer joins also give the records of a side
 * that the other side has nothing for. A correction, caused by a late record, gives what the record adds.
 * What went out alone before is not taken back. A session that became part of another one gives nothing: its
 * pairs come again with that.
 */
import type { Windowed } from '../../schema/index.ts'
import { given, storable } from '../../state/index.ts'
import type { Fold, SessionAggregation } from './aggregation.ts'
import { appended } from './appended.ts'
import { stateless, type Unary } from './operator.ts'
import type { StreamRecord } from './record.ts'
import { returned } from './returned.ts'
import type { Joiner, JoinKind } from './join-bounds.ts'
import type { WindowRecord } from './window-aggregate.ts'
import { pagesOfSides } from './window-pages.ts'

/** The values of both streams in a window, in the order in which they came. */
export interface Sides<L, R> {
  readonly left: readonly L[]
  readonly right: readonly R[]
}

const noSides: Sides<never, never> = { left: [], right: [] }

/**
 * Collects the values of two inputs. Aligned windows keep them on pages; in others each record writes all
 * values of its window again.
 */
export function bySide<K, L, R>(): SessionAggregation<K, L | R, Sides<L, R>> {
  const fold = (add: (sides: Sides<L, R>, value: never) => Sides<L, R>): Fold<K, L | R, Sides<L, R>> => ({
    // An input has values of one side alone. Of what is collected, a record freezes its own value only.
    first: (value, key) => add(noSides, storable(value, key) as never),
    add: (sides, value, key) => add(sides, storable(value, key) as never),
  })
  return {
    folds: [
      fold((sides, value: L) => ({ ...sides, left: appended(sides.left, value) })),
      fold((sides, value: R) => ({ ...sides, right: appended(sides.right, value) })),
    ],
    merge: (one, other) => ({
      left: [...one.left, ...other.left],
      right: [...one.right, ...other.right],
    }),
    shape: () => ({ left: 'array', right: 'array' }),
    pages: pagesOfSides,
  }
}

/** Whether a window has anything to give to a join. */
export const hasPairs: Readonly<Record<JoinKind, (sides: Sides<unknown, unknown>) => boolean>> = {
  join: ({ left, right }) => left.length > 0 && right.length > 0,
  leftJoin: ({ left }) => left.length > 0,
  outerJoin: () => true,
}

const names = { join: 'window-join', leftJoin: 'window-left-join', outerJoin: 'window-outer-join' } as const

export const windowPairs = <K, L, R, J>(
  kind: JoinKind,
  joiner: Joiner<Windowed<K>, L, R, J>,
): Unary<WindowRecord<K, Sides<L, R>>, StreamRecord<Windowed<K>, J>> =>
  stateless({ name: names[kind], outlets: ['joined'] }, (record, forward) => {
    const { value: now, previous, key } = record
    if (now === null) return
    const send = (left: L | null, right: R | null): void =>
      forward(record.withValue(returned(joiner(given(left), given(right), key, record), kind)))
    const before = previous ?? noSides
    // By index: an iterator for each side of each window takes as much memory as their pairs.
    for (let n = 0; n < now.left.length; n += 1) {
      const left = now.left[n] as L
      const isNew = n >= before.left.length
      for (let m = isNew ? 0 : before.right.length; m < now.right.length; m += 1)
        send(left, now.right[m] as R)
      if (isNew && now.right.length === 0 && kind !== 'join') send(left, null)
    }
    if (now.left.length === 0 && kind === 'outerJoin')
      for (let m = before.right.length; m < now.right.length; m += 1) send(null, now.right[m] as R)
  })
