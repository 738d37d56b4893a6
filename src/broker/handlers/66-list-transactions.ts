/**
 * ListTransactions (66), versions 0-2: the transactional ids with their states, filtered by state, producer
 * id, duration and pattern. Filters of one kind are alternatives; each kind must hold.
 *
 * - States that do not exist are told; two of Apache Kafka's that this coordinator never has are known.
 * - A transaction that never began counts as one of any duration, and the duration of one that has ended
 *   still grows: as in Apache Kafka.
 * - The pattern has RE2's syntax, without anchors and flags within: linear-pattern.ts. Another one is
 *   INVALID_REGULAR_EXPRESSION.
 */
import type { TransactionDescription } from '../../port/index.ts'
import { messages, type Request } from '../../wire/index.ts'
import { errorCodes } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'
import { nextTurn } from './in-turns.ts'
import { linearPattern, type Matching } from './linear-pattern.ts'

const states = [
  'Empty',
  'Ongoing',
  'PrepareCommit',
  'PrepareAbort',
  'CompleteCommit',
  'CompleteAbort',
  'PrepareEpochFence',
  'Dead',
]

export const listTransactions: Handler = handler(messages.listTransactions, async (request, context) => {
  const { broker, clock } = context
  const matchingOf = request.transactionalIdPattern ? linearPattern(request.transactionalIdPattern) : isAny
  if (!matchingOf) return refused
  const unknownStateFilters = new Set(request.stateFilters.filter(state => !states.includes(state)))
  const isListed = filterOf(request, clock.now())
  const transactions = await broker.admin.listTransactions()
  const transactionStates = []
  for (const { transactionalId, producerId, state } of transactions.filter(isListed))
    if (await isMatch(matchingOf(transactionalId), context))
      transactionStates.push({ transactionalId, producerId, transactionState: state })
  return {
    throttleTimeMs: 0,
    errorCode: errorCodes.NONE,
    unknownStateFilters: [...unknownStateFilters],
    transactionStates,
  }
})

/** Without a pattern: also an id that `.*` does not match, since it has a line break. */
const isAny = (): Matching => ({ next: () => ({ done: true, value: true }) })

/** Others have their turn meanwhile. */
async function isMatch(matching: Matching, context: RequestContext): Promise<boolean> {
  for (;;) {
    const { done, value } = matching.next()
    if (done) return value
    await nextTurn(context)
  }
}

const refused = {
  throttleTimeMs: 0,
  errorCode: errorCodes.INVALID_REGULAR_EXPRESSION,
  unknownStateFilters: [],
  transactionStates: [],
}

function filterOf(
  { stateFilters, producerIdFilters, durationFilter }: Request<typeof messages.listTransactions>,
  now: number,
): (transaction: TransactionDescription) => boolean {
  const [byState, byProducer] = [new Set<string>(stateFilters), new Set(producerIdFilters)]
  return ({ state, producerId, startedMs = -1 }) =>
    (byState.size === 0 || byState.has(state)) &&
    (byProducer.size === 0 || byProducer.has(producerId)) &&
    (durationFilter < 0 || now - startedMs > durationFilter)
}
