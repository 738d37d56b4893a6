/**
 * A reference interpreter of programs: what each operation means, said plainly, and slow. It knows nothing of
 * the engine. A result is the list of all its events, which follows from the lists of its inputs. State is
 * what the events so far say.
 */
import {
  type Answer,
  type Fold,
  functions,
  type Input,
  type Operation,
  type Program,
  type Step,
  type StreamJoinOperation,
  type StreamOp,
} from './program.ts'
import {
  added,
  atTheEnd,
  compare,
  type Event,
  inOrder,
  isPresent,
  type Keyed,
  type Path,
} from './interpreted-events.ts'
import { inWindows } from './interpreted-windows.ts'

type Result = Pick<Event, 'key' | 'value'> & Partial<Event>

const { keep, drop, value: valueOf, key: keyOf, values, subtract, join } = functions

/** What each step gives. The last answer has what is given at the end of time, or at no certain step. */
export function interpreted(program: Program, steps: readonly Step[]): Answer[] {
  const interpreter = new Interpreter(program, steps.flat())
  const stepOf = steps.flatMap((step, n) => step.map(() => n))
  const answers: Record<string, string[]>[] = [...steps.map(() => ({})), {}]
  for (const output of program.outputs)
    for (const { key, value, timestamp, path } of interpreter.events(output)) {
      const answer = answers[stepOf[path[0]!] ?? steps.length]!
      ;(answer[`out-${output}`] ??= []).push(`${key}=${value}@${timestamp}`)
    }
  return answers
}

class Interpreter {
  readonly #program: Program
  readonly #inputs: readonly Input[]
  readonly #known = new Map<number, Event[]>()

  constructor(program: Program, inputs: readonly Input[]) {
    this.#program = program
    this.#inputs = inputs
  }

  /** All events of an operation, in order. */
  events(position: number): Event[] {
    const known = this.#known.get(position)
    if (known) return known
    const events = this.#eventsOf(position, this.#program.operations[position]!).sort(inOrder)
    this.#known.set(position, events)
    return events
  }

  #eventsOf(position: number, operation: Operation): Event[] {
    const to = (event: Event, results: readonly Result[]): Event[] =>
      results.map((result, n) => ({
        ...event,
        previous: null,
        ...result,
        path: [...event.path, position, n],
      }))
    const side = (of: number): Event[] => this.events(of)
    /** The events of several inputs, as they come to the operation. */
    const sides = (...inputs: readonly number[]): Event[][] =>
      inputs.map((of, n) => side(of).map(event => ({ ...event, path: [...event.path, position, n] })))
    switch (operation.on) {
      case 'topic': {
        const records = this.#records(operation.topic)
        return operation.op === 'stream' ? records : latest(records).flatMap(change => to(change, [change]))
      }
      case 'stream': {
        const { op, n } = operation
        if (op === 'toTable') return latest(side(operation.of)).flatMap(change => to(change, [change]))
        return side(operation.of).flatMap(event => to(event, ofStream[op](event, n)))
      }
      case 'table':
        return operation.op === 'toStream'
          ? side(operation.of)
          : side(operation.of).flatMap(event => to(event, rows(event, rowOf(operation))))
      case 'grouped stream':
        return aggregated(side(operation.of).filter(isPresent), operation.op, operation.n).flatMap(change =>
          to(change, [change]),
        )
      case 'grouped table':
        return regrouped(side(operation.of), operation.op, operation.n, to)
      case 'stream and table':
        return side(operation.of).flatMap(event => {
          const { key, value, path } = event
          if (value === null || (key === null && operation.op === 'join')) return []
          const match = key === null ? null : this.#rowAt(operation.with, key, [...path, position])
          if (match === null && operation.op === 'join') return []
          return to(event, [{ key, value: join(value, match, key, operation.n) }])
        })
      case 'streams': {
        const both = sides(operation.of, operation.with).flat()
        if (operation.op === 'merge') return both
        return cogrouped(both, operation.n).map(change => ({ ...change, path: [...change.path, 0] }))
      }
      case 'tables':
        return joinedTables(side(operation.of), side(operation.with), operation.op, operation.n, to)
      case 'referring tables':
        return referring(side(operation.of), side(operation.with), operation.op, operation.n, to)
      case 'joined streams':
        return joinedStreams(sides(operation.of, operation.with), operation)
      case 'windows': {
        const parts = operation.with === undefined ? [operation.of] : [operation.of, operation.with]
        const records = sides(...parts)
          .flat()
          .sort(inOrder)
          .filter(isPresent)
          .map(ofSecond)
        return inWindows(records, operation).map(result => ({ ...result, path: [...result.path, position] }))
      }
    }
  }

  #records(topic: string): Event[] {
    let watermark = Number.NEGATIVE_INFINITY
    return this.#inputs.flatMap((input, n) => {
      if (input.topic !== topic) return []
      const event = { ...input, previous: null, watermark, path: [n] }
      watermark = Math.max(watermark, input.timestamp - this.#program.outOfOrderness)
      return [event]
    })
  }

  /** The row of a table before an event. What a table derives from another is never behind it. */
  #rowAt(position: number, key: string, before: Path): number | null {
    const operation = this.#program.operations[position]!
    if (operation.on === 'table') return rowOf(operation)(this.#rowAt(operation.of, key, before), key)
    if (operation.on === 'tables')
      return joined(
        operation.op,
        this.#rowAt(operation.of, key, before),
        this.#rowAt(operation.with, key, before),
        operation.n,
      )
    const changes = this.events(position).filter(
      event => event.key === key && compare(event.path, before) < 0,
    )
    return changes.at(-1)?.value ?? null
  }
}

