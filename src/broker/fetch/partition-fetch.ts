/**
 * One fetch of several partitions: reads what there is, and waits until there is enough, without polling.
 *
 * The order of the partitions is the order in which they are read. The first batch is always whole, whatever
 * the limits are, so that a consumer never stops before a large one; past that a batch must fit.
 */
import { MillraceError, type Clock, type Latch } from '../../base/index.ts'
import type { Isolation, Partition, ReadResult, UnrecoveredPartition } from '../../log/index.ts'
import { checkEpoch } from './epoch-check.ts'
import type { FetchMemory } from './fetch-memory.ts'
import type { PartitionRequest } from './session-partitions.ts'

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
  /** Throws for a partition that is missing. Asked again after each wait. */
  readonly find: (asked: PartitionRequest) => Partition | UnrecoveredPartition
  readonly isolation: Isolation
  readonly bytesMin: number
  readonly bytesMax: number
  readonly waitMs: number
  /** Ends the wait, with what there is. */
  readonly over: Latch
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
 * Reads all partitions. The caller gives back the memory of the results.
 * @throws never: what fails is in the results
 */
export function fetchAll(
  asked: readonly PartitionRequest[],
  options: FetchOptions,
  context: FetchContext,
): Promise<Fetched[]> {
  return new Fetch(asked, options, context).run()
}

class Fetch {
  readonly #asked: readonly PartitionRequest[]
  readonly #options: FetchOptions
  readonly #context: FetchContext
  readonly #startMs: number
  /** Partitions that could not be recovered, and why. */
  readonly #refusals = new Map<UnrecoveredPartition, unknown>()

  constructor(asked: readonly PartitionRequest[], options: FetchOptions, context: FetchContext) {
    this.#asked = asked
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
    return this.#options.over.isOpen || this.#leftMs <= 0
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
    let isFinal = this.#asked.length === 0
    for (const asked of this.#asked) {
      const bytesLeft = (memory.isScarce ? Math.min(bytesMax, scarceBytes) : bytesMax) - bytes
      const isFirst = bytes === 0 && !isRefused
      const found = this.#readOne(asked, isRefused ? 0 : bytesLeft, isFirst)
      // Most partitions of many have nothing new: they cost no promise.
      const one = found instanceof Promise ? await found : found
      fetched.push(one)
      if (one.kind === 'read') {
        const { batches, nextOffset } = one.result
        const isCut = nextOffset < one.end
        bytes += batches.length
        bytesFilled += isCut ? Math.max(batches.length, Math.min(asked.bytesMax, bytesLeft)) : batches.length
      } else if (one.kind !== 'unrecovered') isFinal = true
    }
    return { fetched, bytes: bytesFilled, isFinal }
  }

  #readOne(asked: PartitionRequest, bytesLeft: number, isFirst: boolean): Fetched | Promise<Fetched> {
    let partition: Partition | undefined
    try {
      const found = this.#options.find(asked)
      if ('once' in found) {
        if (this.#refusals.has(found)) throw this.#refusals.get(found)
        return { kind: 'unrecovered', partition: found }
      }
      partition = found
      checkEpoch(partition, asked.leaderEpoch)
      const diverged = divergence(partition, asked)
      if (diverged) return { kind: 'diverged', partition, ...diverged }
      const end = partition.readableEnd(this.#options.isolation)
      if (asked.offset >= end || (bytesLeft <= 0 && !isFirst))
        return { kind: 'read', partition, result: nothing(partition, asked.offset), end }
      return this.#readFrom(partition, asked, end, bytesLeft, isFirst)
    } catch (error) {
      return { kind: 'failed', error, partition }
    }
  }

  async #readFrom(
    partition: Partition,
    { offset, bytesMax }: PartitionRequest,
    end: number,
    bytesLeft: number,
    isFirst: boolean,
  ): Promise<Fetched> {
    const { isolation } = this.#options
    const { memory } = this.#context
    try {
      const maxBytes = Math.max(1, Math.min(bytesMax, bytesLeft))
      const result = await partition.read(offset, { maxBytes, isolation, memory, checksums: false })
      if (isFirst || result.batches.length <= bytesLeft) return { kind: 'read', partition, result, end }
      if (result.lent) memory.giveBack(result.lent)
      return { kind: 'read', partition, result: nothing(partition, offset), end }
    } catch (error) {
      return { kind: 'failed', error, partition }
    }
  }

  /**
   * Waits so long, until `wake` is called, or until nobody waits any more. `listen` returns what withdraws
   * its listeners.
   */
  async #pause(ms: number, listen: (wake: () => void) => readonly (() => void)[]): Promise<void> {
    const { over } = this.#options
    if (over.isOpen) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = (): void => resolve()
    const timer = this.#context.clock.schedule(Math.min(ms, this.#leftMs), wake)
    const withdrawals = [over.whenOpen(wake), ...listen(wake)]
    await promise
    timer.cancel()
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
  { lastFetchedEpoch, offset }: PartitionRequest,
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
