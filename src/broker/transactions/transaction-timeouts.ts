/**
 * Ends transactions that take too long. Only time in which this process could act counts, and not that in
 * which an append waits until its partition is recovered.
 */
import type { ActiveClock } from '../../base/index.ts'
import type { ProducerIdentity } from '../../port/index.ts'
import { retryMs } from './markers.ts'
import type { TransactionOutcome } from './end-check.ts'
import type { TransactionalId } from './transactional-id.ts'
import type { TransactionValue } from './transaction-records.ts'

export class TransactionTimeouts {
  readonly #active: ActiveClock
  readonly #abort: (id: TransactionalId, identity: ProducerIdentity) => void

  /** `abort`: the transaction of this producer has taken too long. */
  constructor(active: ActiveClock, abort: (id: TransactionalId, identity: ProducerIdentity) => void) {
    this.#active = active
    this.#abort = abort
  }

  /** A transaction begins. */
  begin(id: TransactionalId): void {
    this.#after(id, id.timeoutMs)
  }

  /** A transaction continues that a clean stop has kept. The time of the stop does not count. */
  resume(id: TransactionalId, { updatedMs, startedMs, timeoutMs }: TransactionValue): void {
    this.#after(id, Math.max(timeoutMs - Math.max(updatedMs - startedMs, 0), retryMs))
  }

  /** Its end found no room on the disk: an abort is tried again soon, a commit is for its producer to try. */
  retry(id: TransactionalId, outcome: TransactionOutcome): void {
    this.#after(id, outcome === 'abort' ? retryMs : id.timeoutMs)
  }

  /** Waits with an append until its partition is recovered. That time is not the writer's. */
  async whileWaiting<T>(id: TransactionalId, wait: () => Promise<T>): Promise<T> {
    id.waiting += 1
    id.timer?.cancel()
    try {
      return await wait()
    } finally {
      id.waiting -= 1
      if (id.isOngoing) this.#after(id, id.timeoutMs)
    }
  }

  #after(id: TransactionalId, delayMs: number): void {
    if (id.waiting > 0) return
    id.timer?.cancel()
    id.timer = this.#active.schedule(delayMs, () => this.#abort(id, id.identity))
  }
}
