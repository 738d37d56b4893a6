/** Patterns at random that Flink takes, and events with disorder, ties, odd keys, and times at the limits. */
import type { Random } from '../../../../src/base/index.ts'
import { firstTimes, keySets, largeOneIn, manyKeys, usually } from '../../../programs/random-shape.ts'
import {
  type ConditionCase,
  isOptional,
  type Loop,
  type NotStep,
  type PatternCase,
  type PatternEvent,
  type SkipStrategy,
  type StepCase,
  type Takes,
  type TakingStep,
} from './pattern-case.ts'

/** Times are multiples of it. */
const unit = 5

export function randomPattern(random: Random): PatternCase {
  const names: string[] = []
  const steps = randomSteps(random, 1 + random.int(4), names, 2)
  const endsWithNot = random.int(8) === 0 && !isOptional(steps.at(-1)!)
  const ending: readonly StepCase[] = endsWithNot ? [randomNot(random, names)] : []
  const needsWithin = ending[0]?.how === 'notFollowedBy'
  return {
    steps: [...steps, ...ending],
    ...((needsWithin || random.int(2) === 0) && {
      within: usually(random, [(2 + random.int(9)) * unit, 1, 2]),
    }),
    afterMatch: randomStrategy(random, takenAtTop(steps)),
    // No watermark is at the limit of a pattern: there Flink's timeouts come 1 ms of the watermark later.
    outOfOrderness: random.int(2) * random.int(6) * unit + 2,
    inputs: randomEvents(random),
  }
}

function pick<T>(random: Random, all: readonly T[]): T {
  return all[random.int(all.length)]!
}

function isGreedy(step: StepCase | undefined): boolean {
  if (step && 'group' in step) return isGreedy(step.group.at(-1))
  return step !== undefined && 'isGreedy' in step && step.isGreedy
}

function randomSteps(random: Random, count: number, names: string[], depth: number): StepCase[] {
  const steps: StepCase[] = []
  for (let i = 0; i < count; i++) {
    const before = steps.at(-1)
    if (before && !isOptional(before) && random.int(6) === 0) steps.push(randomNot(random, names))
    const step = randomStep(random, before, names, depth)
    // Flink runs without end if nothing is a way through a group.
    steps.push(depth === 2 || i < count - 1 ? step : { ...step, isOptional: false })
  }
  return steps
}

function randomStep(
  random: Random,
  before: StepCase | undefined,
  names: string[],
  depth: number,
): TakingStep {
  const how: TakingStep['how'] = before
    ? pick(random, ['next', 'followedBy', 'followedByAny'] as const)
    : 'begin'
  const isGroup = depth > 0 && random.int(8) === 0
  const takes: Takes = isGroup
    ? { group: randomSteps(random, 1 + random.int(2), names, depth - 1) }
    : { name: nextName(names), when: randomCondition(random, names) }
  // Flink takes no optional step after a greedy one; nor is one meant after a group that ends with one.
  const step = { ...takes, how, isOptional: random.int(5) === 0 && !isGreedy(before) }
  return random.int(3) === 0 ? { ...step, ...randomLoop(random, names, !isGroup) } : step
}

function nextName(names: string[]): string {
  const name = `s${names.length}`
  names.push(name)
  return name
}

function randomLoop(random: Random, names: readonly string[], mayBeGreedy: boolean): Loop {
  const times = pick(random, [
    { from: 1 },
    { from: 2 },
    { from: 2, to: 2 },
    { from: 1, to: 2 },
    { from: 2, to: 3 },
  ])
  const inner = pick(random, [undefined, 'consecutive', 'allowCombinations'] as const)
  return {
    times,
    ...(inner && { inner }),
    isGreedy: mayBeGreedy && inner !== 'allowCombinations' && random.int(4) === 0,
    ...(!('to' in times) && random.int(4) === 0 && { until: randomCondition(random, names) }),
  }
}

function randomNot(random: Random, names: readonly string[]): NotStep {
  const how = pick(random, ['notNext', 'notFollowedBy'] as const)
  // Flink wants a name that is used once.
  return { name: `not-${random.int(1_000_000)}`, how, when: randomCondition(random, names) }
}

function randomCondition(random: Random, names: readonly string[]): ConditionCase {
  const letters = pick(random, ['a', 'b', 'c', 'ab', 'bc', 'abc'])
  const asksEarlier = names.length > 0 && random.int(5) === 0
  return { letters, ...(asksEarlier && { largerThan: pick(random, names) }) }
}

function takenAtTop(steps: readonly StepCase[]): string[] {
  return steps.flatMap(step => ('name' in step && !step.how.startsWith('not') ? [step.name] : []))
}

function randomStrategy(random: Random, names: readonly string[]): SkipStrategy {
  if (random.int(3) > 0) return 'noSkip'
  const name = names[random.int(Math.max(1, names.length))]
  const all: SkipStrategy[] = ['skipToNext', 'skipPastLastEvent']
  return pick(random, name === undefined ? all : [...all, { skipToFirst: name }, { skipToLast: name }])
}

function randomEvents(random: Random): PatternEvent[] {
  const isLarge = random.int(largeOneIn) === 0
  const keys = isLarge ? manyKeys.slice(0, 200) : usually(random, keySets).slice(0, 1 + random.int(2))
  const count = isLarge ? 2000 : 3 + random.int(14)
  const disorder = random.int(2) * random.int(6)
  const firstTime = usually(random, firstTimes)
  const stepMax = usually(random, [3, 1])
  let time = 0
  return Array.from({ length: count }, (_, n) => {
    time += random.int(stepMax)
    return {
      key: pick(random, keys),
      value: `${pick(random, ['a', 'b', 'c', 'a', 'b', 'd'])}${random.int(10)}#${n}`,
      // In Flink nothing that has begun at 0 times out.
      timestamp: Math.max(unit, firstTime + (time - random.int(disorder + 1)) * unit),
    }
  })
}
