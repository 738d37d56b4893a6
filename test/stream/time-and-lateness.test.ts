/**
 * Time and lateness, row by row: the windows of small inputs. The results are the same with a restart before
 * any of the records, and with the shortest turns of the event loop and a commit in each.
 */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic, windowed } from '../../src/schema/index.ts'
import { App, type EmitPolicy, hopping, session, type Stream, tumbling } from '../../src/stream/index.ts'
import type { Windows } from '../../src/stream/operators/windows.ts'
import { TaskHarness } from './task-harness.ts'

const output = topic('output', { key: windowed(text()), value: json<string>() })

/** `key@timestamp`, in order; all of them in one partition. */
type Records = string

/** The keys in each window, concatenated. */
function joined(stream: Stream<string | null, string | null>, windows: Windows) {
  const add = (all: string, value: string): string => all + value
  const grouped = stream.groupByKey()
  return windows.kind === 'session'
    ? grouped.windowedBy(windows).aggregate('', add, add)
    : grouped.windowedBy(windows).aggregate('', add)
}

interface Row {
  readonly name: string
  readonly windows: Windows
  /** Windows over the results of the first. */
  readonly downstream?: Windows
  readonly policy?: EmitPolicy
  /** Behind an exchange. */
  readonly exchanged?: boolean
  /** All under one key. */
  readonly oneKey?: boolean
  readonly records: Records
  /**
   * Every result, in order: `key [start,end) values @timestamp pane`. The values are the keys of the records;
   * `-` is null.
   */
  readonly results: readonly string[]
  readonly dropped?: number
}

function programOf({ windows, downstream, policy = 'final', exchanged = false, oneKey = false }: Row): App {
  const app = new App('app')
  const input = app.stream(topic('input', { key: text(), value: json<string>() }))
  const keyed = oneKey ? input.selectKey(() => 'all') : exchanged ? input.selectKey((_, key) => key) : input
  const results = joined(keyed, windows).emit(policy)
  if (downstream)
    joined(
      results.toStream().flatMap((value, { key }) => (value === null ? [] : [[key, value] as const])),
      downstream,
    )
      .emit(policy)
      .to(output)
  else results.to(output)
  return app
}

function outcome(row: Row, restartBefore: number, rowsPerTurn: number): readonly [string[], number] {
  const records = row.records.split(' ').map(each => {
    const [key = '', timestamp] = each.split('@')
    return { key, value: key, timestamp: Number(timestamp) }
  })
  const harness = new TaskHarness(programOf(row), new Map([['input', [records]]]), { rowsPerTurn })
  const commit = (): boolean => {
    harness.commit()
    return true
  }
  for (let n = 0; n < records.length; n += 1) {
    if (n === restartBefore) harness.restart()
    harness.read(harness.sources[0]!, 1, commit)
    commit()
  }
  harness.endExhausted(commit)
  commit()
  const results = harness.outputs.map(({ key, value, timestamp, pane }) => {
    const { key: inner, start, end } = key as { key: string; start: number; end: number }
    return `${inner} [${start},${end}) ${(value ?? '-') as string} @${timestamp} ${pane}`
  })
  const { late, idle } = harness.metrics.dropped
  return [results, late + idle]
}

