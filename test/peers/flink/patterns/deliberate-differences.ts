/** Where millrace differs from Flink's CEP on purpose, the comparison computes what millrace should give. */
import type { LoopStep, PatternAnswer, PatternCase, StepCase, TakingStep } from './pattern-case.ts'

/** The pattern that means in millrace what this one means in Flink. */
export function asFlinkReads(one: PatternCase): PatternCase {
  return { ...one, steps: one.steps.map(stepAsRead) }
}

function stepAsRead(step: StepCase): StepCase {
  if (!('isOptional' in step)) return step
  const read = withoutIdleGreed(step)
  if (!('group' in read)) return read
  const [first, ...others] = read.group.map(stepAsRead) as [TakingStep, ...StepCase[]]
  return { ...read, group: [first.times ? withInner(first, read.times && read.inner) : first, ...others] }
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

/** Where Flink's answer is an accident of its machine, by what the steps have. */
const accidents: readonly (readonly [reason: string, isMet: (steps: readonly StepCase[]) => boolean])[] = [
  [
    'A pattern whose steps after notNext may all be left out matches before the next event is there.',
    steps =>
      restAfter(steps, step => step.how === 'notNext').some(
        rest => rest.length > 0 && rest.every(isOptional),
      ),
  ],
  [
    'The step after a greedy loop gets nothing that fits the loop, though the loop has ended.',
    steps => steps.some(step => isLoop(step) && step.isGreedy && mayEnd(step)),
  ],
  [
    'What must not follow a loop of times(from, to) may come in it once an event was skipped.',
    steps =>
      restAfter(
        steps,
        step => isLoop(step) && step.times.to !== undefined && step.inner !== 'consecutive',
      ).some(([next]) => next?.how === 'notFollowedBy'),
  ],
  [
    'What must not come before a step also must not come after it, if an event is skipped before another one.',
    steps => restAfter(steps, step => step.how === 'notFollowedBy').some(skipsBeforeOptional),
  ],
  [
    'A group in a loop that has skipped an event may still be left, as if it had not.',
    steps => restAfter(steps, isSkippingGroup).some(leadsOnDirectly),
  ],
  [
    'The event that ends the loop of a group also ends attempts in the loops and optional steps of the group.',
    steps =>
      steps.some(
        step =>
          isLoop(step) &&
          'group' in step &&
          step.until &&
          step.group.some(each => isLoop(each) || isOptional(each)),
      ),
  ],
]

/** Why a pattern is not compared; undefined: it is. */
export function accidentOf({ steps }: PatternCase): string | undefined {
  const all = [steps, ...steps.flatMap(step => ('group' in step ? [step.group] : []))]
  return accidents.find(([, isMet]) => all.some(isMet))?.[0]
}

/**
 * Whether several attempts that began with one event match: which of them is first, and may drop the others,
 * is up to the heap that Flink keeps them in. `answers` are those without a skip strategy.
 */
export function haveTies({ inputs }: PatternCase, answers: readonly PatternAnswer[]): boolean {
  const firsts = answers.flatMap(({ matches }) => matches.map(match => firstOf(inputs, match)))
  return new Set(firsts).size < firsts.length
}

function isLoop(step: StepCase): step is LoopStep {
  return 'times' in step && step.times !== undefined
}

function isOptional(step: StepCase): boolean {
  return 'isOptional' in step && step.isOptional
}

function mayEnd({ how, isOptional: mayBeLeftOut, times, inner, until }: LoopStep): boolean {
  const mustBegin = mayBeLeftOut && (how === 'next' || how === 'begin')
  return mustBegin || times.to !== undefined || inner === 'consecutive' || until !== undefined
}

function isSkippingGroup(step: StepCase): boolean {
  return isLoop(step) && 'group' in step && step.inner !== 'consecutive'
}

/** What follows each of these steps. */
function restAfter(steps: readonly StepCase[], is: (step: StepCase) => boolean): StepCase[][] {
  return steps.flatMap((step, i) => (is(step) ? [steps.slice(i + 1)] : []))
}

/** Whether the first step may be followed by one more that may be left out, past other events. */
function skipsBeforeOptional([step, next]: readonly StepCase[]): boolean {
  if (!step || isNot(step)) return false
  const mayRepeat = isLoop(step) && step.times.to !== step.times.from && step.times.to !== undefined
  if (mayRepeat && step.inner !== 'consecutive') return true
  return isOptional(step) && next !== undefined && isOptional(next) && next.how !== 'next'
}

function isNot({ how }: StepCase): boolean {
  return how === 'notNext' || how === 'notFollowedBy'
}

/** Whether one of the steps that may come next must not pass over what it can take. */
function leadsOnDirectly(rest: readonly StepCase[]): boolean {
  const needed = rest.findIndex(step => !isOptional(step) && !isNot(step))
  const first = needed < 0 ? rest : rest.slice(0, needed + 1)
  return first.some(({ how }) => how === 'next' || how === 'followedBy' || how === 'notNext')
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
    timedOut: once(one, timedOut).toSorted((a, b) => timeOf(a) - timeOf(b) || a.localeCompare(b)),
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
  return steps.some(isSkippingGroup) ? [...new Set(results)] : results
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
      a.localeCompare(b),
  )
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
