/* oxlint-disable import/no-cycle -- process makes streams of a stream. */
/** process: its definition with its types, the checks of it, and the streams of its outputs. */
import { checkOptions, inWords, MillraceError, type OptionKind } from '../../base/index.ts'
import type { BroadcastRows } from '../operators/broadcast-rows.ts'
import { process, type ProcessContext, type Processing } from '../operators/process.ts'
import type { TimeDomain } from '../operators/process-states.ts'
import { checkCall, wrongArgument } from './arguments.ts'
import { checkKept, copartitioned } from './co-partitioning.ts'
import type { Versioned } from './options.ts'
import { Output, StateDeclaration } from './process-declarations.ts'
import { streamsByOutlet } from './side-outputs.ts'
import { Stream } from './stream.ts'
import { Table } from './table.ts'

/** A function for timers, or one with the time by which it is due: default `'event'`. */
export type TimerFunction<K, C> =
  | ((key: K, context: C) => void)
  | { readonly time?: TimeDomain; readonly fire: (key: K, context: C) => void }

/** Another stream that process reads. */
export interface ProcessInput<K, V, C> {
  readonly from: Stream<K | null, V>
  readonly onRecord: (value: V, key: K, context: C) => void
}

/** Tables by name. */
export type Broadcast = Readonly<Record<string, Table<unknown, unknown>>>

/** What functions see of such tables. */
export type RowsOf<B> = {
  readonly [N in keyof B]: B[N] extends Table<infer K, infer V> ? BroadcastRows<K, V> : never
}

/**
 * What `process` does. `S` are its states and `O` the values of its outputs, by name; `T` the names of its
 * timers; `I` the values of its other inputs, and `B` the tables that every task has, by name.
 */
export interface ProcessDefinition<K, V, S, O, T extends string, I, B> {
  /** {@link valueState}, {@link mapState} or {@link listState}, by name. */
  readonly state?: { readonly [N in keyof S]: StateDeclaration<S[N]> }
  /** {@link output}, by name. */
  readonly outputs: { readonly [N in keyof O]: Output<O[N]> }
  /** What happens when a timer is due, by its name. */
  readonly timers?: { readonly [N in T]: TimerFunction<K, ProcessContext<S, O, T, RowsOf<B>>> }
  /** Other streams with the same keys, by name, each with its function. */
  readonly inputs?: { readonly [N in keyof I]: ProcessInput<K, I[N], ProcessContext<S, O, T, RowsOf<B>>> }
  /** Tables of which every task has all rows, by name; their keys need not be those of the stream. */
  readonly broadcast?: B & Broadcast
  /** Called for each record. */
  readonly onRecord: (value: V, key: K, context: ProcessContext<S, O, T, RowsOf<B>>) => void
}

/** The streams of the outputs of a definition, by their names. */
export function processed<K, V, S, O, T extends string, I, B>(
  stream: Stream<K, V>,
  definition: ProcessDefinition<NonNullable<K>, V, S, O, T, I, B>,
  options: Versioned,
): { readonly [N in keyof O]: Stream<NonNullable<K>, O[N]> } {
  const { graph } = stream
  const { operator, others, tables } = processing(definition as never, options)
  graph.check(operator, [stream.edge, ...others, ...tables], options)
  const edge = graph.exchange(stream.edge)
  const inputs = others.map(other => copartitioned(graph, other, { edge }))
  const broadcast = tables.map(table => graph.broadcast(table))
  const outputs = graph.apply(operator, [edge, ...inputs, ...broadcast], options)
  // The outlets are the outputs.
  return streamsByOutlet(graph, outputs) as { [N in keyof O]: Stream<NonNullable<K>, O[N]> }
}

/** A definition whose types the compiler has checked. */
type AnyDefinition = ProcessDefinition<never, never, object, object, string, object, object>

