/** A pattern with its events, as data, so that it is matched by millrace and by Apache Flink. */

export interface PatternCase {
  readonly steps: readonly StepCase[]
  readonly within?: number
  readonly afterMatch: SkipStrategy
  /** How far a timestamp may be behind the largest one before it. */
  readonly outOfOrderness: number
  readonly inputs: readonly PatternEvent[]
}

export type SkipStrategy =
  | 'noSkip'
  | 'skipToNext'
  | 'skipPastLastEvent'
  | { readonly skipToFirst: string }
  | { readonly skipToLast: string }

export type StepCase = TakingStep | NotStep

export type TakingStep = OneStep | LoopStep

/** One event under a name, or those of the steps of a group. */
export type Takes =
  | { readonly name: string; readonly when: ConditionCase }
  | { readonly group: readonly StepCase[] }

type Taking = Takes & {
  readonly how: 'begin' | 'next' | 'followedBy' | 'followedByAny'
  readonly isOptional: boolean
}

type OneStep = Taking & { readonly times?: never }

export type LoopStep = Taking & Loop

export interface Loop {
  /** Without an end: so often or more. */
  readonly times: { readonly from: number; readonly to?: number }
  readonly inner?: 'consecutive' | 'allowCombinations'
  readonly isGreedy: boolean
  readonly until?: ConditionCase
}

export interface NotStep {
  readonly name: string
  readonly how: 'notNext' | 'notFollowedBy'
  readonly when: ConditionCase
}

/** The event has one of the letters, and a larger size than each that a step has taken. */
export interface ConditionCase {
  readonly letters: string
  readonly largerThan?: string
}

export interface PatternEvent {
  readonly key: string
  /** A letter, a size, and the number of the event: `a1#7`. */
  readonly value: string
  readonly timestamp: number
}

/** What an input, and the watermark after it, give. */
export interface PatternAnswer {
  /** `key name=a1#7,b2#9 name= @timestamp`, in order. */
  readonly matches: readonly string[]
  readonly timedOut: readonly string[]
  /** `key value @timestamp`. */
  readonly late: readonly string[]
}

export function isLoop(step: StepCase): step is LoopStep {
  return 'times' in step && step.times !== undefined
}

export function isOptional(step: StepCase): boolean {
  return 'isOptional' in step && step.isOptional
}

/** Whether a group repeats, past events that do not fit. */
export function isSkippingGroup(step: StepCase): boolean {
  return isLoop(step) && 'group' in step && step.inner !== 'consecutive'
}
