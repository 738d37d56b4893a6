/**
 * The answers for what a request names, in its order. A request may name a hundred thousand things, and each
 * may take some microseconds without waiting for anything: so a long list is answered in several turns of the
 * event loop, and other clients are served meanwhile.
 */
import { MillraceError } from '../../base/index.ts'
import type { RequestContext } from './handler.ts'

type Waiting = Pick<RequestContext, 'clock' | 'isGone'>

/** How many are answered at a time: about a millisecond of work, or thirty where lists are nested. */
const turnItems = 32

/**
 * Lets other clients have their turn.
 * @throws MillraceError CLOSED once nobody waits for the answer
 */
export async function nextTurn({ clock, isGone }: Waiting): Promise<void> {
  await clock.yield()
  if (isGone()) throw new MillraceError('CLOSED', 'Nobody waits for the answer any more.')
}

/** @throws MillraceError CLOSED once nobody waits for the answer; what `answer` throws */
export async function inTurns<T, A>(
  items: Iterable<T>,
  waiting: Waiting,
  answer: (item: T) => Promise<A> | A,
): Promise<A[]> {
  const all = [...items]
  if (all.length <= turnItems) return Promise.all(all.map(answer))
  const answers: A[] = []
  for (let at = 0; at < all.length; at += turnItems) {
    if (at > 0) await nextTurn(waiting)
    answers.push(...(await Promise.all(all.slice(at, at + turnItems).map(answer))))
  }
  return answers
}
