/**
 * Writes appended batches to the disk: a queue of flushes, one loop that writes them, one that syncs.
 *
 * ```
 *           synced        written          end
 *   ──────────┼──────────────┼──────────────┼──▶ offset
 *    durable    being synced   queue: [0] is being written, the last one still takes batches
 * ```
 * Appends of one turn of the event loop, up to a bound, and all that come while a write is in progress, go
 * out in the next write. All callers that wait for the disk during a sync share the next one: a sync covers
 * what was written before it was called, and nothing later.
 *
 * A flush fails as a whole. After a retriable failure (no room) all flushes queued after it fail too, because
 * offsets must follow each other, and the partition continues. Any other failure ends the pipeline for good.
 */
import { assert, isMillraceError } from '../../base/index.ts'
import type { PendingBatch } from '../segment/pending-batches.ts'
import { alreadyDone, Flush, type Outcome } from './flush.ts'
import type { ProducerEntry, ReplacedProducer } from '../producers/producer-state.ts'

/**
 * Bytes of one write, unless a single batch is larger. The disk makes a write of this size in the caller's
 * thread (base/in-call.ts): a larger one, handed to another thread, costs a quarter more CPU.
 */
const flushBytesMax = 1 << 20
/**
 * So many bytes do not wait for the end of the turn: they are in a cache of this core still, and their memory
 * can take what the next connections send. With 200 connections that saves 6 % of the CPU of a produce. Bytes
 * that a sync follows do wait: one sync for all of the turn saves more.
 */
const waitingBytesMax = 512 * 1024
/** Buffers of one write: the kernel's limit (IOV_MAX), and one is for room ahead. */
const flushBatchesMax = 1023

/**
 * The disk's side of a partition. Every method fails with a MillraceError; a retriable one must have left
 * everything as it was.
 */
export interface FlushTarget {
  /** Begins a new segment at the flush's first offset. Everything before is synced. */
  roll(flush: Flush): Promise<void>
  write(flush: Flush): Promise<void>
  sync(): Promise<void>
  /** A flush is in the file. */
  written(flush: Flush): void
  /** Everything below `offset` is durable. */
  synced(offset: number): void
  /** These flushes were not written and never will be. */
  rejected(flushes: readonly Flush[], error: unknown): void
  /** The disk can no longer be trusted. Returns the error for all callers that wait. */
  failed(error: unknown): Error
}

export class GroupCommit {
  readonly #target: FlushTarget
  readonly #turnEnds: () => Promise<void>
  #queue: Flush[] = []
  /** Written, and waiting for a sync. */
  #unsynced: Flush[] = []
  #writtenOffset: number
  #syncedOffset: number
  /** A caller waits until everything below is durable. Never beyond the written end. */
  #wantedOffset = 0
  #writing: Promise<void> | undefined
  /** Begins the first write, which waits for the end of the turn. */
  #begin: (() => void) | undefined
  #syncing: Promise<void> | undefined
  #broken: Error | undefined
  #queuedBytes = 0
  #unsyncedBytes = 0

  /** `turnEnds` resolves in the next turn of the event loop. */
  constructor(target: FlushTarget, endOffset: number, turnEnds: () => Promise<void>) {
    this.#target = target
    this.#turnEnds = turnEnds
    this.#writtenOffset = endOffset
    this.#syncedOffset = endOffset
  }

  get writtenOffset(): number {
    return this.#writtenOffset
  }

  get syncedOffset(): number {
    return this.#syncedOffset
  }

  /** Bytes of batches that are not written. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** Bytes of batches that are written and not synced. */
  get unsyncedBytes(): number {
    return this.#unsyncedBytes
  }

