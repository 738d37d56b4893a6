/**
 * Another policy of `emit` over windows of which some are open. State that cannot know what was shown of them
 * is refused.
 */
import {
  type App,
  cumulative,
  type EmitPolicy,
  hopping,
  session,
  sliding,
  type Table,
  tumbling,
  type WindowedTable,
} from '../../src/stream/index.ts'
import { json, topic, type Windowed } from '../../src/schema/index.ts'
import { output } from './programs.ts'
import { type Case, numbers, testChanges } from './two-programs.ts'

type Counts = WindowedTable<string, number, number>
type Results = Table<Windowed<string>, number>

const grouped = (app: App) => app.stream(numbers).groupByKey()

/** Counts in windows of each kind. */
const windowed: readonly (readonly [string, (app: App) => Counts])[] = [
  ['tumbling', app => grouped(app).windowedBy(tumbling(100)).count({ name: 'state' })],
  ['hopping', app => grouped(app).windowedBy(hopping(100, 50)).count({ name: 'state' })],
  [
    'cumulative',
    app =>
      grouped(app)
        .windowedBy(cumulative({ size: 100, step: 50 }))
        .count({ name: 'state' }),
  ],
  ['session', app => grouped(app).windowedBy(session(30)).count({ name: 'state' })],
  ['sliding', app => grouped(app).windowedBy(sliding(30)).count({ name: 'state' })],
]

const policies = ['final', 'changes', { early: 1000 }, { everyRecords: 2 }] satisfies EmitPolicy[]
const kindOf = (policy: EmitPolicy): string => (typeof policy === 'string' ? policy : Object.keys(policy)[0]!)

const intoGroups =
  (named: { readonly name?: string }) =>
  (results: Results): void =>
    results
      .groupBy((count, { key }) => [key, count])
      .reduce(
        (a, b) => a + b,
        (a, b) => a - b,
        named,
      )
      .to(output)

/** What takes the results of windows: each keeps what it had of windows that are open. */
const takers: readonly (readonly [string, (results: Results) => void])[] = [
  ['a topic', results => results.to(output)],
  ['groups with a name', intoGroups({ name: 'sums' })],
  ['groups without a name', intoGroups({})],
  [
    'a sum of the stream',
    results =>
      results
        .toStream()
        .groupBy((_, { key }) => key)
        .aggregate(0, (sum, count) => sum + (count ?? 0), { name: 'sums' })
        .to(output),
  ],
]

/** Results of open windows that were shown stay known, and those that were not are shown yet. */
const isKept = (before: string, after: string): boolean =>
  before === after || (before === 'final' && after !== 'changes')

/** How often intermediate results come is not part of the sum. */
const cases: readonly Case[] = windowed.flatMap(([windows, counts]) =>
  takers.flatMap(([taker, take]) =>
    policies.flatMap(before =>
      policies
        .filter(after => taker !== 'a sum of the stream' || !isKept(kindOf(before), kindOf(after)))
        .map((after): Case => {
          const [was, is] = [kindOf(before), kindOf(after)]
          return [
            `emit '${was}' to '${is}', ${windows}, to ${taker}`,
            app => take(counts(app).emit(before)),
            app => take(counts(app).emit(after)),
            isKept(was, is) ? undefined : new RegExp(`'${was}'.*'${is}'.*Keep the policy '${was}'`, 's'),
          ]
        }),
    ),
  ),
)

testChanges(cases)

const counts = windowed[0]![1]
const intoSums = intoGroups({ name: 'sums' })

testChanges([
  [
    'the interval of early results',
    app => intoSums(counts(app).emit({ early: 1000 })),
    app => intoSums(counts(app).emit({ early: 2000 })),
  ],
  [
    'the number of records',
    app => intoSums(counts(app).emit({ everyRecords: 2 })),
    app => intoSums(counts(app).emit({ everyRecords: 3 })),
  ],
  [
    'the emit that an operator gets results from',
    app => intoSums(counts(app).emit('changes')),
    app => {
      const windows = counts(app)
      windows.emit('changes')
      intoSums(windows.emit('final'))
    },
    /'sums'.*'changes'.*'final'.*Keep the policy 'changes' for it/s,
  ],
  [
    'the emit that a topic gets results from, as a refusal advises',
    app =>
      counts(app)
        .emit('changes')
        .to(topic('earlier', { key: json(), value: json() })),
    app => {
      const windows = counts(app)
      windows.emit('changes').to(topic('earlier', { key: json(), value: json() }))
      // Those before have fired in the first run.
      windows
        .emit('final')
        .filter((_, { start }) => start >= 100)
        .to(output)
    },
  ],
  [
    'an emit that is taken out',
    app => {
      const windows = counts(app)
      windows.emit('final').to(output)
      windows.emit({ early: 1000 })
    },
    app => counts(app).emit('final').to(output),
    /the policy of emit number 2 was 'early'.*Keep it as it was/s,
  ],
  [
    'a suppress that is taken out',
    app => intoSums(counts(app).emit('changes').suppress(100, { name: 'held' })),
    app => intoSums(counts(app).emit('changes')),
    /'sums'.*Keep 'suppress for 100ms/s,
  ],
])