/** What a definition makes. */
interface Made {
  readonly operator: ReturnType<typeof process>
  readonly others: readonly Stream<unknown, unknown>['edge'][]
  readonly tables: readonly Table<unknown, unknown>['edge'][]
}

/**
 * The operator of a definition, and what it reads besides its stream.
 * @throws MillraceError INVALID_ARGUMENT; INVALID_TOPOLOGY for results of windows to broadcast
 */
function processing(definition: AnyDefinition, options: unknown): Made {
  if (typeof definition !== 'object' || definition === null)
    throw wrongArgument('process', 'definition', 'an object with outputs and onRecord', definition)
  const { onRecord, outputs, state = {}, timers = {}, inputs = {}, broadcast = {} } = definition
  checkCall('process', { onRecord }, options)
  checkOptions('process', definition, { onRecord: 'function', ...parts })
  if (outputs === undefined) throw wrongArgument('process', 'outputs', 'one or more', outputs)
  const outlets = Object.keys(named('outputs', outputs, one => one instanceof Output, 'output<…>()'))
  if (outlets.length === 0) throw wrongArgument('process', 'outputs', 'one or more', outputs)
  const others = Object.entries(
    named<ProcessInput<never, never, never>>(
      'inputs',
      inputs,
      one => one?.from instanceof Stream && typeof one.onRecord === 'function',
      '{ from: stream, onRecord: (value, key, context) => … }',
    ),
  ).map(([name, one]) => {
    checkCall('process', { [`onRecord of '${name}'`]: one.onRecord }, undefined)
    return one
  })
  const tables = named<Table<unknown, unknown>>(
    'broadcast',
    broadcast,
    one => one instanceof Table,
    'a table, as app.table(topic) and toTable() give one',
  )
  for (const table of Object.values(tables)) checkKept('stream', table)
  const operator = process({
    states: named<StateDeclaration<unknown>>(
      'state',
      state,
      one => one instanceof StateDeclaration,
      'valueState<…>(), mapState<…>() or listState<…>()',
    ),
    outlets,
    timers: timersOf(timers),
    broadcast: Object.keys(tables),
    onRecord: [onRecord, ...others.map(one => one.onRecord)],
  })
  return {
    operator,
    others: others.map(({ from }) => from.edge),
    tables: Object.values(tables).map(({ edge }) => edge),
  }
}

const parts = {
  outputs: 'object',
  state: 'object',
  timers: 'object',
  inputs: 'object',
  broadcast: 'object',
} as const

function timersOf(given: object): Processing['timers'] {
  const timers = named<TimerFunction<never, never>>(
    'timers',
    given,
    one => typeof one === 'function' || typeof one?.fire === 'function',
    'a function (key, context) => …, or { time, fire }',
  )
  return Object.fromEntries(
    Object.entries(timers).map(([name, timer]) => {
      const { time = 'event', fire } = typeof timer === 'function' ? { fire: timer } : timer
      checkOptions(`timer '${name}' of process`, { time, fire }, timerParts)
      checkCall('process', { [`timer '${name}'`]: fire }, undefined)
      return [name, { time, fire }]
    }),
  )
}

const timerParts: Readonly<Record<string, OptionKind>> = { fire: 'function', time: ['event', 'processing'] }

/** The entries of a part, once their names and kinds are checked. */
function named<T>(
  part: keyof typeof parts,
  given: object,
  admits: (one: T | undefined) => boolean,
  expected: string,
): Readonly<Record<string, T>> {
  checkOptions('process', { [part]: given }, parts)
  for (const [name, one] of Object.entries(given) as [string, T | undefined][]) {
    if (!/^[a-zA-Z]\w{0,49}$/.test(name))
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `${inWords(name)} cannot be a name in the ${part} of process: use letters, digits and '_', a letter first, 50 at most.`,
      )
    if (!admits(one))
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `'${name}' in the ${part} of process must be ${expected}, got ${inWords(one)}.`,
      )
  }
  // Each of them was admitted.
  return given as Record<string, T>
}
