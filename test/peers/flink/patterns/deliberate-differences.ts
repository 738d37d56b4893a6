/** Where millrace differs from Flink's CEP on purpose, the comparison computes what millrace should give. */
import {
  isSkippingGroup,
  type LoopStep,
  type PatternAnswer,
  type PatternCase,
  type StepCase,
  type TakingStep,
} from './pattern-case.ts'

/** The pattern that means in millrace what this one means in Flink. */
export function asFlinkReads(one: PatternCase): PatternCase {
  return { ...one, steps: one.steps.map(stepAsRead) }
}

function stepAsRead(step: StepCase): StepCase {
  if (!('isOptional' in step)) return step
  const read = withoutIdleGreed(step)
  if (!('group' in read)) return read
  const [first, ...others] = read.group.map(stepAsRead) as [TakingStep, ...StepCase[]]
  if ('group' in first) return { ...direct(read), group: [first, ...others] }
  return { ...read, group: [first.times ? withInner(first, read.times && read.inner) : first, ...others] }
}

/** In Flink a group that begins with a group follows the event before directly. */
function direct(step: TakingStep): TakingStep {
  const how = step.how === 'begin' ? 'begin' : 'next'
  return step.times ? { ...step, how, inner: 'consecutive' as const } : { ...step, how }
}

/** Flink takes no notice of `greedy` at a fixed count. */
function withoutIdleGreed(step: TakingStep): TakingStep {
  return step.times && step.times.from === step.times.to ? { ...step, isGreedy: false } : step
}

/** In Flink the events of a loop that begins a group follow each other as the rounds of the group. */
function withInner(step: LoopStep, inner: LoopStep['inner']): LoopStep {
  const { inner: _, ...others } = step
  return { ...others, ...(inner && { inner }) }
}

/**
 * Whether several attempts that began with one event match: which of them is first, and may drop the others,
 * is up to the heap that Flink keeps them in. `answers` are those without a skip strategy.
 */
export function haveTies({ inputs }: PatternCase, answers: readonly PatternAnswer[]): boolean {
  const firsts = answers.flatMap(({ matches }) => matches.map(match => firstOf(inputs, match)))
  return new Set(firsts).size < firsts.length
}

/** What millrace should give, by what Flink gives. */
export function expectedOf(one: PatternCase, answers: readonly PatternAnswer[]): PatternAnswer[] {
  return givenBy(
    one,
    answers.map(answer => ({
      ...answer,
      matches: answer.matches.map(match => (endsByTime(one) ? at(match, lastInstantOf(one, match)) : match)),
      timedOut: answer.timedOut.map(result => at(result, timeOf(result) - 1)),
    })),
  )
}

/** What millrace gives, in the form of {@link expectedOf}. */
export function givenBy(one: PatternCase, answers: readonly PatternAnswer[]): PatternAnswer[] {
  return answers.map(({ matches, timedOut, late }) => ({
    matches: inOrder(one, once(one, waits(one) ? matches.map(withoutTime) : matches)),
    timedOut: once(one, timedOut).toSorted((a, b) => timeOf(a) - timeOf(b) || inText(a, b)),
    late,
  }))
}

/** A match whose last step is that something does not come has the last instant of its time. */
function endsByTime({ steps }: PatternCase): boolean {
  return steps.at(-1)!.how === 'notFollowedBy'
}

function lastInstantOf({ inputs, within }: PatternCase, match: string): number {
  return inputs[firstOf(inputs, match)]!.timestamp + within! - 1
}

/** Flink doubles an attempt with each event that it skips in the loop of a group. */
function once({ steps }: PatternCase, results: readonly string[]): readonly string[] {
  return steps.some(hasSkippingGroup) ? [...new Set(results)] : results
}

function hasSkippingGroup(step: StepCase): boolean {
  return isSkippingGroup(step) || ('group' in step && step.group.some(hasSkippingGroup))
}

/** A match may wait for attempts that time out. */
function waits({ afterMatch, within }: PatternCase): boolean {
  return afterMatch !== 'noSkip' && within !== undefined
}

/** Matches of one event come in the order of their first events. Those with the same one have no order. */
function inOrder({ inputs }: PatternCase, matches: readonly string[]): string[] {
  const beginOf = (match: string): number => firstOf(inputs, match)
  return matches.toSorted(
    (a, b) =>
      timeOf(a) - timeOf(b) ||
      inputs[beginOf(a)]!.timestamp - inputs[beginOf(b)]!.timestamp ||
      beginOf(a) - beginOf(b) ||
      inText(a, b),
  )
}

function inText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** The number of the first event of a match, by time. */
function firstOf(inputs: PatternCase['inputs'], match: string): number {
  return eventsIn(match).sort((a, b) => inputs[a]!.timestamp - inputs[b]!.timestamp || a - b)[0]!
}

function eventsIn(match: string): number[] {
  return Array.from(match.matchAll(/#(\d+)/g), ([, n]) => Number(n))
}

function timeOf(result: string): number {
  const [, time] = / @(-?\d+)$/.exec(result) ?? []
  return Number(time ?? 0)
}

function at(result: string, time: number): string {
  return `${withoutTime(result)} @${time}`
}

function withoutTime(result: string): string {
  return result.replace(/ @-?\d+$/, '')
}
