/**
 * What a program may change between two runs, operator by operator (docs/changing-a-program.md): of each
 * operator with state what its state depends on, and some things on which it does not.
 */
import { json, topic, text } from '../../src/schema/index.ts'
import {
  type App,
  hopping,
  type JoinOptions,
  listState,
  type MatchOptions,
  output as outputOf,
  pattern,
  type PatternOf,
  type PatternStart,
  session,
  type SuppressOptions,
  tumbling,
  valueState,
} from '../../src/stream/index.ts'
import { output } from './programs.ts'
import { type Case, numbers, others, type Program, testChanges } from './two-programs.ts'

const grouped = (app: App) => app.stream(numbers).groupByKey()

const keep = /Keep it as it was/
const anotherName = /another name/
const anotherApp = /an app of another name/

const byClock = { time: 'processing', fire: () => {} } as const

type StateDeclaration = ReturnType<typeof valueState<number>> | ReturnType<typeof listState<number>>
type Steps = (pattern: PatternStart<number>) => PatternOf<number, object>

const windows =
  (of: Parameters<ReturnType<typeof grouped>['windowedBy']>[0]): Program =>
  app =>
    grouped(app).windowedBy(of).count({ name: 'state' }).emit('final').to(output)
const joined =
  (options: JoinOptions): Program =>
  app =>
    app
      .stream(numbers)
      .join(app.stream(others), (a, b) => a * 10 + b, { ...options, name: 'state' })
      .to(output)
const matched =
  (steps: Steps, options: MatchOptions<never> = {}): Program =>
  app =>
    app
      .stream(numbers)
      .match(steps(pattern<number>()), { ...options, name: 'state' })
      .matches.to(output)
/** Parts of a definition besides its function. */
interface Parts {
  readonly state?: { readonly last: StateDeclaration }
  readonly timers?: { readonly late: (() => void) | typeof byClock }
}

const processed =
  (parts: Parts): Program =>
  app =>
    app
      .stream(numbers)
      .process(
        {
          ...parts,
          outputs: { results: outputOf<number>() },
          onRecord: (value, _key, { emit }) => emit.results(value ?? 0),
        },
        { name: 'state' },
      )
      .results.to(output)
const remembered =
  (history: number, allowedLateness = 0): Program =>
  app =>
    app
      .stream(numbers)
      .join(app.table(others, { history, allowedLateness }), (a, b) => a * 10 + b, { name: 'state' })
      .to(output)
const heldBack =
  (limit: number, options: SuppressOptions = {}): Program =>
  app =>
    grouped(app)
      .count({ name: 'count' })
      .suppress(limit, { ...options, name: 'state' })
      .to(output)

const deduplicated =
  (within: number): Program =>
  app =>
    app.stream(numbers).deduplicate(within, { name: 'state' }).to(output)
const topped =
  (n: number): Program =>
  app =>
    grouped(app)
      .topN(n, value => value, { name: 'state' })
      .to(output)
const asked =
  (ordered: boolean): Program =>
  app =>
    app
      .stream(numbers)
      .mapAsync(async value => value, { ordered, name: 'state' })
      .to(output)
const aggregated =
  (initial: unknown): Program =>
  app =>
    grouped(app)
      .aggregate(initial, sum => sum, { name: 'state' })
      .to(output)