const ofStream: Readonly<Record<Exclude<StreamOp, 'toTable'>, (event: Event, n: number) => Result[]>> = {
  filter: (event, n) => (keep(event.value, event.key, n) ? [event] : []),
  filterNot: (event, n) => (drop(event.value, event.key, n) ? [] : [event]),
  split: (event, n) => (drop(event.value, event.key, n) ? [] : [event]),
  repartition: event => (event.key === null ? [] : [event]),
  mapValues: ({ key, value }, n) => [{ key, value: valueOf(value, key, n) }],
  flatMapValues: ({ key, value }, n) => values(value, key, n).map(each => ({ key, value: each })),
  selectKey: ({ key, value }, n) => [{ key: keyOf(value, key, n), value }],
  map: ({ key, value }, n) => [{ key: keyOf(value, key, n), value: valueOf(value, key, n) }],
  flatMap: ({ key, value }, n) =>
    values(value, key, n).map(each => ({ key: keyOf(each, key, n), value: each })),
}

/** What becomes of a row. */
function rowOf({ op, n }: { readonly op: string; readonly n: number }) {
  return (value: number | null, key: string): number | null => {
    if (value === null) return null
    if (op === 'mapValues') return valueOf(value, key, n)
    return keep(value, key, n) ? value : null
  }
}

/** The change of a row that becomes another; none if there was no row and is none. */
function rows(
  { key, value, previous }: Event,
  row: (value: number | null, key: string) => number | null,
): Result[] {
  const change = { key, value: row(value, key!), previous: row(previous, key!) }
  return change.value === null && change.previous === null ? [] : [change]
}

/** The changes of the latest value per key. */
function latest(records: readonly Event[]): Event[] {
  const state = new Map<string, number>()
  return records.flatMap(record => {
    const { key, value } = record
    if (key === null) return []
    const previous = state.get(key) ?? null
    if (value === null) state.delete(key)
    else state.set(key, value)
    return value === null && previous === null ? [] : [{ ...record, previous }]
  })
}

