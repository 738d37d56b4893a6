/**
 * A pattern as a machine: what may come next after what has been taken so far.
 *
 * A pattern is a list of steps. Each takes one event, or several, under a name. A state of the machine waits
 * for an event. It takes the event, and the run moves on; or skips it, and the run stays; or both, which
 * makes two runs of one; or neither, and the run is over. A fork waits as two other states do: in a loop for
 * one more event of its step, or for the step after it.
 *
 * `next` takes the event directly after the one before; `followedBy` skips what it cannot take;
 * `followedByAny` skips also what it could take. The events of a loop follow each other in the same ways.
 */

/** How a step reaches its event: directly, past others that do not fit, or past any others. */
export type Contiguity = 'next' | 'followedBy' | 'followedByAny'

/** What a run has taken, by the names of the steps. */
export type Taken = Readonly<Record<string, readonly unknown[]>>

/** Decides on an event, by what was taken before. */
export type Condition = (event: unknown, taken: () => Taken) => boolean

/** What must not come before a step, or after the last one: anywhere, or directly. */
export interface Nots {
  readonly notFollowedBy: readonly Condition[]
  readonly notNext: readonly Condition[]
}

export interface Step extends Nots {
  readonly contiguity: Contiguity
  /** One event under a name, or the steps of a group. */
  readonly takes: { readonly name: string; readonly when: Condition } | { readonly group: readonly Step[] }
  /** How often; `max` may be Infinity. */
  readonly min: number
  readonly max: number
  readonly isOptional: boolean
  /** Whether it takes what it can before the step after it does. */
  readonly isGreedy: boolean
  /** How the events of a loop follow each other. */
  readonly inner: Contiguity
  /** Ends a loop. */
  readonly until: Condition | undefined
}

interface Wait {
  readonly kind: 'wait'
  readonly id: number
  readonly name: string
  readonly take: Condition
  readonly skip: Condition | undefined
  /** An event that fulfils one of these ends the run. */
  readonly nots: readonly Condition[]
  next: State
}

interface Fork {
  readonly kind: 'fork'
  readonly id: number
  again: State
  rest: State
}

/** The step after a greedy loop: while the loop waits, what it takes is not for the step. */
interface Behind {
  readonly kind: 'behind'
  readonly id: number
  readonly loop: State
  readonly step: State
  /** The state of a run that has skipped an event, by where in the step it waits: still behind the loop. */
  readonly waiting: Map<State, Behind>
}

/** The next event must not fulfil these. */
interface NotNext {
  readonly kind: 'not-next'
  readonly id: number
  readonly nots: readonly Condition[]
  readonly next: State
}

/** Matches once its time is over, unless an event fulfils one of these. */
interface Absence {
  readonly kind: 'absence'
  readonly id: number
  readonly nots: readonly Condition[]
}

interface End {
  readonly kind: 'end'
  readonly id: number
}

export type State = Wait | Fork | Behind | NotNext | Absence | End

export interface Machine {
  readonly start: State
  /** By their ids. */
  readonly states: readonly State[]
}

/** The state after some steps; `nots` hold until its event comes, as the steps between were left out. */
type After = (nots: readonly Condition[]) => State

const always: Condition = () => true

