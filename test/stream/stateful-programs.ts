/** Programs for each operator with state, for tests of what all of them must do. */
import { json, text, topic } from '../../src/schema/index.ts'
import {
  App,
  cumulative,
  type EmitPolicy,
  global,
  hopping,
  listState,
  mapState,
  output,
  session,
  sliding,
  type Stream,
  type Table,
  tumbling,
  valueState,
} from '../../src/stream/index.ts'

const topicOf = (name: string, partitions?: number) =>
  topic(name, {
    key: text(),
    value: json<number>(),
    watermark: { outOfOrderness: 20 },
    ...(partitions !== undefined && { partitions }),
  })

/** What a program is made of. Its values are 0 to 9; a record with 0 is the last one of its key. */
interface Inputs {
  readonly left: Stream<string | null, number>
  readonly right: Stream<string | null, number>
  readonly leftTable: Table<string, number>
  readonly rightTable: Table<string, number>
  /** For a table that every task has. */
  readonly rules: () => Table<string, number>
}

type Results = Stream<unknown, unknown> | Table<unknown, unknown>

export interface StatefulProgram {
  readonly name: string
  /** The file of its operator in src/stream/operators. */
  readonly operator: string
  /**
   * What the same input gives, whatever the timing: the same records, or the same last value of each key with
   * its time, or without it; or nothing, as docs/time.md says. Default `'records'`.
   */
  readonly promises?: 'rows' | 'values' | 'nothing'
  /** Its results depend on the watermark of each record, and so on what is in the record's partition. */
  readonly seesWatermarks?: boolean
  /** Its entries of each key whose time is never over. Default 0. */
  readonly rowsOfKey?: number
  readonly resultsOf: (inputs: Inputs) => Results
}

/** The app of a program. `partitions`: of its topics, if a log creates them. */
export function appOf({ resultsOf }: StatefulProgram, partitions?: number) {
  const left = topicOf('left', partitions)
  const right = topicOf('right', partitions)
  const rules = topicOf('rules', partitions)
  const results = topic('results', { key: json<unknown>(), value: json<unknown>(), partitions: 2 })
  const app = new App('stateful')
  const leftTable = app.table(left)
  const rightTable = app.table(right)
  const valued = (table: Table<string, number>): Stream<string | null, number> =>
    table.toStream().filter(value => value !== null) as Stream<string | null, number>
  const made = resultsOf({
    left: valued(leftTable),
    right: valued(rightTable),
    leftTable,
    rightTable,
    rules: () => app.table(rules),
  })
  ;(made as Stream<unknown, unknown>).to(results)
  return { app, inputs: [left, right, rules], results }
}

const add = (sum: number, value: number): number | null => (value === 0 ? null : sum + value)
const plus = (one: number, other: number): number => one + other
const minus = (sum: number, value: number): number | null => (sum === value ? null : sum - value)
const pair = (one: unknown, other: unknown): string => `${String(one)} ${String(other)}`
const allowedLateness = 15

const windows = {
  tumbling: tumbling(30, { allowedLateness }),
  hopping: hopping(30, 10, { allowedLateness }),
  'hopping, with gaps': hopping(10, 30, { allowedLateness }),
  cumulative: cumulative({ size: 30, step: 10, allowedLateness }),
  sliding: sliding(20, { allowedLateness }),
  session: session(15, { allowedLateness }),
  'session by gaps of records': session<number>(value => 5 + value, { allowedLateness }),
  'tumbling by the clock': tumbling(2000, { time: 'processing' }),
  'session by the clock': session(300, { time: 'processing' }),
}

const policies: readonly EmitPolicy[] = [
  'final',
  'changes',
  { early: 10 },
  { early: 10, time: 'event' },
  { everyRecords: 3 },
]