const cases: readonly Case[] = [
  ['size of windows', windows(tumbling(100)), windows(tumbling(50)), anotherName],
  ['advance of windows', windows(hopping(100, 50)), windows(hopping(100, 25)), anotherName],
  [
    'lateness of windows',
    windows(tumbling(100)),
    windows(tumbling(100, { allowedLateness: 5 })),
    anotherName,
  ],
  ['time of windows', windows(tumbling(100)), windows(tumbling(100, { time: 'processing' })), anotherName],
  ['gap of sessions', windows(session(30)), windows(session(40)), anotherName],
  ['gap by record', windows(session(30)), windows(session(() => 30)), anotherName],
  ['interval of a join', joined({ within: 10 }), joined({ within: 20 }), anotherName],
  ['bounds of a join', joined({ within: 10 }), joined({ within: 10, exclusive: 'both' }), anotherName],
  ['lateness of a join', joined({ within: 10 }), joined({ within: 10, allowedLateness: 9 }), anotherName],
  ['longer history', remembered(50), remembered(100), keep],
  ['more lateness of a history', remembered(50), remembered(50, 30), keep],
  ['shorter history', remembered(100), remembered(50)],
  ['time of deduplicate', deduplicated(20), deduplicated(40), anotherName],
  ['n of topN', topped(2), topped(3), anotherName],
  ['limit of suppress', heldBack(20), heldBack(40), anotherName],
  ['bounds of suppress', heldBack(20), heldBack(20, { maxRecords: 1 })],
  ['order of mapAsync', asked(true), asked(false), anotherName],
  ['steps of a pattern', matched(p => p.begin('a')), matched(p => p.begin('a').next('b')), anotherName],
  [
    'loops of a pattern',
    matched(p => p.begin('a').times(2)),
    matched(p => p.begin('a').times(3)),
    anotherName,
  ],
  ['time of a pattern', matched(p => p.begin('a')), matched(p => p.begin('a').within(9)), anotherName],
  [
    'skipping after a match',
    matched(p => p.begin('a').followedBy('b')),
    matched(p => p.begin('a').followedBy('b'), { afterMatch: 'skipPastLastEvent' }),
    anotherName,
  ],
  [
    'a ttl of process',
    processed({ state: { last: valueState<number>() } }),
    processed({ state: { last: valueState<number>({ ttl: 50 }) } }),
    keep,
  ],
  [
    'the time of a ttl',
    processed({ state: { last: valueState<number>({ ttl: 50 }) } }),
    processed({ state: { last: valueState<number>({ ttl: 50, time: 'processing' }) } }),
    keep,
  ],
  [
    'a state of process',
    processed({ state: { last: valueState<number>() } }),
    processed({ state: { last: listState<number>() } }),
    anotherName,
  ],
  [
    'the time of a timer',
    processed({ timers: { late: () => {} } }),
    processed({ timers: { late: byClock } }),
    keep,
  ],
  ['a timer less', processed({ timers: { late: () => {} } }), processed({}), keep],
  ['a timer more', processed({}), processed({ timers: { late: () => {} } })],
  ['the aggregate', aggregated(0), aggregated({ sum: 0 }), anotherName],
]

testChanges(cases)

const table = (app: App) => app.table(others)
const passed: Program = app => table(app).to(output)
/** A program that keeps the rows of a table once more: those that were read before would be missing. */
const withoutRows: readonly (readonly [string, Program])[] = [
  [
    'groups of a table',
    app =>
      table(app)
        .groupBy((n, key) => [`${n}${key}`, n])
        .count()
        .to(output),
  ],
  [
    'a join by foreign key',
    app =>
      table(app)
        .join(
          table(app),
          (_, key) => key,
          (a, b) => a + b,
        )
        .to(output),
  ],
  [
    'a join behind an exchange',
    app =>
      app
        .stream(numbers)
        .join(table(app), (_, row) => row)
        .selectKey((_, key) => key)
        .join(table(app), (_, row) => row)
        .to(output),
  ],
  [
    'rules for every task',
    app =>
      app
        .stream(numbers)
        .process({
          outputs: { results: outputOf<number>() },
          broadcast: { rules: table(app) },
          onRecord: (value, _key, { emit }) => emit.results(value ?? 0),
        })
        .results.to(output),
  ],
]

testChanges([
  ...withoutRows.map(([added, program]): Case => [
    `a program that gets ${added}`,
    passed,
    app => {
      passed(app)
      program(app)
    },
    anotherApp,
  ]),
  ['a stream to a table', app => app.stream(others).to(output), passed, anotherApp],
  [
    'a program that gets a table of another topic',
    app => app.stream(numbers).to(output),
    app => {
      app.stream(numbers).to(output)
      table(app)
        .groupBy((n, key) => [`${n}${key}`, n])
        .count()
        .to(output)
    },
  ],
  [
    'a program that gets a side output of late changes',
    app =>
      app
        .stream(numbers)
        .join(app.table(others, { history: 50 }), (_, row) => row)
        .groupByKey()
        .count()
        .to(output),
    app => {
      const rows = app.table(others, { history: 50 })
      const paid = app.stream(numbers).join(rows, (_, row) => row)
      paid.groupByKey().count().to(output)
      rows.late().to(topic('late', { key: text(), value: json<number>() }))
      paid.late().to(topic('late-2', { key: text(), value: json<number>() }))
    },
  ],
])
