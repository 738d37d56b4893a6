/**
 * A partition in the hands of a reader: what is fetched of it and not taken yet, and where the next fetch
 * begins. The reader fetches, and takes (reader.ts).
 */
import type { Partition } from '../log/index.ts'
import type { FetchedBatch } from '../port/index.ts'

/** A batch in the buffer; its next offset may still move forward, over what is filtered after it. */
interface Buffered extends FetchedBatch {
  nextOffset: number
  /** The memory that holds it. */
  readonly block: Buffer
}

export interface Source {
  readonly topic: string
  readonly index: number
  /** Undefined until it is recovered, or with an {@link error}. */
  partition: Partition | undefined
  /** Stops waiting for the partition to advance. Undefined: it does not wait. */
  stopWaiting: (() => void) | undefined
  /** The memory of the batch that was taken last. */
  held: Buffer | undefined
  /** Batches not taken yet: `buffer[head]` is the next. */
  buffer: Buffered[]
  head: number
  bufferedBytes: number
  /** Where the next fetch begins. */
  fetchOffset: number
  /** The offset after all taken batches, and after those filtered next. */
  position: number
  fetching: boolean
  error: unknown
  /** Replaced or dropped: the result of a pending fetch is ignored. */
  dropped: boolean
}

/** Nothing is fetched yet. */
export function sourceFrom(topic: string, index: number, offset: number): Source {
  return {
    topic,
    index,
    partition: undefined,
    buffer: [],
    head: 0,
    bufferedBytes: 0,
    fetchOffset: offset,
    position: offset,
    fetching: false,
    stopWaiting: undefined,
    held: undefined,
    error: undefined,
    dropped: false,
  }
}

/** Everything up to `offset` is buffered or filtered. */
export function advance(source: Source, offset: number): void {
  source.fetchOffset = offset
  const last = source.buffer.at(-1)
  if (last) last.nextOffset = offset
  else source.position = offset
}

/**
 * A partition is opened again after an error. The caller may still look at the batch that it took last: its
 * block, with the other batches in it, has one owner from now on.
 */
export function moveHeld(from: Source, to: Source): void {
  const { held } = from
  to.held = held
  from.held = undefined
  from.buffer = from.buffer.slice(from.head).filter(({ block }) => block !== held)
  from.head = 0
}

/** Fetches no more. What is buffered can still be taken. */
export function stop(source: Source): void {
  source.dropped = true
  source.stopWaiting?.()
  source.stopWaiting = undefined
}
