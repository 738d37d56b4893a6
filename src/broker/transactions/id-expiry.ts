/**
 * Forgets transactional ids that nobody has used for long, and whose transactions have ended.
 *
 * What is lost is the memory of their epochs: a producer that still has one is refused as unknown, and the
 * next one with the id gets a producer id that no partition knows. So it is safe for the ids of apps as well.
 */
import type { Clock, Timer } from '../../base/index.ts'
import type { LogDirectory } from '../../log/index.ts'
import type { TransactionLog } from './transaction-log.ts'
import { none } from './transaction-records.ts'
import type { TransactionalId } from './transactional-id.ts'

/** Ids that expire at a time. */
const portionDefault = 1000

export interface IdExpiryContext {
  readonly clock: Clock
  readonly log: LogDirectory
  readonly transactionLog: TransactionLog
  /** For how long an unused id is remembered: Kafka's `transactional.id.expiration.ms`. */
  readonly expirationMs: number
  /** How often the ids are looked through for that. */
  readonly expirationCheckMs: number
  /** Ids that expire at a time: their tombstones share a sync. Default 1000. */
  readonly expirationPortion?: number
}

export class IdExpiry {
  readonly #context: IdExpiryContext
  readonly #ids: Map<string, TransactionalId>
  #timer: Timer | undefined
  #stopped = false

  constructor(context: IdExpiryContext, ids: Map<string, TransactionalId>) {
    this.#context = context
    this.#ids = ids
    this.start()
  }

  /** Looks for expired ids from time to time, while there are any ids. */
  start(): void {
    if (this.#timer || this.#ids.size === 0 || this.#stopped) return
    const { clock, expirationCheckMs } = this.#context
    this.#timer = clock.schedule(expirationCheckMs, () => {
      this.#timer = undefined
      // A full disk, for example: the next look tries again.
      this.#expire()
        .catch(() => undefined)
        .finally(() => this.start())
    })
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  async #expire(): Promise<void> {
    const { expirationPortion: portion = portionDefault } = this.#context
    const expired = [...this.#ids.values()].filter(id => this.#isExpired(id))
    for (let from = 0; from < expired.length && !this.#stopped; from += portion)
      await Promise.all(expired.slice(from, from + portion).map(id => this.#forget(id)))
  }

  #forget(id: TransactionalId): Promise<void> {
    return id.operations.run(async () => {
      if (!this.#isExpired(id) || this.#stopped || this.#ids.get(id.name) !== id) return
      // A producer that registers now waits, and finds the id gone.
      await id.ended(this.#context.log)
      await this.#context.transactionLog.remove([id.name])
      this.#ids.delete(id.name)
    })
  }

  #isExpired({ isOngoing, isOpen, isChanging, epoch, updatedMs }: TransactionalId): boolean {
    const { clock, expirationMs } = this.#context
    return !isOngoing && !isOpen && !isChanging && epoch !== none && updatedMs + expirationMs <= clock.now()
  }
}
