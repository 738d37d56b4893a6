/** What millrace gives for a case. */
import { json, text, topic, windowed } from '../../../src/schema/index.ts'
import { App, type Stream } from '../../../src/stream/index.ts'
import { testApp } from '../../../src/testing/index.ts'
import type { Answer, Case, IntervalJoinCase } from './case.ts'
import { expiring, priced, rules, sumUntilTimer } from './our-functions.ts'
import { isSession, sides, sums } from './our-windows.ts'

const inWindows = topic('windows', { key: windowed(text()), value: json<string>() })
const byKey = topic('results', { key: text(), value: json<string | number>() })
const late = topic('late', { key: text(), value: json<number>() })

/** What each input gives; the last answer is that of the end of time. */
export function ourAnswers(one: Case): Answer[] {
  const { outOfOrderness, inputs, pauseAtEnd } = one
  const app = new App('case')
  const source = (name: string) =>
    topic(name, { key: text(), value: json<number>(), watermark: { outOfOrderness } })
  const sources = { left: source('left'), right: source('right') }
  // Inputs have a key and a value.
  const left = app.stream(sources.left) as Stream<string, number>
  switch (one.operator) {
    case 'windows':
      sums(left, one, inWindows, late)
      break
    case 'co-group':
      sides(left, app.stream(sources.right) as Stream<string, number>, one, inWindows, late)
      break
    case 'interval join':
      joined(left, app.stream(sources.right) as Stream<string, number>, one)
      break
    case 'timers':
      sumUntilTimer(left, one).to(byKey)
      break
    case 'expiring':
      expiring(left, one).to(byKey)
      break
    case 'connected':
      priced(left, app.stream(sources.right) as Stream<string, number>).to(byKey)
      break
    case 'broadcast':
      rules(left, app.table(sources.right)).to(byKey)
  }
  const hasTwo = !['windows', 'timers', 'expiring'].includes(one.operator)
  const hasWindows = one.operator === 'windows' || one.operator === 'co-group'
  const hasLate = hasWindows || one.operator === 'interval join'
  const run = testApp(app)
  const answer = (): Answer => ({
    results: hasWindows
      ? run
          .output(inWindows)
          .read()
          .flatMap(each => resultInWindow(each, hasWindows && isSession(one)))
      : run.output(byKey).read().map(resultOf),
    late: hasLate && !(hasWindows && one.time === 'processing') ? run.output(late).read().map(resultOf) : [],
  })
  let latest = Number.NEGATIVE_INFINITY
  const answers = inputs.map(({ side, pause, value, ...record }) => {
    run.advanceWallClock(pause)
    const isDeletion = one.operator === 'broadcast' && side === 'right' && value % 5 === 0
    run.input(sources[hasTwo ? side : 'left']).push({ ...record, value: isDeletion ? null : value })
    latest = Math.max(latest, record.timestamp)
    run.advanceTime(latest - outOfOrderness)
    return answer()
  })
  run.advanceWallClock(pauseAtEnd)
  run.advanceTime(Number.POSITIVE_INFINITY)
  return [...answers, answer()]
}

function joined(
  left: Stream<string, number>,
  right: Stream<string, number>,
  { bounds }: IntervalJoinCase,
): void {
  const pairs = left.join(right, (a, b) => a * 100 + b, bounds)
  pairs.to(byKey)
  pairs.lateLeft().merge(pairs.lateRight()).to(late)
}

interface Result<K> {
  readonly key: K
  readonly value: string | number | null
  readonly timestamp: number
}

const resultOf = ({ key, value, timestamp }: Result<string>): string => `${key}: ${value} @${timestamp}`

/** Flink does not take back the sessions that are merged: they are left out. */
function resultInWindow(
  { key: { key, start, end }, value, timestamp }: Result<{ key: string; start: number; end: number }>,
  withEnd: boolean,
): string[] {
  return value === null ? [] : [`${key}: [${start},${withEnd ? end : end - 1}] ${value} @${timestamp}`]
}