/** Windows of each kind, under each policy. */
const windowed = Object.entries(windows).flatMap(([kind, window]) =>
  policies.map((policy): StatefulProgram => ({
    operator: 'window-aggregate',
    name: `${kind} windows, emit ${JSON.stringify(policy)}`,
    ...(kind.endsWith('clock') ? { promises: 'nothing' } : policy !== 'final' && { promises: 'rows' }),
    resultsOf: inputs => inputs.left.groupByKey().windowedBy(window).reduce(plus).emit(policy),
  })),
)

const near = { before: 10, after: 30, allowedLateness }
const joins: readonly StatefulProgram[] = [
  {
    operator: 'stream-join',
    name: 'join of streams',
    resultsOf: inputs => inputs.left.join(inputs.right, pair, near),
  },
  {
    operator: 'stream-join',
    name: 'leftJoin of streams',
    resultsOf: inputs => inputs.left.leftJoin(inputs.right, pair, near),
  },
  {
    operator: 'stream-join',
    name: 'outerJoin of streams',
    resultsOf: inputs => inputs.left.outerJoin(inputs.right, pair, near),
  },
  {
    operator: 'table-table-join',
    name: 'join of tables',
    promises: 'rows',
    resultsOf: inputs => inputs.leftTable.join(inputs.rightTable, pair),
  },
  {
    operator: 'table-table-join',
    name: 'leftJoin of tables',
    promises: 'values',
    resultsOf: inputs => inputs.leftTable.leftJoin(inputs.rightTable, pair),
  },
  {
    operator: 'table-table-join',
    name: 'outerJoin of tables',
    promises: 'values',
    resultsOf: inputs => inputs.leftTable.outerJoin(inputs.rightTable, pair),
  },
]

const afterMatch = [
  'noSkip',
  'skipToNext',
  'skipPastLastEvent',
  { skipToFirst: 'rise' },
  { skipToLast: 'rise' },
] as const
const matched = afterMatch.map((skip): StatefulProgram => ({
  operator: 'match-pattern',
  name: `match, after it ${JSON.stringify(skip)}`,
  resultsOf: inputs =>
    inputs.left
      .match(
        start =>
          start
            .begin('rise', value => value > 3)
            .oneOrMore()
            .notFollowedBy(value => value === 5)
            .followedBy('fall', value => value < 3)
            .within(40),
        { afterMatch: skip },
      )
      .matches.mapValues(({ rise, fall }) => pair(rise, fall)),
}))