const rows: readonly Row[] = [
  {
    name: 'T1: a late session is late at once, stamped with its last instant',
    windows: session(10, { allowedLateness: 100 }),
    records: 'b@45 c@50 a@38',
    results: ['a [38,48) a @48 late', 'b [45,55) b @55 on-time', 'c [50,60) c @60 on-time'],
  },
  {
    name: 'T1: the result of a late session is in the window of its timestamp',
    windows: session(100, { allowedLateness: 10 }),
    downstream: tumbling(10, { allowedLateness: 10 }),
    records: 'b@10 c@105 a@0 d@106',
    results: [
      'a [100,110) a @109 on-time',
      'b [110,120) b @119 on-time',
      'c [200,210) c @209 on-time',
      'd [200,210) d @209 on-time',
    ],
  },
  {
    name: 'T2: corrections carry the last instant, as results do',
    windows: tumbling(10, { allowedLateness: 50 }),
    oneKey: true,
    downstream: tumbling(5, { allowedLateness: 50 }),
    records: 'A@2 B@20 A@3',
    results: ['all [5,10) A @9 on-time', 'all [5,10) AAA @9 late', 'all [25,30) B @29 on-time'],
  },
  {
    name: 'T3: records with equal times behind an exchange are not late',
    windows: session(10),
    exchanged: true,
    records: 'k@100 k@100',
    results: ['k [100,110) kk @110 on-time'],
  },
  {
    name: 'T3: records with equal times in sessions are not late',
    windows: session(5),
    exchanged: true,
    records: 'a@10 a@10 a@11 a@11',
    results: ['a [10,16) aaaa @16 on-time'],
  },
  {
    name: 'T4: a record at the watermark, a gap after the last record, is not late (KAFKA-8289)',
    windows: session(10),
    records: 'a@0 b@10 a@10',
    results: ['a [0,20) aa @20 on-time', 'b [10,20) b @20 on-time'],
  },
  {
    name: 'T4: the same records in another order give the same result',
    windows: session(10),
    records: 'a@0 a@10 b@10',
    results: ['a [0,20) aa @20 on-time', 'b [10,20) b @20 on-time'],
  },
  {
    name: 'a record joins a session whose last instant is the watermark: the session is not complete',
    windows: session(10, { allowedLateness: 5 }),
    records: 'a@0 b@10 a@0 b@11 a@0',
    results: ['a [0,10) aa @10 on-time', 'a [0,10) aaa @10 late', 'b [10,21) bb @21 on-time'],
  },
  {
    name: 'a record does not join a session that its watermark has passed, although the two are within the gap',
    windows: session(10),
    records: 'a@0 b@11 a@5',
    results: ['a [0,10) a @10 on-time', 'a [5,15) a @15 on-time', 'b [11,21) b @21 on-time'],
  },
  {
    name: 'a late record that bridges a live session survives',
    windows: session(10),
    records: 'a@20 b@25 a@10',
    results: ['a [10,30) aa @30 on-time', 'b [25,35) b @35 on-time'],
  },
  {
    name: 'a record that merges three sessions retracts each of them',
    windows: session(10, { allowedLateness: 100 }),
    records: 'a@0 a@15 a@30 b@60 a@8 a@23',
    results: [
      'a [0,10) a @10 on-time',
      'a [15,25) a @25 on-time',
      'a [30,40) a @40 on-time',
      'a [0,10) - @10 late',
      'a [15,25) - @25 late',
      'a [0,25) aaa @25 late',
      'a [0,25) - @25 late',
      'a [30,40) - @40 late',
      'a [0,40) aaaaa @40 late',
      'b [60,70) b @70 on-time',
    ],
  },
  {
    name: 'a session whose bounds stay is not retracted before its new value',
    windows: session(10, { allowedLateness: 100 }),
    records: 'a@0 a@8 b@60 a@4',
    results: ['a [0,18) aa @18 on-time', 'a [0,18) aaa @18 late', 'b [60,70) b @70 on-time'],
  },
  {
    name: 'hopping updates the windows of a record in ascending order',
    windows: hopping(10, 5),
    policy: 'changes',
    records: 'k@12',
    results: ['k [5,15) k @12 early', 'k [10,20) k @12 early'],
  },
  {
    name: 'a window that starts before the epoch, with a negative offset, holds its records',
    windows: tumbling(10, { offset: -3 }),
    records: 'k@2 k@6 k@7',
    results: ['k [-3,7) kk @6 on-time', 'k [7,17) k @16 on-time'],
  },
  {
    name: 'a sample: records between windows are in none, and are not late',
    windows: hopping(5, 20),
    records: 'k@2 k@7 k@19 k@20 k@24 k@25',
    results: ['k [0,5) k @4 on-time', 'k [20,25) kk @24 on-time'],
  },
  {
    name: 'a sample: a record between windows can be late like any other',
    windows: hopping(5, 20, { allowedLateness: 1 }),
    records: 'k@2 b@9 k@8 k@7',
    results: ['k [0,5) k @4 on-time'],
    dropped: 1,
  },
  {
    name: 'a window accepts records until the watermark passes its last instant by the lateness',
    windows: tumbling(10, { allowedLateness: 5 }),
    records: 'a@1 b@14 a@2 b@15 a@3',
    results: ['a [0,10) a @9 on-time', 'a [0,10) aa @9 late', 'b [10,20) bb @19 on-time'],
    dropped: 1,
  },
]

