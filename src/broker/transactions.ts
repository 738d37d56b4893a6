/**
 * The transaction coordinator.
 *
 * A transaction ends in this order, and its outcome is decided at one point:
 *
 *   1. the partitions that took part are synced (all at once);
 *   2. a record "commit, these partitions" is synced to the transaction log: **the commit point**;
 *   3. markers are appended to the partitions; nobody waits for their sync.
 *
 * Invariants
 * - After a crash the outcome is found in the transaction log: a transaction still open in a partition is
 *   committed if the record of its transactional id says so, and aborted otherwise. So a commit point is
 *   written only once the markers of the transaction before are durable: the log keeps one record per id that
 *   recovery looks at.
 * - Every end of a transaction, and every new writer with the same id, raises the epoch, and the raised epoch
 *   is durable before anyone uses it (KIP-890). A late append or a late end carries an old epoch and is
 *   refused: it cannot join the next transaction. Markers carry the raised epoch, so that partitions refuse
 *   late appends by themselves.
 * - The participants are known to the coordinator before anything is appended ({@link Transactions.enlist});
 *   an append it does not know is refused, so nothing can hold back the last stable offset for good.
 * - After an unclean stop all epochs are raised: what a producer had appended unsynced may be gone, and its
 *   transaction with it.
 * - Past the commit point nothing is asked of the disk before the commit is reported: what a later
 *   transaction needs is there before.
 * - A partition that was deleted has ended every transaction that it took part in.
 */
import {
  assert,
  SerialQueue,
  isMillraceError,
  MillraceError,
  type ActiveClock,
  type Clock,
  type Timer,
} from '../base/index.ts'
import type { LogDirectory, Partition } from '../log/index.ts'
import type { InternalLog, InternalRecord } from './internal-log.ts'
import {
  encodeTransactionKey,
  transactionRecord as recordOf,
  transactionStatus,
  type TransactionStatus,
  type TransactionValue,
} from './internal-records.ts'
import { Markers, retryMs, type MarkersContext } from './markers.ts'
import type { Offsets } from './offsets.ts'
import type { ProducerIds } from './producer-ids.ts'
import { epochMax, type RecoveredTransactions } from './transaction-recovery.ts'

/** A producer as the log knows it. */
export interface ProducerIdentity {
  readonly producerId: number
  readonly producerEpoch: number
}

/** Kafka's `transaction.max.timeout.ms`. */
const timeoutMsMax = 15 * 60_000

/** One transactional id. */
interface Entry {
  readonly transactionalId: string
  producerId: number
  epoch: number
  timeoutMs: number
  /** `ending`: outcome decided or being decided; nothing can be added any more. */
  state: 'empty' | 'ongoing' | 'ending'
  readonly participants: Set<Partition>
  startedMs: number
  timer: Timer | undefined
  /** Those of the last transaction. */
  markers: Markers | undefined
  /** The last record of this id that was appended to the transaction log: what a replay would find. */
  logged: TransactionValue | undefined
  /** Operations on one id follow each other. */
  readonly operations: SerialQueue
}

export class Transactions {
  readonly #log: LogDirectory
  readonly #stateLog: InternalLog
  readonly #failure: MillraceError | undefined
  readonly #offsets: Offsets
  readonly #producerIds: ProducerIds
  readonly #clock: Clock
  /** What time-outs are measured by: a transaction does not expire while its writer cannot act. */
  readonly #active: ActiveClock
  readonly #entries: Map<string, Entry>
  /** Partitions that were deleted; a transaction that ends meanwhile still knows them. */
  readonly #deleted = new WeakSet<Partition>()
  readonly #markersContext: MarkersContext
  #rewriting: Promise<void> | undefined
  #closed = false

