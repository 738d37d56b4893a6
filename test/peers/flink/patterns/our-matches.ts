/** What millrace finds for a pattern. */
import { json, text, topic } from '../../../../src/schema/index.ts'
import { App, pattern } from '../../../../src/stream/index.ts'
import { testApp } from '../../../../src/testing/index.ts'
import type {
  ConditionCase,
  LoopStep,
  NotStep,
  PatternAnswer,
  PatternCase,
  StepCase,
} from './pattern-case.ts'

type Found = Readonly<Record<string, readonly string[]>>

const found = topic('matches', { key: text(), value: json<Found>() })
const timedOut = topic('timed-out', { key: text(), value: json<Found>() })
const late = topic('late', { key: text(), value: json<string>() })

/** What each input gives; the last answer is that of the end of time. */
export function ourMatches({
  steps,
  within,
  afterMatch,
  outOfOrderness,
  inputs,
}: PatternCase): PatternAnswer[] {
  const events = topic('events', { key: text(), value: json<string>(), watermark: { outOfOrderness } })
  const app = new App('case')
  const whole = patternOf(steps)
  const results = app
    .stream(events)
    // Its names are data, which the compiler does not know.
    .match((within === undefined ? whole : whole.within(within)) as never, {
      afterMatch: afterMatch as never,
    })
  results.matches.to(found)
  results.timedOut.to(timedOut)
  results.late().to(late)
  const run = testApp(app)
  const names = namesOf(steps)
  const taken = (match: Found): string => names.map(name => `${name}=${match[name]!.join(',')}`).join(' ')
  const answer = (): PatternAnswer => ({
    matches: run
      .output(found)
      .read()
      .map(each => `${each.key} ${taken(each.value!)} @${each.timestamp}`),
    timedOut: run
      .output(timedOut)
      .read()
      .map(each => `${each.key} ${taken(each.value!)} @${each.timestamp}`),
    late: run
      .output(late)
      .read()
      .map(each => `${each.key} ${each.value} @${each.timestamp}`),
  })
  let latest = Number.NEGATIVE_INFINITY
  const answers = inputs.map(input => {
    run.input(events).push(input)
    latest = Math.max(latest, input.timestamp)
    run.advanceTime(latest - outOfOrderness)
    return answer()
  })
  run.advanceTime(Number.POSITIVE_INFINITY)
  return [...answers, answer()]
}

function namesOf(steps: readonly StepCase[]): string[] {
  return steps.flatMap(step => ('group' in step ? namesOf(step.group) : isNot(step) ? [] : [step.name]))
}

function isNot(step: StepCase): step is NotStep {
  return step.how === 'notNext' || step.how === 'notFollowedBy'
}

/** The methods of a pattern, without the types that it has from the names of its steps. */
type AnyPattern = {
  readonly [Method in 'next' | 'followedBy' | 'followedByAny']: (
    step: string | AnyPattern,
    when?: (event: string, earlier: Found) => boolean,
  ) => AnyPattern
} & {
  readonly [Method in 'notNext' | 'notFollowedBy' | 'until']: (
    when: (event: string, earlier: Found) => boolean,
  ) => AnyPattern
} & {
  readonly [
    Method in 'oneOrMore' | 'optional' | 'greedy' | 'consecutive' | 'allowCombinations'
  ]: () => AnyPattern
} & {
  times(from: number, to: number): AnyPattern
  timesOrMore(from: number): AnyPattern
  within(ms: number): AnyPattern
}

function patternOf(steps: readonly StepCase[]): AnyPattern {
  const start = pattern<string>() as unknown as Record<'begin', AnyPattern['next']>
  return steps.reduce<AnyPattern | undefined>((before, step) => {
    if (isNot(step)) return before![step.how](conditionOf(step.when))
    const reached = step.how === 'begin' ? start.begin : before![step.how].bind(before)
    const taking =
      'group' in step ? reached(patternOf(step.group)) : reached(step.name, conditionOf(step.when))
    const looping = step.times ? loopOf(taking, step) : taking
    return step.isOptional ? looping.optional() : looping
  }, undefined)!
}

function loopOf(taking: AnyPattern, { times, inner, isGreedy, until }: LoopStep): AnyPattern {
  const { from, to } = times
  let loop =
    to !== undefined ? taking.times(from, to) : from === 1 ? taking.oneOrMore() : taking.timesOrMore(from)
  if (inner) loop = loop[inner]()
  if (isGreedy) loop = loop.greedy()
  return until ? loop.until(conditionOf(until)) : loop
}

function conditionOf({ letters, largerThan }: ConditionCase): (event: string, earlier: Found) => boolean {
  const hasLetter = (event: string): boolean => letters.includes(event[0]!)
  if (largerThan === undefined) return event => hasLetter(event)
  return (event, earlier) => hasLetter(event) && earlier[largerThan]!.every(other => event[1]! > other[1]!)
}
