/** What joins of tables, and of streams, mean: those of the reference interpreter. */
import { atTheEnd, type Event, inOrder, type To } from './interpreted-events.ts'
import { functions, type StreamJoinOperation } from './program.ts'

const { join, key: keyOf } = functions

export function joined(op: string, left: number | null, right: number | null, n: number): number | null {
  if (left === null && (right === null || op !== 'outerJoin')) return null
  return right === null && op === 'join' ? null : join(left, right, null, n)
}

/** The events of both sides, in their order. */
function inTurn(left: readonly Event[], right: readonly Event[]): { event: Event; isLeft: boolean }[] {
  return [
    ...left.map(event => ({ event, isLeft: true })),
    ...right.map(event => ({ event, isLeft: false })),
  ].toSorted((a, b) => inOrder(a.event, b.event))
}

export function joinedTables(
  left: readonly Event[],
  right: readonly Event[],
  op: string,
  n: number,
  to: To,
): Event[] {
  const sides = { left: new Map<string, Event>(), right: new Map<string, Event>() }
  return inTurn(left, right).flatMap(({ event, isLeft }) => {
    const key = event.key!
    const other = (isLeft ? sides.right : sides.left).get(key)
    ;(isLeft ? sides.left : sides.right).set(key, event)
    const match = other?.value ?? null
    const resultOf = (value: number | null): number | null =>
      isLeft ? joined(op, value, match, n) : joined(op, match, value, n)
    const change = { key, value: resultOf(event.value), previous: resultOf(event.previous) }
    if (change.value === null && change.previous === null) return []
    const timestamp = match === null ? event.timestamp : Math.max(event.timestamp, other!.timestamp)
    return to(event, [{ ...change, timestamp }])
  })
}

/** Each row of the left table with the row that it refers to. */
export function referring(
  left: readonly Event[],
  right: readonly Event[],
  op: string,
  n: number,
  to: To,
): Event[] {
  const sides = { left: new Map<string, Event>(), right: new Map<string, Event>() }
  const given = new Map<string, number | null>()
  return inTurn(left, right).flatMap(({ event, isLeft }) => {
    ;(isLeft ? sides.left : sides.right).set(event.key!, event)
    const referredBy = ({ key, value }: Event): string | null =>
      value === null ? null : keyOf(value, key, n)
    const changed = isLeft ? [event] : [...sides.left.values()].filter(row => referredBy(row) === event.key)
    return to(
      event,
      changed.flatMap(row => {
        const { key, value } = row
        const on = referredBy(row)
        const other = on === null ? undefined : sides.right.get(on)
        const match = other?.value ?? null
        const result = joined(op, value, match, n)
        const previous = given.get(key!) ?? null
        given.set(key!, result)
        if (result === null && previous === null) return []
        const times = [event, ...(value === null ? [] : [row]), ...(match === null ? [] : [other!])]
        const timestamp = Math.max(...times.map(each => each.timestamp))
        return [{ key, value: result, previous, timestamp }]
      }),
    )
  })
}

export function joinedStreams([left = [], right = []]: Event[][], operation: StreamJoinOperation): Event[] {
  const { op, before, after, lateness, n } = operation
  const taken = (events: readonly Event[], isPreserved: boolean): Event[] =>
    events.filter(
      ({ key, value, timestamp, watermark }) =>
        value !== null && (key === null ? isPreserved : watermark <= timestamp + lateness),
    )
  const [lefts, rights] = [taken(left, op !== 'join'), taken(right, op === 'outerJoin')]
  const meet = (a: Event, b: Event): boolean =>
    a.key !== null &&
    a.key === b.key &&
    b.timestamp >= a.timestamp - before &&
    b.timestamp <= a.timestamp + after
  const alone = (event: Event, value: number | null): Event => ({
    ...event,
    value,
    previous: null,
    path: atTheEnd,
  })
  // A pair is given when its second record comes, in the order of the times that it meets.
  const pairs = lefts.flatMap(a =>
    rights
      .filter(b => meet(a, b))
      .map(b => {
        const [first, second] = inOrder(a, b) < 0 ? [a, b] : [b, a]
        return {
          ...alone(a, join(a.value, b.value, a.key, n)),
          timestamp: Math.max(a.timestamp, b.timestamp),
          path: [...second.path, first.timestamp, ...first.path],
        }
      }),
  )
  const loneLefts = lefts.filter(a => op !== 'join' && !rights.some(b => meet(a, b)))
  const loneRights = rights.filter(b => op === 'outerJoin' && !lefts.some(a => meet(a, b)))
  return [
    ...pairs,
    ...loneLefts.map(a => alone(a, join(a.value, null, a.key, n))),
    ...loneRights.map(b => alone(b, join(null, b.value, b.key, n))),
  ]
}
