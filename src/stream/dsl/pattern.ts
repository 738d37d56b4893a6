/** Patterns of events, as a program says them: Flink's CEP. */
import { type Duration, inWords, MillraceError } from '../../base/index.ts'
import type { PatternSpec } from '../operators/match-pattern.ts'
import type { Condition, Contiguity, Nots, Step } from '../operators/pattern-machine.ts'
import { returnedTruth } from '../operators/returned.ts'
import { checkCall, wrongArgument } from './arguments.ts'
import { positiveMs } from './durations.ts'

/** What has been taken so far: the events of each step, in order. */
export type EarlierEvents<V, Names extends PropertyKey> = { readonly [N in Names]: readonly V[] }

/** Decides whether an event belongs to a step; `earlier` has the events that were taken before. */
export type PatternCondition<V, Names extends PropertyKey> = (
  event: V,
  earlier: EarlierEvents<V, Names>,
) => boolean

/** What can be said of a step once. */
type Aspect = 'count' | 'optional' | 'greedy' | 'contiguity' | 'until'

/** What was said of a pattern so far. */
interface Spoken extends Omit<PatternSpec, 'names' | 'words'> {
  /** What was said of the last step, by the method that said it. */
  readonly said: Readonly<Partial<Record<Aspect, string>>>
}

/** A pattern of events of type V, whose matches have the type M. */
export interface PatternOf<V, M> {
  /** @internal */
  readonly spec: Spoken
  /** For the compiler only. */
  readonly types?: { takes(event: V): void; gives(): M }
}

/** One event becomes one or more. */
type Many<T> = T extends readonly [infer E] ? readonly [E, ...E[]] : T

type WithMany<M, L> = { readonly [N in keyof M]: N extends L ? Many<M[N]> : M[N] }
type WithNone<M, L> = { readonly [N in keyof M]: N extends L ? M[N] | readonly [] : M[N] }
type With<V, M, N extends string> = M & { readonly [Name in N]: readonly [V] }

/**
 * A pattern of events of type V. A match has the type M: the events of each step, by its name. `L` is the
 * last step, or the steps of the last group, of which `oneOrMore` and the like speak. Each method returns
 * another pattern.
 */
export class Pattern<V, M, L extends PropertyKey> implements PatternOf<V, M> {
  /** @internal */
  readonly spec: Spoken

  /** For the compiler only. */
  declare readonly types?: { takes(event: V): void; gives(): M }

  /** @internal */
  constructor(spec: Spoken) {
    this.spec = spec
  }

  /** The event directly after the one before. */
  next<N extends string>(name: N, when?: PatternCondition<V, keyof M | N>): Pattern<V, With<V, M, N>, N>
  next<G>(group: PatternOf<V, G>): Pattern<V, M & G, keyof G>
  next(step: StepName, when?: AnyCondition): unknown {
    return this.#then('next', step, when)
  }

  /** An event after the one before. Events that do not fit are skipped. */
  followedBy<N extends string>(name: N, when?: PatternCondition<V, keyof M | N>): Pattern<V, With<V, M, N>, N>
  followedBy<G>(group: PatternOf<V, G>): Pattern<V, M & G, keyof G>
  followedBy(step: StepName, when?: AnyCondition): unknown {
    return this.#then('followedBy', step, when)
  }

  /** Each event after the one before. Events that fit are skipped, too, which gives more matches. */
  followedByAny<N extends string>(
    name: N,
    when?: PatternCondition<V, keyof M | N>,
  ): Pattern<V, With<V, M, N>, N>
  followedByAny<G>(group: PatternOf<V, G>): Pattern<V, M & G, keyof G>
  followedByAny(step: StepName, when?: AnyCondition): unknown {
    return this.#then('followedByAny', step, when)
  }

  /** The event directly after the one before is not such a one. */
  notNext(when: PatternCondition<V, keyof M>): Pattern<V, M, never> {
    return this.#without('notNext', when)
  }

  /**
   * No such event comes before the next step. As the end of a pattern it needs {@link within}: the match is
   * complete when the time is over.
   */
  notFollowedBy(when: PatternCondition<V, keyof M>): Pattern<V, M, never> {
    return this.#without('notFollowedBy', when)
  }

  /** The last step takes one event or more. Between them others are skipped, unless they are consecutive. */
  oneOrMore(): Pattern<V, WithMany<M, L>, L> {
    return this.#loop('oneOrMore', 1, Number.POSITIVE_INFINITY)
  }

  /** The last step takes so many events, or from so many to so many. */
  times(from: number, to: number = from): Pattern<V, WithMany<M, L>, L> {
    return this.#loop('times', from, to)
  }