for (const row of rows)
  test(row.name, () => {
    const records = row.records.split(' ').length
    for (const rowsPerTurn of [1, 2, 1000])
      for (let restartBefore = 0; restartBefore <= records; restartBefore += 1) {
        const [results, dropped] = outcome(row, restartBefore, rowsPerTurn)
        const place = `restart before record ${restartBefore}, ${rowsPerTurn} rows a turn`
        deepEqual(results, row.results, place)
        // Counts of this process alone.
        if (restartBefore === 0) deepEqual(dropped, row.dropped ?? 0, place)
      }
  })

for (const [name, windows, expiry] of [
  ['aggregate-1-windows', tumbling(24, { allowedLateness: 1 }), 24],
  ['aggregate-1-windows', hopping(24, 30, { allowedLateness: 1 }), 24],
  ['aggregate-1-sessions', session(20, { allowedLateness: 4 }), 24],
  ['aggregate-1-sessions', session(20), 20],
] as const)
  test(`T5: rows expire when the watermark has passed the last instant by the lateness: ${name}, ${expiry}`, () => {
    for (const [watermark, left] of [
      [expiry, 3],
      [expiry + 1, 0],
    ] as const)
      // Directly past that instant, and in steps: a window that has fired must be woken once more.
      for (const steps of [[], Array.from({ length: watermark }, (_, time) => time + 1)]) {
        const app = new App('app')
        const input = topic('input', { key: text(), value: json<string>() })
        joined(app.stream(input), windows).emit('final').to(output)
        const early = ['a', 'b', 'c'].map(key => ({ key, value: key, timestamp: 0 }))
        const late = [...steps, watermark].map(timestamp => ({ key: 'z', value: 'z', timestamp }))
        const records = [...early, ...late]
        const harness = new TaskHarness(app, new Map([['input', [records]]]))
        harness.read(harness.sources[0]!, records.length)
        harness.commit()
        const kept = harness.rows(name).filter(row => !row.endsWith(' z'))
        deepEqual(kept.length, left, `at ${watermark}, ${steps.length} steps`)
      }
  })

for (const windows of [tumbling(10), session(10)])
  test(`a record is judged by its partition's watermark, even if a table holds back the task: ${windows.kind}`, () => {
    const app = new App('app')
    const input = topic('input', { key: text(), value: json<string>() })
    const names = topic('names', {
      key: text(),
      value: json<string>(),
      watermark: { outOfOrderness: 0 },
    })
    const named = app.stream(input).join(app.table(names), (_, name) => name)
    joined(named, windows).emit('final').to(output)
    const record = (key: string, timestamp: number) => ({ key, value: key, timestamp })
    const harness = new TaskHarness(
      app,
      new Map([
        ['names', [[record('a', 0), record('b', 0)]]],
        ['input', [[record('a', 0), record('b', 100), record('a', 8)]]],
      ]),
    )
    for (const name of ['names', 'input'])
      harness.read(
        harness.sources.find(source => source.topic === name)!,
        10,
      )
    harness.endExhausted()
    harness.commit()
    deepEqual(
      harness.outputs.map(({ value, pane }) => `${value as string} ${pane}`),
      ['a on-time', 'b on-time'],
    )
    deepEqual(harness.metrics.dropped.late, 1)
  })
