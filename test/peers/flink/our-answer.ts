/** What millrace gives for a case. */
import { json, text, topic, windowed } from '../../../src/schema/index.ts'
import {
  App,
  type EmitPolicy,
  hopping,
  output,
  session,
  type Stream,
  tumbling,
  valueState,
  type WindowedTable,
} from '../../../src/stream/index.ts'
import { testApp } from '../../../src/testing/index.ts'
import type { Answer, Case, WindowsCase } from './case.ts'

const windows = topic('windows', { key: windowed(text()), value: json<number>() })
const numbers = topic('numbers', { key: text(), value: json<number>() })
const late = topic('late', { key: text(), value: json<number>() })

/** What each input gives; the last answer is that of the end of time. */
export function ourAnswers(one: Case): Answer[] {
  const { outOfOrderness, inputs } = one
  const app = new App('case')
  const source = (name: string) =>
    topic(name, { key: text(), value: json<number>(), watermark: { outOfOrderness } })
  const sources = { left: source('left'), right: source('right') }
  // Inputs have a key and a value.
  const stream = app.stream(sources.left) as Stream<string, number>
  if (one.operator === 'windows') {
    const results = inWindows(stream, one)
    results.emit(policyOf(one)).to(windows)
    results.late().to(late)
  } else if (one.operator === 'timers') timers(stream).to(numbers)
  else {
    const joined = stream.join(
      app.stream(sources.right) as Stream<string, number>,
      (a, b) => a * 100 + b,
      one.bounds,
    )
    joined.to(numbers)
    joined.lateLeft().merge(joined.lateRight()).to(late)
  }
  const run = testApp(app)
  const answer = (): Answer => ({
    results:
      one.operator === 'windows'
        ? run
            .output(windows)
            .read()
            .flatMap(each => resultInWindow(each, one))
        : run.output(numbers).read().map(resultOf),
    late: one.operator === 'timers' ? [] : run.output(late).read().map(resultOf),
  })
  let latest = Number.NEGATIVE_INFINITY
  const answers = inputs.map(({ side, ...record }) => {
    run.input(sources[one.operator === 'interval join' ? side : 'left']).push(record)
    latest = Math.max(latest, record.timestamp)
    run.advanceTime(latest - outOfOrderness)
    return answer()
  })
  run.advanceTime(Number.POSITIVE_INFINITY)
  return [...answers, answer()]
}

interface Result<K> {
  readonly key: K
  readonly value: number | null
  readonly timestamp: number
}

const resultOf = ({ key, value, timestamp }: Result<string>): string => `${key} ${value} @${timestamp}`

/** Flink does not take back the sessions that are merged: they are left out. */
function resultInWindow(
  { key: { key, start, end }, value, timestamp }: Result<{ key: string; start: number; end: number }>,
  { kind }: WindowsCase,
): string[] {
  const last = kind === 'tumbling' || kind === 'hopping' ? end - 1 : end
  return value === null ? [] : [`${key} [${start},${last}] ${value} @${timestamp}`]
}

function inWindows(stream: Stream<string, number>, one: WindowsCase): WindowedTable<string, number, number> {
  const { kind, size, advance, offset, lateness: allowedLateness } = one
  const grouped = stream.groupByKey()
  const add = (sum: number, value: number): number => sum + value
  switch (kind) {
    case 'tumbling':
      return grouped.windowedBy(tumbling(size, { offset, allowedLateness })).aggregate(0, add)
    case 'hopping':
      return grouped.windowedBy(hopping(size, advance, { offset, allowedLateness })).aggregate(0, add)
    case 'session':
      return grouped.windowedBy(session(size, { allowedLateness })).aggregate(0, add, add)
    case 'dynamic session': {
      const gapOf = (value: number): number => (value % 2 === 1 ? 2 * size : size)
      return grouped.windowedBy(session(gapOf, { allowedLateness })).aggregate(0, add, add)
    }
  }
}

function policyOf({ emit }: WindowsCase): EmitPolicy {
  return typeof emit === 'object' && 'early' in emit ? { early: emit.early, time: 'event' } : emit
}

function timers(stream: Stream<string, number>): Stream<string, number> {
  return stream.process({
    state: { sum: valueState<number>() },
    outputs: { sums: output<number>() },
    timers: {
      due: (_, { state, emit }) => {
        emit.sums(state.sum.get() ?? 0)
        state.sum.set(0)
      },
    },
    onRecord: (value, _, { state, timers: { due }, timestamp }) => {
      state.sum.set((state.sum.get() ?? 0) + value)
      due.set(timestamp + value)
    },
  }).sums
}