  /** Queues a batch; `roll` is given when it begins a new segment. */
  append(
    batch: PendingBatch,
    baseOffset: number,
    roll: readonly ProducerEntry[] | undefined,
    replaced: ReplacedProducer | undefined,
    wantsSync: boolean,
  ): Flush {
    assert(!this.#broken, 'nothing is appended after a failure')
    let flush = this.#queue.at(-1)
    if (
      !flush ||
      flush.sealed ||
      roll ||
      flush.sizeBytes + batch.bytes.length > flushBytesMax ||
      flush.batches.length >= flushBatchesMax
    ) {
      assert((flush?.endOffset ?? this.#writtenOffset) === baseOffset, 'flushes follow each other')
      flush = new Flush(baseOffset, roll)
      this.#queue.push(flush)
    }
    flush.add(batch)
    this.#queuedBytes += batch.bytes.length
    if (replaced) flush.undo.add(replaced)
    if (wantsSync) flush.wantsSync = true
    this.#writing ??= this.#writeAll()
    if (flush.sizeBytes >= waitingBytesMax && !flush.wantsSync) this.#begin?.()
    return flush
  }

  /** Begins a new segment at the end of the log, without a batch. Batches that follow soon may join it. */
  roll(baseOffset: number, producers: readonly ProducerEntry[]): Flush {
    assert(!this.#broken, 'nothing is appended after a failure')
    const flush = new Flush(baseOffset, producers)
    this.#queue.push(flush)
    this.#writing ??= this.#writeAll()
    return flush
  }

  /** The outcome of the write, or of the sync, of the batch at `offset`. */
  outcomeAt(offset: number, what: 'written' | 'durable'): Outcome {
    if (offset < (what === 'written' ? this.#writtenOffset : this.#syncedOffset)) return alreadyDone
    const flush = this.#flushAt(offset)
    assert(flush, 'an offset that is not synced yet is in flight')
    return flush[what]
  }

  /** The batch at `offset` is in flight, and a sync comes after its write. */
  wantsSyncAt(offset: number): boolean {
    return this.#flushAt(offset)?.wantsSync ?? false
  }

  /** Resolves when everything appended so far is written. */
  write(): Promise<void> {
    return this.#queue.at(-1)?.written.promise ?? Promise.resolve()
  }

  /** Resolves when everything appended so far is durable. */
  sync(): Promise<void> {
    return this.requestSync()?.durable.promise ?? Promise.resolve()
  }

  /** Has everything appended so far synced. Returns the last flush of it; undefined: all is synced. */
  requestSync(): Flush | undefined {
    const queued = this.#queue.at(-1)
    if (queued) {
      queued.wantsSync = true
      return queued
    }
    const last = this.#unsynced.at(-1)
    if (last) this.#syncUpTo(last.endOffset)
    return last
  }

  /** Writes and syncs everything. Batches that found no room were refused. */
  async syncWritten(): Promise<void> {
    try {
      await this.sync()
    } catch (error) {
      if (!isMillraceError(error) || !error.retriable) throw error
      // Batches written before those are not yet safe.
      await this.sync()
    }
  }

  /** Waits until nothing is in progress any more. */
  async idle(): Promise<void> {
    while (this.#writing || this.#syncing) await (this.#writing ?? this.#syncing)
  }

  /** Ends the pipeline: all callers that wait get `error`. */
  break(error: Error): void {
    if (this.#broken) return
    this.#broken = error
    for (const flush of [...this.#unsynced, ...this.#queue]) {
      flush.written.failed(error)
      flush.durable.failed(error)
      flush.release()
    }
    this.#unsynced = []
    this.#queue = []
    this.#unsyncedBytes = 0
    this.#queuedBytes = 0
  }

  async #writeAll(): Promise<void> {
    try {
      // What all sockets and tasks append in this turn of the event loop joins the first write: for a client
      // that sends ahead, that halves the cost of a produce.
      await this.#enoughToWrite()
      for (let flush; !this.#broken && (flush = this.#queue[0]);) {
        flush.sealed = true
        if (flush.roll) {
          await this.#syncWritten()
          await this.#target.roll(flush)
        }
        if (flush.batches.length > 0) await this.#target.write(flush)
        if (this.#broken) return
        this.#queue.shift()
        if (flush.batches.length === 0) {
          // A roll alone: everything before it is synced.
          flush.written.done()
          flush.durable.done()
          continue
        }
        this.#unsynced.push(flush)
        this.#queuedBytes -= flush.sizeBytes
        this.#unsyncedBytes += flush.sizeBytes
        this.#writtenOffset = flush.endOffset
        this.#target.written(flush)
        flush.release()
        flush.written.done()
        if (flush.wantsSync) this.#syncUpTo(flush.endOffset)
      }
    } catch (error) {
      this.#writeFailed(error)
    } finally {
      this.#writing = undefined
    }
  }

  /** The turn of the event loop ends, or it has brought enough. */
  #enoughToWrite(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#begin = resolve
    void this.#turnEnds().then(resolve)
    return promise
  }

  #writeFailed(error: unknown): void {
    if (this.#broken) return
    if (!isMillraceError(error) || !error.retriable) {
      this.break(this.#target.failed(error))
      return
    }
    const rejected = this.#queue
    this.#queue = []
    this.#queuedBytes = 0
    this.#target.rejected(rejected, error)
    for (const flush of rejected) {
      flush.written.failed(error)
      flush.durable.failed(error)
      flush.release()
    }
    // A sync that was asked for was asked for what was written before, too.
    if (rejected.some(({ wantsSync }) => wantsSync)) this.#syncUpTo(this.#writtenOffset)
  }

  async #syncWritten(): Promise<void> {
    if (this.#syncedOffset === this.#writtenOffset) return
    this.#syncUpTo(this.#writtenOffset)
    while (this.#syncing) await this.#syncing
    if (this.#broken) throw this.#broken
  }

  #syncUpTo(offset: number): void {
    if (offset > this.#wantedOffset) this.#wantedOffset = offset
    if (this.#wantedOffset > this.#syncedOffset && !this.#broken) this.#syncing ??= this.#syncAll()
  }

  async #syncAll(): Promise<void> {
    try {
      while (this.#wantedOffset > this.#syncedOffset && !this.#broken) {
        const offset = this.#writtenOffset
        await this.#target.sync()
        if (this.#broken) return
        this.#syncedOffset = offset
        const settled = this.#unsynced.findIndex(flush => flush.endOffset > offset)
        const durable = this.#unsynced.splice(0, settled === -1 ? this.#unsynced.length : settled)
        for (const { sizeBytes } of durable) this.#unsyncedBytes -= sizeBytes
        this.#target.synced(offset)
        for (const flush of durable) flush.durable.done()
      }
    } catch (error) {
      // A failed sync is final, for any reason: its bytes may be gone from memory and not be on the disk.
      if (!this.#broken) this.break(this.#target.failed(error))
    } finally {
      this.#syncing = undefined
    }
  }

  #flushAt(offset: number): Flush | undefined {
    const holds = (flush: Flush): boolean => offset < flush.endOffset
    return this.#unsynced.find(holds) ?? this.#queue.find(holds)
  }
}