  /** The last step takes so many events or more. */
  timesOrMore(from: number): Pattern<V, WithMany<M, L>, L> {
    return this.#loop('timesOrMore', from, Number.POSITIVE_INFINITY)
  }

  /** The last step may be left out. */
  optional(): Pattern<V, WithNone<M, L>, L> {
    return this.#last('optional', 'optional', () => ({ isOptional: true }))
  }

  /** The last step takes as many events as it can, before the step after it takes any. */
  greedy(): Pattern<V, M, L> {
    return this.#last('greedy', 'greedy', step =>
      isLoop(step) || step.isOptional ? { isGreedy: true } : undefined,
    )
  }

  /** The events of the last step follow each other directly. */
  consecutive(): Pattern<V, M, L> {
    return this.#last('contiguity', 'consecutive', step => (isLoop(step) ? { inner: 'next' } : undefined))
  }

  /** Between the events of the last step others are skipped that fit, too: all combinations match. */
  allowCombinations(): Pattern<V, M, L> {
    return this.#last('contiguity', 'allowCombinations', step =>
      isLoop(step) ? { inner: 'followedByAny' } : undefined,
    )
  }

  /** The last step takes no event from one on that fulfils this. */
  until(when: PatternCondition<V, keyof M>): Pattern<V, M, L> {
    const until = conditionOf('until', when)
    return this.#last('until', 'until', step => (isLoop(step) ? { until } : undefined))
  }

  /**
   * A match takes less time than this, from its first event to its last. Of several the shortest counts.
   * @throws MillraceError INVALID_ARGUMENT, INVALID_DURATION
   */
  within(time: Duration): Pattern<V, M, L> {
    const ms = positiveMs(time, 'the time of within')
    return new Pattern({ ...this.spec, withinMs: Math.min(ms, this.spec.withinMs ?? ms) })
  }

  #then(contiguity: Contiguity, step: StepName, when: AnyCondition | undefined): unknown {
    const { steps, ending, withinMs } = this.spec
    return new Pattern({
      steps: [...steps, stepOf(contiguity, step, when, ending)],
      said: {},
      ending: nothing,
      withinMs,
    })
  }

  #without(kind: keyof Nots, when: AnyCondition): Pattern<V, M, never> {
    const { ending } = this.spec
    return new Pattern({
      ...this.spec,
      ending: { ...ending, [kind]: [...ending[kind], conditionOf(kind, when)] },
    })
  }

  #loop(method: string, min: number, max: number): Pattern<V, WithMany<M, L>, L> {
    if (!(Number.isSafeInteger(min) && min >= 1 && max >= min))
      throw wrong(
        `${method} takes whole numbers from 1 on, the smaller one first; got ${inWords(min)} and ${inWords(max)}.`,
      )
    return this.#last('count', method, ({ takes }) => {
      if (max === Number.POSITIVE_INFINITY && mayTakeNone(takes))
        throw wrong(
          `${method} repeats a group that may take no event, and so would never end: say of one of its steps that it is not optional, or how often the group comes, as times(1, 10).`,
        )
      return { min, max }
    })
  }

  /** Changes the last step. As in Flink, a second word on one aspect is refused: one would be lost. */
  #last<M2 = M>(
    aspect: Aspect,
    method: string,
    change: (step: Step) => Partial<Step> | undefined,
  ): Pattern<V, M2, L> {
    const { steps, ending, said } = this.spec
    const last = steps.at(-1)
    const changed = last && ending === nothing ? change(last) : undefined
    if (!last || !changed)
      throw wrong(
        `${method} speaks of the step before it, which ${ending === nothing ? 'takes one event: put oneOrMore() or times() before it' : 'takes none'}.`,
      )
    if (said[aspect] !== undefined)
      throw wrong(`${method} contradicts ${said[aspect]}, which was said of the same step: leave one out.`)
    return new Pattern({
      ...this.spec,
      steps: [...steps.slice(0, -1), { ...last, ...changed }],
      said: { ...said, [aspect]: method },
    })
  }
}

/** A group of steps that may all be left out. */
function mayTakeNone(takes: Step['takes']): boolean {
  return 'group' in takes && takes.group.every(step => step.isOptional || mayTakeNone(step.takes))
}

/** A group, and a condition, whatever their types: the compiler has seen them. */
type StepName = string | { readonly spec: Spoken }
type AnyCondition = (event: never, earlier: never) => boolean

const nothing: Nots = { notFollowedBy: [], notNext: [] }

