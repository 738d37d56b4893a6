/** Joins of two streams at random. */
import type { Random } from '../../src/base/index.ts'
import { joinOps, type StreamJoinOperation } from './program.ts'

export function randomStreamJoin(
  random: Random,
  outOfOrderness: number,
): Omit<StreamJoinOperation, 'of' | 'with' | 'n'> {
  const one = <T>(choices: readonly T[]): T => choices[random.int(choices.length)]!
  const op = one(joinOps)
  const lateness = random.int(2) === 0 ? 0 : random.int(30)
  const exclusive = one(['before', 'after', 'both', undefined] as const)
  const bounds = boundsOf(random, op, outOfOrderness + lateness)
  return { on: 'joined streams', op, ...bounds, ...(exclusive && { exclusive }), lateness }
}

/**
 * If a record that may go out alone can come later than its last match, Kafka Streams may give it alone, and
 * then with a match.
 */
function boundsOf(
  random: Random,
  op: (typeof joinOps)[number],
  grace: number,
): Pick<StreamJoinOperation, 'before' | 'after'> {
  const isFree = (side: 'left' | 'right'): boolean =>
    grace === 0 || op === 'join' || (op === 'leftJoin' && side === 'right')
  const one = (side: 'left' | 'right', least: number): number =>
    isFree(side) ? Math.max(least, random.int(60) - 30) : grace + 1 + random.int(20)
  const after = one('left', Number.NEGATIVE_INFINITY)
  return { before: one('right', -after), after }
}