export const statefulPrograms: readonly StatefulProgram[] = [
  ...windowed,
  ...joins,
  ...matched,
  {
    operator: 'window-aggregate',
    name: 'windows that are emptied',
    resultsOf: inputs =>
      inputs.left
        .groupByKey()
        .windowedBy(windows.tumbling)
        .aggregate(0, add)
        .emit({ everyRecords: 3, panes: 'discarding' }),
  },
  {
    operator: 'window-aggregate',
    name: 'sessions that are emptied',
    resultsOf: inputs =>
      inputs.left
        .groupByKey()
        .windowedBy(windows.session)
        .reduce(plus)
        .emit({ everyRecords: 3, panes: 'discarding' }),
  },
  {
    operator: 'window-aggregate',
    name: 'topN in windows',
    resultsOf: inputs =>
      inputs.left
        .groupByKey()
        .windowedBy(windows.tumbling)
        .topN(3, value => value)
        .emit('final'),
  },
  {
    operator: 'window-aggregate',
    name: 'global windows',
    promises: 'rows',
    rowsOfKey: 2,
    resultsOf: inputs => inputs.left.groupByKey().windowedBy(global()).count().emit({ everyRecords: 3 }),
  },
  {
    operator: 'window-aggregate',
    name: 'sessionize',
    resultsOf: inputs => inputs.left.groupByKey().sessionize(15, { allowedLateness }).emit('final'),
  },
  {
    operator: 'window-aggregate',
    name: 'cogroup in sliding windows, behind an exchange',
    resultsOf: inputs =>
      inputs.left
        .groupBy(value => value)
        .cogroup((sum: number, value) => add(sum, value) as number)
        .cogroup(
          inputs.right.groupBy(value => value),
          (sum, value) => add(sum, value) as number,
        )
        .windowedBy(windows.sliding)
        .aggregate(0)
        .emit('final'),
  },
  ...(['tumbling', 'session', 'sliding'] as const).map((kind): StatefulProgram => ({
    operator: 'window-aggregate',
    name: `coGroup in ${kind} windows`,
    resultsOf: inputs => inputs.left.coGroup(inputs.right, windows[kind]).outerJoin(pair),
  })),
  {
    operator: 'aggregate',
    name: 'aggregate',
    promises: 'rows',
    resultsOf: inputs => inputs.left.groupByKey().aggregate(0, add),
  },
  {
    operator: 'aggregate',
    name: 'topN',
    promises: 'rows',
    rowsOfKey: 1,
    resultsOf: inputs => inputs.left.groupByKey().topN(3, value => value),
  },
  {
    operator: 'aggregate',
    name: 'groups of a table',
    promises: 'values',
    resultsOf: inputs => inputs.leftTable.groupBy(value => [value % 3, value]).reduce(plus, minus),
  },
  {
    operator: 'as-of-join',
    name: 'join as of the time',
    resultsOf: inputs =>
      inputs.left.leftJoin(inputs.rightTable.toStream().toTable({ history: 30, allowedLateness }), pair),
  },
  {
    operator: 'deduplicate',
    name: 'deduplicate',
    resultsOf: inputs => inputs.left.deduplicate(25, { allowedLateness }),
  },
  {
    operator: 'foreign-key-answers',
    name: 'join by foreign key',
    promises: 'rows',
    resultsOf: inputs => inputs.leftTable.join(inputs.rightTable, value => 'abcd'[value % 4], pair),
  },
  {
    operator: 'foreign-key-join',
    name: 'left join by foreign key',
    promises: 'values',
    resultsOf: inputs => inputs.leftTable.leftJoin(inputs.rightTable, value => 'abcd'[value % 4], pair),
  },
  {
    operator: 'map-async',
    name: 'mapAsync',
    resultsOf: inputs => inputs.left.mapAsync(async value => value + 1),
  },
  {
    operator: 'process',
    name: 'process',
    seesWatermarks: true,
    resultsOf: inputs =>
      inputs.left.process({
        state: {
          last: valueState<number>({ ttl: 30 }),
          seen: mapState<number, number>({ ttl: 30, time: 'processing' }),
          list: listState<number>({ ttl: 30 }),
        },
        outputs: { told: output<string>() },
        timers: {
          silence: (_key, { emit, state }) => emit.told(`silent after ${String(state.last.get())}`),
          remind: { time: 'processing', fire: () => {} },
        },
        onRecord: (value, _key, { state, timers, timestamp, now }) => {
          state.last.set(value)
          state.seen.set(value, timestamp)
          state.list.push(value)
          timers.silence.set(timestamp + 30)
          timers.remind.set(now() + 30)
        },
      }).told,
  },
  {
    operator: 'process',
    name: 'process of two streams, with rows that every task has',
    promises: 'nothing',
    resultsOf: inputs =>
      inputs.left.process({
        state: { met: valueState<number>({ ttl: 30 }) },
        outputs: { told: output<string>() },
        inputs: { right: { from: inputs.right, onRecord: (value, _key, { state }) => state.met.set(value) } },
        broadcast: { rules: inputs.rules() },
        onRecord: (value, _key, { state, emit, broadcast }) =>
          emit.told(pair(state.met.get() ?? value, broadcast.rules.entries().length)),
      }).told,
  },
  {
    operator: 'suppress',
    name: 'suppress',
    promises: 'rows',
    resultsOf: inputs => inputs.leftTable.suppress(25),
  },
  {
    operator: 'table-source',
    name: 'rows',
    resultsOf: inputs => inputs.leftTable.filter(value => value > 3),
  },
  {
    operator: 'versioned-table',
    name: 'rows with history',
    promises: 'rows',
    resultsOf: inputs => inputs.leftTable.toStream().toTable({ history: 30, allowedLateness }),
  },
]