/** The beginning of a pattern. */
export class PatternStart<V> {
  /** The first event; any event without a condition. */
  begin<N extends string>(name: N, when?: PatternCondition<V, N>): Pattern<V, With<V, object, N>, N>
  /** A group of steps. */
  begin<M>(group: PatternOf<V, M>): Pattern<V, M, keyof M>
  begin(step: StepName, when?: AnyCondition): unknown {
    return new Pattern({
      steps: [stepOf('followedBy', step, when, nothing)],
      said: {},
      ending: nothing,
      withinMs: undefined,
    })
  }
}

/**
 * Begins a pattern of events of this type, for `match`.
 * @example
 * const fraud = pattern<Payment>()
 *   .begin('small', payment => payment.cents < 100)
 *   .followedBy('large', (payment, { small }) => payment.cents > 1000 * small[0]!.cents)
 *   .within('10m')
 */
export function pattern<V>(): PatternStart<V> {
  return new PatternStart()
}

function stepOf(contiguity: Contiguity, step: StepName, when: AnyCondition | undefined, nots: Nots): Step {
  if (step === '') throw wrong("A step needs a name that is not empty, such as 'small'.")
  return {
    ...nots,
    contiguity,
    takes: typeof step === 'string' ? { name: step, when: conditionOf(step, when ?? always) } : groupOf(step),
    min: 1,
    max: 1,
    isOptional: false,
    isGreedy: false,
    inner: 'followedBy',
    until: undefined,
  }
}

const always = (): boolean => true

function groupOf(group: StepName): { readonly group: readonly Step[] } {
  if (!(group instanceof Pattern))
    throw wrong(
      `A step needs a name, or a pattern as a group; got ${inWords(group)}. Write begin('small', tx => tx.cents < 100).`,
    )
  const { steps, ending, withinMs } = group.spec
  if (ending !== nothing || withinMs !== undefined)
    throw wrong(
      'A group ends with a step that takes events, and without within(): put these after the group.',
    )
  return { group: steps }
}

function conditionOf(what: string, when: AnyCondition): Condition {
  checkCall('match', { [`condition '${what}'`]: when }, undefined)
  // Without a second parameter it does not ask for earlier events.
  if (when.length === 1) return event => returnedTruth(when(event as never, undefined as never), what)
  return (event, taken) => returnedTruth(when(event as never, taken() as never), what)
}

function isLoop({ min, max }: Step): boolean {
  return max > 1 || min > 1
}

/**
 * The pattern as the operator takes it.
 * @throws MillraceError INVALID_ARGUMENT
 */
export function specOf(given: { readonly spec: Spoken }): PatternSpec {
  if (!(given instanceof Pattern))
    throw wrongArgument('match', 'pattern', 'a pattern, or a function that returns one', given)
  const { said: _, ...spec } = given.spec
  const names = namesIn(spec.steps)
  const doubled = names.find((name, i) => names.indexOf(name) < i)
  if (doubled !== undefined)
    throw wrong(
      `Two steps of the pattern are named '${doubled}'. A match has the events of each step by its name: choose another.`,
    )
  if (spec.ending.notFollowedBy.length > 0 && spec.withinMs === undefined)
    throw wrong('A pattern that ends with notFollowedBy needs within(): when is it complete otherwise?')
  const words = `${wordsOf(spec.steps)}${wordsOfNots(spec.ending)}`
  return { ...spec, names, words: `${words}${spec.withinMs === undefined ? '' : ` within ${spec.withinMs}`}` }
}

function namesIn(steps: readonly Step[]): string[] {
  return steps.flatMap(({ takes }) => ('group' in takes ? namesIn(takes.group) : [takes.name]))
}

function wordsOf(steps: readonly Step[]): string {
  return steps
    .map(({ contiguity, takes, min, max, isOptional, isGreedy, inner, until, ...nots }, i) => {
      const what = 'group' in takes ? `(${wordsOf(takes.group)})` : takes.name
      const loop = max > 1 ? `{${min},${max} ${inner}${until ? ' until' : ''}}` : ''
      return `${wordsOfNots(nots)}${i === 0 ? '' : `${contiguity} `}${what}${loop}${isOptional ? '?' : ''}${isGreedy ? '!' : ''}`
    })
    .join(' ')
}

function wordsOfNots({ notFollowedBy, notNext }: Nots): string {
  return `${notFollowedBy.map(() => ' notFollowedBy').join('')}${notNext.map(() => ' notNext').join('')} `.trimStart()
}

function wrong(message: string): MillraceError {
  return new MillraceError('INVALID_ARGUMENT', message)
}
