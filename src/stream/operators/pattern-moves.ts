/** What an event does to a run: the moves that a state of the machine has for it. */
import type { Condition, State, Taken } from './pattern-machine.ts'

/** The run takes the event and is in `to`; or skips it and is in `to`; or ends, with what it has taken. */
export type Move =
  | { readonly kind: 'take'; readonly name: string; readonly to: State }
  | { readonly kind: 'skip'; readonly to: State }
  | { readonly kind: 'end' }

export interface Moves {
  readonly moves: readonly Move[]
  /** The event is one that must not come: none of the moves counts, but those that complete the pattern. */
  readonly isStopped: boolean
}

const none: Moves = { moves: [], isStopped: false }
const stopped: Moves = { moves: [], isStopped: true }

export function movesOf(state: State, event: unknown, taken: () => Taken): Moves {
  const fulfils = (conditions: readonly Condition[]): boolean => conditions.some(one => one(event, taken))
  switch (state.kind) {
    case 'wait': {
      const moves: Move[] = []
      if (state.take(event, taken)) moves.push({ kind: 'take', name: state.name, to: state.next })
      if (state.skip?.(event, taken)) moves.push({ kind: 'skip', to: state })
      return { moves, isStopped: fulfils(state.nots) }
    }
    case 'fork': {
      const again = movesOf(state.again, event, taken)
      const rest = movesOf(state.rest, event, taken)
      return { moves: [...again.moves, ...rest.moves], isStopped: again.isStopped || rest.isStopped }
    }
    case 'behind': {
      const loop = movesOf(state.loop, event, taken).moves
      if (loop.some(({ kind }) => kind === 'take')) return none
      const step = movesOf(state.step, event, taken)
      if (loop.length === 0) return step
      return { ...step, moves: step.moves.map(move => stillBehind(state, move)) }
    }
    case 'not-next': {
      if (fulfils(state.nots)) return stopped
      const { moves, isStopped } = movesOf(state.next, event, taken)
      return { moves: canEnd(state.next) ? [{ kind: 'end' }, ...moves] : moves, isStopped }
    }
    case 'absence':
      return fulfils(state.nots) ? stopped : { moves: [{ kind: 'skip', to: state }], isStopped: false }
    case 'end':
      return none
  }
}

/** A run that waits on after the loop is behind the loop still. */
function stillBehind({ waiting }: State & { readonly kind: 'behind' }, move: Move): Move {
  return move.kind === 'skip' ? { kind: 'skip', to: waiting.get(move.to) ?? move.to } : move
}

/** Whether a run that comes to this state has matched. */
export function canEnd(state: State): boolean {
  if (state.kind === 'fork') return canEnd(state.rest) || canEnd(state.again)
  return state.kind === 'end' || (state.kind === 'behind' && canEnd(state.step))
}

/** Whether a run in this state matches when its time is over. */
export function isAbsence(state: State): boolean {
  return state.kind === 'absence' || (state.kind === 'behind' && isAbsence(state.step))
}
