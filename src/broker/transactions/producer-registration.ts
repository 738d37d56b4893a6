/**
 * Who writes under a transactional id: every producer that registers gets the next epoch, which is durable
 * before the producer has it, and fences the one before (InitProducerId).
 */
import { MillraceError } from '../../base/index.ts'
import type { ProducerIdentity } from '../../port/index.ts'
import { checkText } from '../offsets/stored-text.ts'
import type { ProducerIds } from './producer-ids.ts'
import { isRetriable, type EpochChange, type TransactionEnd } from './transaction-end.ts'
import type { TransactionLog } from './transaction-log.ts'
import { none, transactionStatus, unusedId } from './transaction-records.ts'
import { isUsedUp, TransactionalId, type TransactionVersion } from './transactional-id.ts'

/** A producer that registers. */
export interface ProducerInit {
  readonly transactionalId: string
  readonly timeoutMs: number
  /** The identity that the producer has (KIP-360): it gets the next epoch, unless another one took over. */
  readonly held?: ProducerIdentity
  /** The producer is outside of this process. */
  readonly isClient?: boolean
  /** The version of transactions that it will use. Default 2. */
  readonly version?: TransactionVersion
}

export interface RegistrationContext {
  readonly transactionLog: TransactionLog
  readonly producerIds: ProducerIds
  /** The longest time-out that a producer may have: Kafka's `transaction.max.timeout.ms`. */
  readonly timeoutMsMax: number
}

/** The rest of the coordinator. */
export interface RegistrationParts {
  readonly ids: Map<string, TransactionalId>
  readonly protocol: TransactionEnd
  abort(id: TransactionalId, change: EpochChange): Promise<void>
  /** An id is new. */
  added(): void
}

export class ProducerRegistration {
  readonly #context: RegistrationContext
  readonly #parts: RegistrationParts

  constructor(context: RegistrationContext, parts: RegistrationParts) {
    this.#context = context
    this.#parts = parts
  }

  /** See `Transactions.init`. */
  async init(init: ProducerInit): Promise<ProducerIdentity> {
    const { transactionalId, timeoutMs, held, isClient = false, version = 2 } = init
    checkId(transactionalId)
    this.#checkTimeout(transactionalId, timeoutMs)
    const { failure } = this.#context.transactionLog
    if (failure) throw failure
    const { ids } = this.#parts
    const id = ids.get(transactionalId) ?? (await this.#add(transactionalId, timeoutMs))
    return id.operations.run(async () => {
      // It was forgotten meanwhile.
      if (ids.get(transactionalId) !== id) return this.init(init)
      if (id.failure !== undefined) throw id.failure
      const isNew = id.epoch === none
      if (held && !isNew && !id.isCurrent(held)) {
        if (id.isOngoing || !id.isPrevious(held)) throw id.fenced(held)
        return id.identity
      }
      const lastEpoch = held && !isNew ? id.epoch : none
      const isEnded = id.isOngoing
      if (isEnded) await this.#parts.abort(id, { raises: true, lastEpoch })
      // An end that the producer has asked for leads to its next identity.
      if (isEnded && held) id.timeoutMs = timeoutMs
      else await this.#identify(id, { timeoutMs, isClient, version, lastEpoch })
      return id.identity
    })
  }

  async #add(transactionalId: string, timeoutMs: number): Promise<TransactionalId> {
    const { ids } = this.#parts
    const producerId = await this.#context.producerIds.next()
    // Another call may have been faster.
    const known = ids.get(transactionalId)
    if (known) return known
    const id = new TransactionalId(transactionalId, unusedId(producerId, timeoutMs))
    ids.set(transactionalId, id)
    this.#parts.added()
    return id
  }

  /** Gives the id its next identity, and makes that durable. */
  async #identify(
    id: TransactionalId,
    next: Pick<TransactionalId, 'timeoutMs' | 'isClient' | 'version' | 'lastEpoch'>,
  ): Promise<void> {
    const before = id.save()
    // The earlier writer adds nothing meanwhile: its transaction would have no end.
    id.isChanging = true
    try {
      if (id.isBehind || isUsedUp(id.epoch)) id.rotate(await this.#context.producerIds.next())
      else id.epoch += 1
      Object.assign(id, next)
      id.mustAbort = false
      id.wasCut = false
      id.status = transactionStatus.empty
      await this.#parts.protocol.write(id, transactionStatus.empty)
      id.isOpen = !next.isClient
    } catch (error) {
      if (isRetriable(error)) id.restore(before)
      else id.failure = error
      throw error
    } finally {
      id.isChanging = false
    }
  }

  #checkTimeout(transactionalId: string, timeoutMs: number): void {
    const { timeoutMsMax } = this.#context
    if (Number.isInteger(timeoutMs) && timeoutMs > 0 && timeoutMs <= timeoutMsMax) return
    // Apps and connectors ask for the default, and cannot ask for less.
    throw new MillraceError(
      'INVALID_TRANSACTION_TIMEOUT',
      `transactionTimeoutMs of '${transactionalId}' must be 1 to ${timeoutMsMax} ms, not ${timeoutMs}: the log was opened with transaction.max.timeout.ms ${timeoutMsMax}. Ask for less where the writer is opened. Apps and connectors always ask for 60000: for them, open the log with a larger transaction.max.timeout.ms.`,
    )
  }
}

/**
 * Kafka refuses an empty id with INVALID_REQUEST.
 * @throws MillraceError INVALID_ARGUMENT
 */
export function checkId(transactionalId: string): void {
  if (transactionalId === '') throw new MillraceError('INVALID_ARGUMENT', 'The transactional id is empty.')
  checkText('a transactional id', transactionalId)
}
