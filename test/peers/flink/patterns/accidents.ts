/**
 * Patterns that are compared in part, as Flink's answer may be an accident of its machine
 * (docs/operators.md): it gives some of the matches, or others beside them.
 */
import { asFlinkReads } from './deliberate-differences.ts'
import {
  isLoop,
  isOptional,
  isSkippingGroup,
  type LoopStep,
  type PatternCase,
  type StepCase,
} from './pattern-case.ts'

/** What Flink gives by accident: fewer results than it should, or more; or neither is certain. */
export type Gives = 'fewer' | 'more' | 'others'

/** The accidents, by what the steps have. */
const accidents: readonly (readonly [
  reason: string,
  gives: Gives,
  isMet: (steps: readonly StepCase[]) => boolean,
])[] = [
  [
    'A pattern whose steps after notNext may all be left out matches before the next event is there.',
    'others',
    steps =>
      restAfter(steps, step => step.how === 'notNext').some(
        rest => rest.length > 0 && rest.every(isOptional),
      ),
  ],
  [
    'The step after a greedy loop gets nothing that fits the loop, though the loop has ended.',
    'fewer',
    steps => steps.some(step => (isGreedyLoop(step) && mayEnd(step)) || mayLeaveOutGreed(step)),
  ],
  [
    'The step after a greedy loop and notNext gets what fits the loop, once an event was skipped.',
    'others',
    steps => restAfter(steps, isGreedyLoop).some(([next]) => next?.how === 'notNext'),
  ],
  [
    'What must not follow a loop of times(from, to) may come in it once an event was skipped.',
    'more',
    steps =>
      restAfter(
        steps,
        step => isLoop(step) && step.times.to !== undefined && step.inner !== 'consecutive',
      ).some(([next]) => next?.how === 'notFollowedBy'),
  ],
  [
    'What must not come before a step also must not come after it, if an event is skipped before another one.',
    'fewer',
    steps => restAfter(steps, step => step.how === 'notFollowedBy').some(skipsBeforeOptional),
  ],
  [
    'What must not come before a group may come once an event was skipped, if it may begin with other steps.',
    'others',
    steps =>
      restAfter(steps, step => step.how === 'notFollowedBy').some(
        ([step]) => step && mayBeginElsewhere(step),
      ),
  ],
  [
    'An optional greedy loop after notFollowedBy may be left out for an event that it can take.',
    'others',
    steps => restAfter(steps, step => step.how === 'notFollowedBy').some(beginsWithOptionalGreed),
  ],
  [
    'A group in a loop that has skipped an event may still be left, as if it had not.',
    'more',
    steps => restAfter(steps, isSkippingGroup).some(leadsOnDirectly),
  ],
  [
    'The event that ends the loop of a group ends attempts in its loops and optional steps, none in its groups.',
    'others',
    steps =>
      steps.some(
        step =>
          isLoop(step) &&
          'group' in step &&
          step.until &&
          step.group.some(each => isLoop(each) || isOptional(each) || 'group' in each),
      ),
  ],
]

/** What Flink may give by accident; undefined: what it should. */
export function givesByAccident(one: PatternCase): Gives | undefined {
  const all = sequencesIn(asFlinkReads(one).steps, [])
  const met = accidents.filter(([, , isMet]) => all.some(isMet)).map(([, gives]) => gives)
  const [gives] = met
  if (gives === undefined || met.some(each => each !== gives)) return gives && 'others'
  // A group may come together with the accident so that it gives other results.
  const isCertain = gives === 'fewer' ? !hasGroups(one) : !all.flat().some(({ how }) => how === 'notNext')
  return isCertain ? gives : 'others'
}

function hasGroups({ steps }: PatternCase): boolean {
  return steps.some(step => 'group' in step)
}

/** The steps, and those of each group with what may follow it: its next round, or the steps after it. */
function sequencesIn(steps: readonly StepCase[], after: readonly StepCase[]): StepCase[][] {
  const inGroups = steps.flatMap((step, i) => {
    if (!('group' in step)) return []
    const rest = [...steps.slice(i + 1), ...after]
    const round = { ...step.group[0]!, how: 'followedBy' } as StepCase
    return [...sequencesIn(step.group, rest), ...(isLoop(step) ? sequencesIn(step.group, [round]) : [])]
  })
  return [[...steps, ...after], ...inGroups]
}

function isGreedyLoop(step: StepCase | undefined): step is LoopStep {
  return step !== undefined && isLoop(step) && step.isGreedy
}

/** Whether it is an optional group that ends with a greedy loop. */
function mayLeaveOutGreed(step: StepCase): boolean {
  return 'group' in step && isOptional(step) && isGreedyLoop(step.group.at(-1))
}

function mayEnd({ how, isOptional: mayBeLeftOut, times, inner, until }: LoopStep): boolean {
  const mustBegin = mayBeLeftOut && (how === 'next' || how === 'begin')
  return mustBegin || times.to !== undefined || inner === 'consecutive' || until !== undefined
}

/** What follows each of these steps. */
function restAfter(steps: readonly StepCase[], is: (step: StepCase) => boolean): StepCase[][] {
  return steps.flatMap((step, i) => (is(step) ? [steps.slice(i + 1)] : []))
}

function beginsWithOptionalGreed(rest: readonly StepCase[]): boolean {
  const needed = rest.findIndex(step => !isOptional(step))
  return (needed < 0 ? rest : rest.slice(0, needed)).some(isGreedyLoop)
}

/** Whether a group, or its first step, may be left out. */
function mayBeginElsewhere(step: StepCase): boolean {
  return 'group' in step && (isOptional(step) || isOptional(step.group[0]!))
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
