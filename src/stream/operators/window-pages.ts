/**
 * The values of two streams in aligned windows, on pages as in a record buffer (record-buffer.ts). A window's
 * row is the open page of both sides; a full page of a side gets a number and is an entry by itself. So a
 * record writes one row, however many values the window has. A full page never changes: an earlier row still
 * says which values the window had then, and a correction reads both.
 *
 * State: `pages`, namespace = the window's place, side, number and key → a full page.
 */
import type { Pages } from './aggregation.ts'
import { type OperatorContext, stateBegin } from './operator.ts'
import type { Sides } from './window-pairs.ts'

/** What the row of a window has: the values that are on no full page, and how many of these there are. */
interface Open<L, R> extends Sides<L, R> {
  /** Left out for none. */
  readonly full?: { readonly left: number; readonly right: number }
}

/** A page with as many values is full. */
const pageValues = 32

const noneFull = { left: 0, right: 0 }

export function pagesOfSides<L, R>(context: OperatorContext): Pages<Sides<L, R>> {
  const pages = context.state<readonly unknown[]>('pages', { isScanned: true })
  const keyOf = (side: keyof typeof noneFull, number: number, rawKey: string): string =>
    `${side} ${number}:${rawKey}`

  return {
    keep({ place, rawKey }, open: Open<L, R>) {
      const { full = noneFull } = open
      // A record adds a value to one side only.
      const side = open.left.length > pageValues ? 'left' : 'right'
      if (open[side].length <= pageValues) return open
      const number = full[side] + 1
      pages.put(place, keyOf(side, number, rawKey), open[side].slice(0, pageValues))
      return { ...open, [side]: open[side].slice(pageValues), full: { ...full, [side]: number } }
    },
    read({ place, rawKey }, open: Open<L, R>) {
      const { full } = open
      if (full === undefined) return open
      const valuesOf = <V>(side: keyof typeof full, last: readonly V[]): V[] => {
        const values: V[] = []
        for (let number = 1; number <= full[side]; number += 1)
          values.push(...(pages.get(place, keyOf(side, number, rawKey)) as V[]))
        values.push(...last)
        return values
      }
      return { left: valuesOf('left', open.left), right: valuesOf('right', open.right) }
    },
    deleteInTurns: to => pages.deleteInTurns(stateBegin, to, () => context.rowsPerTurn()),
  }
}
