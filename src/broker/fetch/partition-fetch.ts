/**
 * One fetch of several partitions: reads what there is, and waits until there is enough, without polling.
 *
 * The order of the partitions is the order in which they are read. The first batch is always whole, whatever
 * the limits are, so that a consumer never stops before a large one; past that a batch must fit.
 */
import { MillraceError, type Clock } from '../../base/index.ts'
import type { Isolation, Partition, ReadResult, UnrecoveredPartition } from '../../log/index.ts'
import { checkEpoch } from './epoch-check.ts'
import type { FetchMemory } from './fetch-memory.ts'

/** What is asked of a partition. */
export interface PartitionToFetch {
  readonly index: number
  readonly offset: number
  readonly bytesMax: number
  /** The leader epoch that the client knows; -1: none. */
  readonly leaderEpoch: number
  /** The epoch of the last batch that the client has; -1: none. */
  readonly lastFetchedEpoch: number
}

/** The answer for a partition. */
export type Fetched =
  | {
      readonly kind: 'read'
      readonly partition: Partition
      readonly result: ReadResult
      /** Its readable end when it was read. */
      readonly end: number
    }
  /** The client has batches of an epoch that has ended before: see KIP-595. */
  | {
      readonly kind: 'diverged'
      readonly partition: Partition
      readonly epoch: number
      readonly endOffset: number
    }
  | { readonly kind: 'failed'; readonly error: unknown; readonly partition: Partition | undefined }
  /** It is being recovered. */
  | { readonly kind: 'unrecovered'; readonly partition: UnrecoveredPartition }

export interface FetchOptions {
  readonly isolation: Isolation
  readonly bytesMin: number
  readonly bytesMax: number
  readonly waitMs: number
  /** Ends the wait, with what there is. */
  readonly signal: AbortSignal
}

/** A topic partition of the request: how it is found, and what is asked of it. */
export interface FetchTarget {
  readonly request: PartitionToFetch
  /** Throws for one that is missing. Asked again after each wait. */
  readonly find: () => Partition | UnrecoveredPartition
}

export interface FetchContext {
  readonly clock: Clock
  readonly memory: FetchMemory
}

/** Bytes of one fetch while memory is scarce, unless its first batch is larger. */
const scarceBytes = 64 * 1024
/** While there is something, but not enough, partitions that advance are read again after this time. */
const gatherMs = 5

/**
 * Reads all targets. The caller gives back the memory of the results.
 * @throws never: what fails is in the results
 */
export function fetchAll(
  targets: readonly FetchTarget[],
  options: FetchOptions,
  context: FetchContext,
): Promise<Fetched[]> {
  return new Fetch(targets, options, context).run()
}

class Fetch {
  readonly #targets: readonly FetchTarget[]
  readonly #options: FetchOptions
  readonly #context: FetchContext
  readonly #startMs: number
  /** Partitions that could not be recovered, and why. */
  readonly #refusals = new Map<UnrecoveredPartition, unknown>()

  constructor(targets: readonly FetchTarget[], options: FetchOptions, context: FetchContext) {
    this.#targets = targets
    this.#options = options
    this.#context = context
    this.#startMs = context.clock.monotonic()
  }

  async run(): Promise<Fetched[]> {
    const { memory } = this.#context
    for (;;) {
      if (memory.isExhausted) await this.#pause(this.#leftMs, wake => [memory.whenBack(wake)])
      const { fetched, bytes, isFinal } = await this.#readAll()
      const bytesMin = memory.isScarce ? scarceBytes : Infinity
      if (isFinal || this.#isOver || bytes >= Math.min(bytesMin, this.#options.bytesMin)) return fetched
      giveBack(fetched, memory)
      await this.#pause(this.#leftMs, wake => this.#listen(fetched, wake))
      // What is missing may come in many small steps. The time between two reads grows with the time that
      // has passed: so the records are not read again for each step.
      if (bytes > 0) await this.#pause(Math.max(gatherMs, this.#elapsedMs / 2), () => [])
    }
  }

  get #elapsedMs(): number {
    return this.#context.clock.monotonic() - this.#startMs
  }