export function machineOf(steps: readonly Step[], ending: Nots): Machine {
  const states: State[] = []
  const add = <S extends State>(state: Omit<S, 'id'>): S => {
    const added = { ...state, id: states.length } as S
    states.push(added)
    return added
  }
  const end = add<End>({ kind: 'end' })

  const start = sequence(steps, ending, undefined, undefined, nots => {
    const all = [...nots, ...ending.notFollowedBy]
    const last = ending.notFollowedBy.length > 0 ? add<Absence>({ kind: 'absence', nots: all }) : end
    return ending.notNext.length > 0
      ? add<NotNext>({ kind: 'not-next', nots: ending.notNext, next: last })
      : last
  })([])
  for (const state of states.filter(({ kind }) => kind === 'behind')) keepWaiting(state as Behind)
  return { start, states }

  /** Adds a state for each further wait, with ids after those that stored runs may have. */
  function keepWaiting(behind: Behind): void {
    const { loop, step, waiting } = behind
    for (const state of waitsOf(step)) {
      if (state === step) waiting.set(state, behind)
      if (waiting.has(state)) continue
      const left = add<Behind>({ kind: 'behind', loop, step: state, waiting: new Map() })
      left.waiting.set(state, left)
      waiting.set(state, left)
    }
  }

  /** Where a run may wait that an event has passed in this state. */
  function waitsOf(state: State): readonly State[] {
    switch (state.kind) {
      case 'fork':
        return [...waitsOf(state.again), ...waitsOf(state.rest)]
      case 'not-next':
        return waitsOf(state.next)
      case 'behind':
        keepWaiting(state)
        return [...state.waiting.values()]
      case 'wait':
      case 'absence':
      case 'end':
        return [state]
    }
  }

  /** The steps one after the other, then `after`. `head`: how the first follows. `over`: ends all of them. */
  function sequence(
    all: readonly Step[],
    behind: Nots | undefined,
    head: Contiguity | undefined,
    over: Condition | undefined,
    after: After,
  ): After {
    const from = (i: number): After =>
      once(nots => {
        const step = all[i]
        if (!step) return after(nots)
        const how = (i === 0 && head) || step.contiguity
        const guards = (all[i + 1] ?? behind)?.notFollowedBy ?? []
        const next = repeated(step, how, guards, over, from(i + 1))([...nots, ...step.notFollowedBy])
        return step.notNext.length > 0 ? add<NotNext>({ kind: 'not-next', nots: step.notNext, next }) : next
      })
    return from(0)
  }

  /** A step as often as it may come, then `rest`. `guards`: what must not come in the middle of its loop. */
  function repeated(
    step: Step,
    how: Contiguity,
    guards: readonly Condition[],
    over: Condition | undefined,
    rest: After,
  ): After {
    const { inner, isGreedy, isOptional, max, min } = step
    const until = either(over, step.until)
    const known = new Map<number, State>()
    /** After so many times. */
    const taken = (count: number): State => {
      if (count >= max) return rest([])
      if (count < min) return one(inner, guards, until, () => taken(count + 1))
      // In a loop without end all counts from `min` on are alike.
      const alike = max === Number.POSITIVE_INFINITY ? min : count
      const before = known.get(alike)
      if (before) return before
      const fork = add<Fork>({ kind: 'fork', again: end, rest: end })
      known.set(alike, fork)
      fork.again = one(inner, guards, until, () => taken(count + 1))
      fork.rest = left(rest([]), fork.again)
      return fork
    }
    const left = (after: State, loop: State): State =>
      isGreedy ? add<Behind>({ kind: 'behind', loop, step: after, waiting: new Map() }) : after
    /** The step one time. `idle`: ends the skipping before it. */
    const one = (
      reached: Contiguity,
      nots: readonly Condition[],
      idle: Condition | undefined,
      next: () => State,
    ): State => {
      if ('group' in step.takes)
        return sequence(
          step.takes.group,
          { notFollowedBy: guards, notNext: [] },
          reached,
          until,
          once(next),
        )(nots)
      const { name, when } = step.takes
      const skip = reached === 'next' ? undefined : reached === 'followedBy' ? but(always, when) : always
      const wait = add<Wait>({
        kind: 'wait',
        name,
        take: but(when, until),
        skip: skip && but(skip, idle),
        nots,
        next: end,
      })
      wait.next = next()
      return wait
    }
    return nots => {
      const first = one(how, nots, over, () => taken(1))
      if (!isOptional) return first
      return add<Fork>({ kind: 'fork', again: first, rest: left(rest(nots), first) })
    }
  }
}

/** Makes each state once. */
function once(make: After): After {
  const made: { readonly nots: readonly Condition[]; readonly state: State }[] = []
  return nots => {
    const isSame = (others: readonly Condition[]): boolean =>
      others.length === nots.length && others.every((other, i) => other === nots[i])
    const known = made.find(one => isSame(one.nots))
    if (known) return known.state
    const state = make(nots)
    made.push({ nots, state })
    return state
  }
}

function but(one: Condition, other: Condition | undefined): Condition {
  return other ? (event, taken) => one(event, taken) && !other(event, taken) : one
}

function either(one: Condition | undefined, other: Condition | undefined): Condition | undefined {
  return one && other ? (event, taken) => one(event, taken) || other(event, taken) : (one ?? other)
}
