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
  type HistoryOperation,
  type Program,
  type Step,
  type StreamOp,
} from './program.ts'
import {
  added,
  atTheEnd,
  compare,
  compareKeys,
  type Event,
  inOrder,
  isPresent,
  type Keyed,
  type Path,
  type Result,
  type To,
} from './interpreted-events.ts'
import { joined, joinedStreams, joinedTables, referring } from './interpreted-joins.ts'
import { suppressed } from './interpreted-suppress.ts'
import { inWindows } from './interpreted-windows.ts'

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
  return answers.slice(0, stepOf[interpreter.endsWith] ?? answers.length)
}

class Interpreter {
  readonly #program: Program
  readonly #inputs: readonly Input[]
  readonly #known = new Map<number, Event[]>()
  /** The input with which a bound is full. */
  endsWith: number = Number.POSITIVE_INFINITY

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
        if (operation.op === 'stream') return records
        const changes = operation.op === 'table' ? latest(records) : latestByTime(inTime(records, operation))
        return changes.flatMap(change => to(change, [change]))
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
          const { key, path } = event
          return to(
            event,
            withRow(event, operation, key, this.#rowAt(operation.with, key, [...path, position])),
          )
        })
      case 'stream and global':
        return side(operation.of).flatMap(event => {
          const key = event.value === null ? null : keyOf(event.value, event.key, operation.n)
          return to(event, withRow(event, operation, key, this.#latestRow(operation.topic, key, event.path)))
        })
      case 'stream and history':
        return side(operation.of).flatMap(event => {
          const { key, watermark, timestamp } = event
          const isForgotten = watermark > timestamp + operation.history + operation.lateness
          const row = isForgotten ? null : this.#rowAsOf(operation.with, key, timestamp)
          const over = [...this.#whenOver(timestamp + operation.lateness), position, timestamp, ...event.path]
          const isAnsweredAtOnce = isForgotten || key === null || compare(over, event.path) < 0
          const path = isAnsweredAtOnce ? event.path : over
          return to({ ...event, path }, withRow(event, operation, key, row))
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
      case 'suppressed':
        return suppressed(side(operation.of), operation, ([input]) => {
          this.endsWith = Math.min(this.endsWith, input!)
        })
      case 'windows': {
        const parts = operation.with === undefined ? [operation.of] : [operation.of, operation.with]
        const records = sides(...parts)
          .flat()
          .sort(inOrder)
          .filter(isPresent)
          .map(ofSecond)
        const results = inWindows(records, operation)
        if (operation.emit === 'changes')
          return results.map(result => ({ ...result, path: [...result.path, position] }))
        return results
          .toSorted((a, b) => a.timestamp - b.timestamp || compareKeys(a.key!, b.key!))
          .map((result, n) => ({ ...result, path: [...this.#whenOver(result.timestamp), position, n] }))
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

  /** After the input with which the watermark of all streams has passed an instant. */
  #whenOver(instant: number): Path {
    const { operations, outOfOrderness } = this.#program
    const watermarks = new Map<string, number>()
    for (const each of operations)
      if (each.on === 'topic' && each.op !== 'table') watermarks.set(each.topic, Number.NEGATIVE_INFINITY)
    const last = this.#inputs.findIndex(({ topic, timestamp }) => {
      const watermark = watermarks.get(topic)
      if (watermark !== undefined) watermarks.set(topic, Math.max(watermark, timestamp - outOfOrderness))
      return Math.min(...watermarks.values()) > instant
    })
    return last < 0 ? atTheEnd : [last, ...atTheEnd]
  }

  /** The row of a table before an event. What a table derives from another is never behind it. */
  #rowAt(position: number, key: string | null, before: Path): number | null {
    if (key === null) return null
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

  /** The row of a topic before an event. */
  #latestRow(topic: string, key: string | null, before: Path): number | null {
    const records = this.#records(topic).filter(
      record => record.key === key && compare(record.path, before) < 0,
    )
    return records.at(-1)?.value ?? null
  }

  /** The row of a table with history at a time. Of two changes at one time the later one holds. */
  #rowAsOf(position: number, key: string | null, timestamp: number): number | null {
    if (key === null) return null
    const operation = this.#program.operations[position]!
    if (operation.on === 'table') return rowOf(operation)(this.#rowAsOf(operation.of, key, timestamp), key)
    if (operation.on !== 'topic' || operation.op !== 'history')
      throw new Error('Only tables with history know the past.')
    const changes = inTime(this.#records(operation.topic), operation).filter(
      change => change.key === key && change.timestamp <= timestamp,
    )
    return changes.toSorted((a, b) => a.timestamp - b.timestamp).at(-1)?.value ?? null
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

/** A record with the row that it meets under a key. */
function withRow(
  { key, value }: Event,
  { op, n }: { readonly op: string; readonly n: number },
  rowKey: string | null,
  row: number | null,
): Result[] {
  if (value === null || (op === 'join' && (rowKey === null || row === null))) return []
  return [{ key, value: join(value, row, key, n) }]
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

/** The changes of a table with history that are not late. */
function inTime(records: readonly Event[], { lateness }: HistoryOperation): Event[] {
  return records.filter(({ key, timestamp, watermark }) => key !== null && watermark <= timestamp + lateness)
}

/** Those among them of the latest row by time. */
function latestByTime(changes: readonly Event[]): Event[] {
  const latestTimes = new Map<string | null, number>()
  return latest(
    changes.filter(({ key, timestamp }) => {
      const isLatest = timestamp >= (latestTimes.get(key) ?? timestamp)
      if (isLatest) latestTimes.set(key, timestamp)
      return isLatest
    }),
  )
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
