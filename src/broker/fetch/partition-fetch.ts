/**
 * One fetch of several partitions: reads what there is, and waits until there is enough, without polling.
 *
 * The order of the partitions is the order in which they are read. The first batch is always whole, whatever
 * the limits are, so that a consumer never stops before a large one; past that a batch must fit.
 */
import { MillraceError, type Clock, type Lender } from '../../base/index.ts'
import type { Isolation, Partition, ReadResult, UnrecoveredPartition } from '../../log/index.ts'
import { checkEpoch } from './epoch-check.ts'

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
  | { readonly kind: 'unrecovered' }

export interface FetchOptions {
  readonly isolation: Isolation
  readonly bytesMin: number
  readonly bytesMax: number
  readonly waitMs: number
  /** Ends the wait. */
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
  readonly memory: Lender
}

/** Bytes of one read while memory is scarce. */
const scarceBytes = 64 * 1024
/** While there is something, but not enough, partitions that advance are looked at this often. */
const gatherMs = 5

/** Reads all targets; the caller gives back the memory of the results. */
export async function fetchAll(
  targets: readonly FetchTarget[],
  options: FetchOptions,
  context: FetchContext,
): Promise<Fetched[]> {
  const { clock } = context
  const untilMs = clock.monotonic() + options.waitMs
  for (;;) {
    const { fetched, bytes, isFinal } = await readAll(targets, options, context)
    const leftMs = untilMs - clock.monotonic()
    if (isFinal || bytes >= options.bytesMin || leftMs <= 0 || options.signal.aborted) return fetched
    giveBack(fetched, context.memory)
    await nextChange(targets, fetched, leftMs, options, context)
    if (bytes > 0) await clock.sleep(Math.min(gatherMs, Math.max(0, untilMs - clock.monotonic())))
  }
}

async function readAll(
  targets: readonly FetchTarget[],
  options: FetchOptions,
  context: FetchContext,
): Promise<{ readonly fetched: Fetched[]; readonly bytes: number; readonly isFinal: boolean }> {
  const fetched: Fetched[] = []
  let bytes = 0
  let isFinal = false
  for (const target of targets) {
    const one = await readOne(target, options.bytesMax - bytes, bytes === 0, options, context)
    if (one.kind === 'read') bytes += one.result.batches.length
    else if (one.kind !== 'unrecovered') isFinal = true
    fetched.push(one)
  }
  return { fetched, bytes, isFinal }
}

async function readOne(
  { request, find }: FetchTarget,
  bytesLeft: number,
  isFirst: boolean,
  options: FetchOptions,
  context: FetchContext,
): Promise<Fetched> {
  let partition: Partition | undefined
  try {
    const found = find()
    if ('once' in found) return { kind: 'unrecovered' }
    partition = found
    checkEpoch(partition, request.leaderEpoch)
    const diverged = divergence(partition, request)
    if (diverged) return { kind: 'diverged', partition, ...diverged }
    const { isolation } = options
    const { memory } = context
    const wanted = Math.min(request.bytesMax, bytesLeft, memory.isScarce ? scarceBytes : Infinity)
    const hasRoom = isFirst || bytesLeft > 0
    // A read with nothing to read still tells whether the offset is within the log.
    const maxBytes = Math.max(1, wanted)
    const end = partition.readableEnd(isolation)
    const isEmpty = !hasRoom || request.offset >= end
    const result = isEmpty
      ? nothing(partition, request.offset)
      : await partition.read(request.offset, { maxBytes, isolation, memory, checksums: false })
    if (isFirst || result.batches.length <= bytesLeft) return { kind: 'read', partition, result, end }
    if (result.lent) memory.giveBack(result.lent)
    return { kind: 'read', partition, result: nothing(partition, request.offset), end }
  } catch (error) {
    return { kind: 'failed', error, partition }
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

/** Resolves when a partition has changed, the time is over, or nobody waits any more. */
async function nextChange(
  targets: readonly FetchTarget[],
  fetched: readonly Fetched[],
  leftMs: number,
  { isolation, signal }: FetchOptions,
  { clock }: FetchContext,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const withdrawals: (() => void)[] = []
  const wake = (): void => resolve()
  const timer = clock.schedule(leftMs, wake)
  signal.addEventListener('abort', wake, { once: true })
  try {
    for (const [n, one] of fetched.entries()) {
      if (one.kind === 'unrecovered') {
        const found = targets[n]!.find()
        if ('once' in found) void found.once(wake).catch(wake)
        else wake()
        continue
      }
      if (one.kind !== 'read') continue
      withdrawals.push(one.partition.whenAdvanced(wake))
      if (isolation === 'read_uncommitted') one.partition.uncommitted.want()
      // It may have advanced while others were read.
      if (one.partition.readableEnd(isolation) > one.end) wake()
    }
    await promise
  } finally {
    timer.cancel()
    signal.removeEventListener('abort', wake)
    for (const withdraw of withdrawals) withdraw()
  }
}

function giveBack(fetched: readonly Fetched[], memory: Lender): void {
  for (const one of fetched) if (one.kind === 'read' && one.result.lent) memory.giveBack(one.result.lent)
}