  get #leftMs(): number {
    return this.#options.waitMs - this.#elapsedMs
  }

  get #isOver(): boolean {
    return this.#options.signal.aborted || this.#leftMs <= 0
  }

  async #readAll(): Promise<{
    readonly fetched: Fetched[]
    readonly bytes: number
    readonly isFinal: boolean
  }> {
    const { bytesMax } = this.#options
    const { memory } = this.#context
    const fetched: Fetched[] = []
    const isRefused = memory.isExhausted
    /** Of all records. */
    let bytes = 0
    /** The same, as if batches could be cut: a limit that is reached is not waited for. */
    let bytesFilled = 0
    let isFinal = this.#targets.length === 0
    for (const target of this.#targets) {
      const bytesLeft = (memory.isScarce ? Math.min(bytesMax, scarceBytes) : bytesMax) - bytes
      const isFirst = bytes === 0 && !isRefused
      const one = await this.#readOne(target, isRefused ? 0 : bytesLeft, isFirst)
      fetched.push(one)
      if (one.kind === 'read') {
        const { batches, nextOffset } = one.result
        const isCut = nextOffset < one.end
        bytes += batches.length
        bytesFilled += isCut
          ? Math.max(batches.length, Math.min(target.request.bytesMax, bytesLeft))
          : batches.length
      } else if (one.kind !== 'unrecovered') isFinal = true
    }
    return { fetched, bytes: bytesFilled, isFinal }
  }

  async #readOne({ request, find }: FetchTarget, bytesLeft: number, isFirst: boolean): Promise<Fetched> {
    let partition: Partition | undefined
    try {
      const found = find()
      if ('once' in found) {
        if (this.#refusals.has(found)) throw this.#refusals.get(found)
        return { kind: 'unrecovered', partition: found }
      }
      partition = found
      checkEpoch(partition, request.leaderEpoch)
      const diverged = divergence(partition, request)
      if (diverged) return { kind: 'diverged', partition, ...diverged }
      const { isolation } = this.#options
      const { memory } = this.#context
      const end = partition.readableEnd(isolation)
      if (request.offset >= end || (bytesLeft <= 0 && !isFirst))
        return { kind: 'read', partition, result: nothing(partition, request.offset), end }
      const maxBytes = Math.max(1, Math.min(request.bytesMax, bytesLeft))
      const result = await partition.read(request.offset, { maxBytes, isolation, memory, checksums: false })
      if (isFirst || result.batches.length <= bytesLeft) return { kind: 'read', partition, result, end }
      if (result.lent) memory.giveBack(result.lent)
      return { kind: 'read', partition, result: nothing(partition, request.offset), end }
    } catch (error) {
      return { kind: 'failed', error, partition }
    }
  }

  /**
   * Waits so long, until `wake` is called, or until nobody waits any more. `listen` returns what withdraws
   * its listeners.
   */
  async #pause(ms: number, listen: (wake: () => void) => readonly (() => void)[]): Promise<void> {
    const { signal } = this.#options
    if (signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = (): void => resolve()
    const timer = this.#context.clock.schedule(Math.min(ms, this.#leftMs), wake)
    signal.addEventListener('abort', wake, { once: true })
    const withdrawals = listen(wake)
    await promise
    timer.cancel()
    signal.removeEventListener('abort', wake)
    for (const withdraw of withdrawals) withdraw()
  }

  /** Wakes when one of the partitions has changed. */
  #listen(fetched: readonly Fetched[], wake: () => void): (() => void)[] {
    const { isolation } = this.#options
    const withdrawals: (() => void)[] = []
    for (const one of fetched) {
      if (one.kind === 'unrecovered') {
        const { partition } = one
        const settled = (error: unknown): void => {
          if (error !== undefined) this.#refusals.set(partition, error)
          wake()
        }
        withdrawals.push(partition.whenSettled(settled))
      } else if (one.kind === 'read') {
        const { partition } = one
        withdrawals.push(partition.whenAdvanced(wake))
        if (isolation === 'read_uncommitted') partition.uncommitted.want()
        // It may have changed while others were read.
        if (partition.failure || partition.readableEnd(isolation) > one.end) wake()
      }
    }
    return withdrawals
  }
}

/** The answer without records. @throws MillraceError OFFSET_OUT_OF_RANGE, or what the partition fails with */
function nothing(partition: Partition, offset: number): ReadResult {
  const { failure, name, logStartOffset, logEndOffset, highWatermark, lastStableOffset } = partition
  if (failure) throw failure
  if (offset < logStartOffset || offset > logEndOffset)
    throw new MillraceError(
      'OFFSET_OUT_OF_RANGE',
      `${name} holds the offsets ${logStartOffset} to ${logEndOffset}, not ${offset}.`,
    )
  return {
    batches: noBytes,
    lent: undefined,
    abortedTransactions: [],
    highWatermark,
    lastStableOffset,
    logStartOffset,
    nextOffset: offset,
  }
}

const noBytes = new Uint8Array(0)

/** Where the client's epoch ended, if the client has records past that. */
function divergence(
  partition: Partition,
  { lastFetchedEpoch, offset }: PartitionToFetch,
): { readonly epoch: number; readonly endOffset: number } | undefined {
  if (lastFetchedEpoch < 0) return undefined
  const end = partition.endOfEpoch(lastFetchedEpoch)
  if (!end || end.epoch > lastFetchedEpoch || (end.epoch === lastFetchedEpoch && end.endOffset >= offset))
    return undefined
  return { epoch: end.epoch, endOffset: end.endOffset }
}

function giveBack(fetched: readonly Fetched[], memory: FetchMemory): void {
  for (const one of fetched) if (one.kind === 'read' && one.result.lent) memory.giveBack(one.result.lent)
}