function aggregated(records: readonly Keyed[], op: Fold | 'cogroup', n: number): Event[] {
  const state = new Map<string, { readonly value: number; readonly timestamp: number }>()
  return records.flatMap(record => {
    const { key } = record
    const before = state.get(key)
    const value = added(op, before?.value ?? null, record.value, n)
    const timestamp = Math.max(record.timestamp, before?.timestamp ?? record.timestamp)
    if (value === null) state.delete(key)
    else state.set(key, { value, timestamp })
    const previous = before?.value ?? null
    return value === null && previous === null ? [] : [{ ...record, value, previous, timestamp }]
  })
}

/** In a cogroup the values of the second stream are 1 more; its number is the last one of the path. */
function ofSecond(record: Keyed): Keyed {
  return { ...record, value: record.value + record.path.at(-1)! }
}

function cogrouped(records: readonly Event[], n: number): Event[] {
  return aggregated(records.toSorted(inOrder).filter(isPresent).map(ofSecond), 'cogroup', n)
}

type To = (event: Event, results: readonly Result[]) => Event[]

/** Rows in groups: what a change replaces is subtracted, then the new value is added. */
function regrouped(changes: readonly Event[], op: Fold, n: number, to: To): Event[] {
  const groups = new Map<string, { readonly value: number; readonly timestamp: number }>()
  return changes.flatMap(change => {
    const groupOf = (value: number | null): string | null =>
      value === null ? null : keyOf(value, change.key, n)
    const [from, into] = [groupOf(change.previous), groupOf(change.value)]
    const given = [...new Set([from, into])].flatMap((group): Result[] => {
      if (group === null) return []
      const before = groups.get(group)
      const previous = before?.value ?? null
      let value = previous
      if (group === from && value !== null)
        value = op === 'count' ? value - 1 : subtract(value, change.previous!, n)
      if (group === into) value = added(op, value, change.value!, n)
      const timestamp = Math.max(change.timestamp, before?.timestamp ?? change.timestamp)
      if (value === null) groups.delete(group)
      else groups.set(group, { value, timestamp })
      return value === null && previous === null ? [] : [{ key: group, value, previous, timestamp }]
    })
    return to(change, given)
  })
}

function joined(op: string, left: number | null, right: number | null, n: number): number | null {
  if (left === null && (right === null || op !== 'outerJoin')) return null
  return right === null && op === 'join' ? null : join(left, right, null, n)
}

function joinedTables(
  left: readonly Event[],
  right: readonly Event[],
  op: string,
  n: number,
  to: To,
): Event[] {
  const both = [
    ...left.map(event => ({ event, isLeft: true })),
    ...right.map(event => ({ event, isLeft: false })),
  ]
  const sides = { left: new Map<string, Event>(), right: new Map<string, Event>() }
  return both
    .toSorted((a, b) => inOrder(a.event, b.event))
    .flatMap(({ event, isLeft }) => {
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
function referring(left: readonly Event[], right: readonly Event[], op: string, n: number, to: To): Event[] {
  const both = [
    ...left.map(event => ({ event, isLeft: true })),
    ...right.map(event => ({ event, isLeft: false })),
  ]
  const sides = { left: new Map<string, number | null>(), right: new Map<string, number | null>() }
  const given = new Map<string, number | null>()
  return both
    .toSorted((a, b) => inOrder(a.event, b.event))
    .flatMap(({ event, isLeft }) => {
      ;(isLeft ? sides.left : sides.right).set(event.key!, event.value)
      const referredBy = (key: string, value: number | null): string | null =>
        value === null ? null : keyOf(value, key, n)
      const changed = isLeft
        ? [event.key!]
        : [...sides.left].flatMap(([key, value]) => (referredBy(key, value) === event.key ? [key] : []))
      return to(
        event,
        changed.flatMap(key => {
          const value = sides.left.get(key) ?? null
          const reference = referredBy(key, value)
          const match = reference === null ? null : (sides.right.get(reference) ?? null)
          const result = joined(op, value, match, n)
          const previous = given.get(key) ?? null
          given.set(key, result)
          return result === null && previous === null ? [] : [{ key, value: result, previous }]
        }),
      )
    })
}

function joinedStreams([left = [], right = []]: Event[][], operation: StreamJoinOperation): Event[] {
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