  constructor(
    log: LogDirectory,
    recovered: RecoveredTransactions,
    offsets: Offsets,
    producerIds: ProducerIds,
    clock: Clock,
    active: ActiveClock,
  ) {
    this.#log = log
    this.#active = active
    this.#stateLog = recovered.stateLog
    this.#failure = recovered.failure
    this.#offsets = offsets
    this.#producerIds = producerIds
    this.#clock = clock
    this.#markersContext = {
      clock,
      isDeleted: partition => this.#deleted.has(partition),
      isClosed: () => this.#closed,
    }
    this.#entries = new Map(
      [...recovered.states].map(([transactionalId, value]) => [
        transactionalId,
        entryOf(transactionalId, value, value),
      ]),
    )
    this.#rewriteIfOutgrown()
  }

  /**
   * Registers a writer (InitProducerId). The open transaction of an earlier one with this id is aborted, and
   * the earlier one is fenced: its calls fail with PRODUCER_FENCED from now on.
   */
  async init(transactionalId: string, timeoutMs: number): Promise<ProducerIdentity> {
    if (!Number.isInteger(timeoutMs) || timeoutMs <= 0 || timeoutMs > timeoutMsMax)
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `transactionTimeoutMs of '${transactionalId}' has to be 1 to ${timeoutMsMax}, not ${timeoutMs}.`,
      )
    if (this.#failure) throw this.#failure
    let entry = this.#entries.get(transactionalId)
    if (!entry) {
      const producerId = await this.#producerIds.next()
      // Another call may have been faster.
      entry =
        this.#entries.get(transactionalId) ??
        entryOf(transactionalId, { producerId, producerEpoch: -1, timeoutMs, startedMs: -1 })
      this.#entries.set(transactionalId, entry)
    }
    const known = entry
    return known.operations.run(async () => {
      // It was forgotten meanwhile.
      if (this.#entries.get(transactionalId) !== known) return this.init(transactionalId, timeoutMs)
      if (known.state === 'ongoing') await this.#end(known, 'abort')
      await this.#raiseEpoch(known)
      known.timeoutMs = timeoutMs
      await this.#write(known, transactionStatus.empty, [])
      return identityOf(known)
    })
  }

  /**
   * Notes that a producer is about to append to `partition` in its transaction, which begins with the first
   * call. Synchronous, and to be called right before the append. PRODUCER_FENCED for an identity that is not
   * the current one; INVALID_TXN_STATE while the transaction is ending.
   */
  enlist(transactionalId: string, identity: ProducerIdentity, partition: Partition): void {
    const entry = this.#current(transactionalId, identity)
    if (entry.state === 'ending')
      throw new MillraceError(
        'INVALID_TXN_STATE',
        `The transaction of '${transactionalId}' is ending: nothing can be added to it.`,
      )
    // Nothing may be appended before a marker that is tried again.
    if (entry.markers?.refusal)
      throw new MillraceError(
        'DISK_FULL',
        `The last transaction of '${transactionalId}' cannot be marked as ended: ${entry.markers.refusal.message}`,
        { retriable: true, cause: entry.markers.refusal },
      )
    if (entry.state === 'empty') {
      entry.state = 'ongoing'
      entry.startedMs = this.#clock.now()
      entry.timer = this.#active.schedule(entry.timeoutMs, () => this.#expire(entry))
    }
    entry.participants.add(partition)
  }

  /**
   * Ends the transaction; resolves at the commit point, or when the abort is durable. Gives the identity to
   * go on with.
   */
  async end(
    transactionalId: string,
    identity: ProducerIdentity,
    outcome: 'commit' | 'abort',
  ): Promise<ProducerIdentity> {
    const entry = this.#current(transactionalId, identity)
    return entry.operations.run(async () => {
      this.#current(transactionalId, identity)
      if (entry.state === 'ongoing') await this.#end(entry, outcome)
      return identityOf(entry)
    })
  }

  /** Whether the identity is still the one that may write under this id. */
  isCurrent(transactionalId: string, { producerId, producerEpoch }: ProducerIdentity): boolean {
    const entry = this.#entries.get(transactionalId)
    return entry !== undefined && entry.producerId === producerId && entry.epoch === producerEpoch
  }

  /** A partition is being deleted: what it had to do with transactions is over, however they end. */
  partitionDeleted(partition: Partition): void {
    this.#deleted.add(partition)
    for (const entry of this.#entries.values()) entry.participants.delete(partition)
  }

  isDeleted(partition: Partition): boolean {
    return this.#deleted.has(partition)
  }

  /** Ids that have been used. */
  ids(): string[] {
    return [...this.#entries.keys()]
  }

  /** Forgets an id that nobody uses any more; what it has open is aborted. */
  async forget(transactionalId: string): Promise<void> {
    const entry = this.#entries.get(transactionalId)
    await entry?.operations.run(async () => {
      if (entry.state === 'ongoing') await this.#end(entry, 'abort')
      await entry.markers?.durable()
      entry.logged = undefined
      await this.#stateLog.append([{ key: encodeTransactionKey(transactionalId), value: null }]).durable
      this.#entries.delete(transactionalId)
    })
  }

  /**
   * Aborts what is open and waits until all markers are durable. Rejects with the first failure, having tried
   * all.
   */
  async close(): Promise<void> {
    this.#closed = true
    const ended = await Promise.allSettled(
      Array.from(this.#entries.values(), entry =>
        entry.operations.run(async () => {
          if (entry.state === 'ongoing') await this.#end(entry, 'abort')
          await entry.markers?.durable()
        }),
      ),
    )
    await this.#rewriting
    for (const result of ended) if (result.status === 'rejected') throw result.reason
  }

  /**
   * Resolves when every outcome that is decided by now shows in the partition: its markers there are durable.
   * @throws MillraceError DISK_FULL (retriable): a marker finds no room there
   */
  async outcomesVisible(partition: Partition): Promise<void> {
    const marking: Promise<void>[] = []
    for (const { markers } of this.#entries.values()) {
      const marker = markers?.durableIn(partition)
      if (marker) marking.push(marker)
    }
    for (const result of await Promise.allSettled(marking))
      if (result.status === 'rejected' && isRetriable(result.reason)) throw result.reason
  }

  async #end(entry: Entry, outcome: 'commit' | 'abort'): Promise<void> {
    const { producerId, epoch } = entry
    const participants = [...entry.participants]
    entry.state = 'ending'
    entry.timer?.cancel()
    // Taken before the commit point, past which nothing may fail; used once the epochs of this one are used
    // up.
    let nextProducerId: number | undefined
    try {
      if (epoch + 1 >= epochMax) nextProducerId = await this.#producerIds.next()
      // 1. What the transaction wrote is durable, …
      if (outcome === 'commit') await this.#syncAll(participants)
      // 2. … then the outcome, together with the epoch that everything later has.
      entry.epoch += 1
      await this.#write(
        entry,
        outcome === 'commit' ? transactionStatus.prepareCommit : transactionStatus.prepareAbort,
        participants,
      )
    } catch (error) {
      // No room: nothing is decided, and an abort can be tried again. Any other failure of the disk leaves
      // the outcome to recovery.
      if (isRetriable(error)) {
        entry.epoch = epoch
        entry.state = 'ongoing'
        entry.timer = this.#active.schedule(outcome === 'abort' ? retryMs : entry.timeoutMs, () =>
          this.#expire(entry),
        )
        this.#offsets.held(producerId, error)
      } else this.#offsets.undecided(producerId, error)
      throw error
    }
    // 3. Markers make it visible.
    entry.markers = new Markers(
      participants,
      { type: outcome, producerId, producerEpoch: entry.epoch, coordinatorEpoch: 0 },
      this.#markersContext,
    )
    this.#offsets.ended(producerId, outcome)
    entry.participants.clear()
    if (nextProducerId !== undefined) {
      // Nobody knows the new id before its first commit is in the transaction log: until then recovery aborts
      // what it wrote.
      entry.producerId = nextProducerId
      entry.epoch = 0
    }
    entry.state = 'empty'
    this.#rewriteIfOutgrown()
  }

  /** Makes what was written to the partitions safe, but for those that were deleted. */
  async #syncAll(partitions: readonly Partition[]): Promise<void> {
    try {
      await this.#log.syncAll(partitions)
    } catch (error) {
      const left = partitions.filter(partition => !this.#deleted.has(partition))
      if (left.length === partitions.length) throw error
      await this.#syncAll(left)
    }
  }

  /** Takes the next epoch, or a new producer id where there is none left. The caller writes it down. */
  async #raiseEpoch(entry: Entry): Promise<void> {
    // The end of a transaction takes one more, for its markers.
    if (entry.epoch + 1 < epochMax) entry.epoch += 1
    else {
      entry.producerId = await this.#producerIds.next()
      entry.epoch = 0
    }
  }

  /** Appends the state of an id to the transaction log; resolves when durable. */
  async #write(entry: Entry, status: TransactionStatus, participants: readonly Partition[]): Promise<void> {
    // This record takes the place of the last one, which recovery needs for as long as its markers can be
    // lost.
    await entry.markers?.durable()
    const before = entry.logged
    const value = this.#value(entry, status, participants)
    try {
      const { durable } = this.#stateLog.append([recordOf(entry.transactionalId, value)])
      entry.logged = value
      await durable
    } catch (error) {
      entry.logged = before
      throw error
    }
  }

  #value(entry: Entry, status: TransactionStatus, participants: readonly Partition[]): TransactionValue {
    return {
      producerId: entry.producerId,
      producerEpoch: entry.epoch,
      timeoutMs: entry.timeoutMs,
      status,
      partitions: participants.map(({ topic, index }) => ({ topic, partition: index })),
      updatedMs: this.#clock.now(),
      startedMs: entry.startedMs,
    }
  }

  /** Aborts the transaction that is open now. What fails for want of room is tried again by its timer. */
  #expire(entry: Entry): void {
    const { producerId, epoch } = entry
    const abort = async (): Promise<void> => {
      const isSame = entry.producerId === producerId && entry.epoch === epoch
      if (!this.#closed && isSame && entry.state === 'ongoing') await this.#end(entry, 'abort')
    }
    entry.operations.run(abort).catch(() => undefined)
  }

  #current(transactionalId: string, identity: ProducerIdentity): Entry {
    const entry = this.#entries.get(transactionalId)
    if (!entry)
      throw new MillraceError(
        'INVALID_TXN_STATE',
        `The coordinator does not know the transactional id '${transactionalId}': open a writer with it first.`,
      )
    if (entry.producerId !== identity.producerId || entry.epoch !== identity.producerEpoch)
      throw new MillraceError(
        'PRODUCER_FENCED',
        `The writer '${transactionalId}' (producer ${identity.producerId}, epoch ${identity.producerEpoch}) is fenced: another one was ` +
          `opened with this id, or its transaction took longer than ${entry.timeoutMs} ms and was aborted. Drop what it did since its last commit.`,
      )
    return entry
  }

  /**
   * Writes the last record of every id again where the log has grown long. Nothing has to wait for it, and it
   * waits for nobody: what it writes is what a replay would find, whatever the ids are doing.
   */
  #rewriteIfOutgrown(): void {
    if (this.#rewriting || !this.#stateLog.outgrown) return
    const records: InternalRecord[] = []
    for (const { transactionalId, logged } of this.#entries.values())
      if (logged) records.push(recordOf(transactionalId, logged))
    this.#rewriting = this.#stateLog
      .rewrite(records)
      // The log is as good as before, only longer; a failing disk shows itself to the next append.
      .catch(() => undefined)
      .finally(() => {
        this.#rewriting = undefined
      })
  }
}

function entryOf(
  transactionalId: string,
  state: Pick<TransactionValue, 'producerId' | 'producerEpoch' | 'timeoutMs' | 'startedMs'>,
  logged?: TransactionValue,
): Entry {
  assert(state.producerId >= 0, 'a transactional id has a producer id')
  return {
    transactionalId,
    producerId: state.producerId,
    epoch: state.producerEpoch,
    timeoutMs: state.timeoutMs,
    state: 'empty',
    participants: new Set(),
    startedMs: state.startedMs,
    timer: undefined,
    markers: undefined,
    logged,
    operations: new SerialQueue(),
  }
}

/** No room, say: the log is as it was before, and the same call may succeed later. */
function isRetriable(error: unknown): boolean {
  return isMillraceError(error) && error.retriable
}

function identityOf(entry: Entry): ProducerIdentity {
  return { producerId: entry.producerId, producerEpoch: entry.epoch }
}
