/**
 * The in-process reader: each assigned partition is fetched ahead into a bounded buffer, and filtered as a
 * Kafka client filters: control batches are dropped, and under read_committed the batches of aborted
 * transactions, found by the list that comes with each fetch.
 *
 * Batches are handed out as they are in the fetched bytes; nothing is copied or decoded here. Each fetch
 * fills a block of lent memory. A partition's blocks are used in order. A block is given back when the caller
 * has taken a batch of a later block, or asks in vain.
 *
 * All readers of a log share one memory. When it is scarce, a partition reads nothing ahead, and little at a
 * time. It can always read, so partitions that wait for each other never stop.
 */
import { MillraceError } from '../base/index.ts'
import type { Clock, Lender } from '../base/index.ts'
import type { Partition, ReadResult, UnrecoveredPartition } from '../log/index.ts'
import {
  AbortedFilter,
  checkPositions,
  type FetchedBatch,
  type Isolation,
  type Reader,
  type ReaderOptions,
  type TopicPartition,
} from '../port/index.ts'
import { readBatches } from '../wire/index.ts'
import { advance, moveHeld, sourceFrom, stop, type Source } from './reader-source.ts'

const fetchBytesDefault = 512 * 1024
const bufferBytesDefault = 1024 * 1024
/** Bytes of a fetch while memory is scarce. */
const scarceFetchBytes = 16 * 1024
/** Turns of the microtask queue within which a fetch ends that no thread was asked for. */
const quickTurnsMax = 32

export interface ReaderContext {
  readonly clock: Clock
  readonly memory: Lender
  /** A partition that is not recovered yet. */
  unrecovered(topic: string, index: number): UnrecoveredPartition | undefined
  /** One that is open. UNKNOWN_TOPIC, UNKNOWN_PARTITION. */
  partition(topic: string, index: number): Partition
  closed(reader: InProcessReader): void
}

export class InProcessReader implements Reader {
  readonly #context: ReaderContext
  readonly #isolation: Isolation
  readonly #fetchBytes: number
  readonly #bufferBytes: number
  #sources = new Map<string, Map<number, Source>>()
  /** Something has happened since the last wait. */
  #changed = false
  #wake: (() => void) | undefined
  #closed = false
  /** In progress. */
  #fetches = 0

  constructor(context: ReaderContext, options: ReaderOptions) {
    this.#context = context
    this.#isolation = options.isolation ?? 'read_committed'
    this.#fetchBytes = options.fetchBytes ?? fetchBytesDefault
    this.#bufferBytes = options.bufferBytes ?? bufferBytesDefault
  }

  assign(positions: readonly (TopicPartition & { readonly offset: number })[]): void {
    this.#checkOpen()
    checkPositions(positions)
    const before = this.#sources
    const sources = new Map<string, Map<number, Source>>()
    for (const { topic, partition, offset } of positions) {
      let ofTopic = sources.get(topic)
      if (!ofTopic) sources.set(topic, (ofTopic = new Map()))
      const kept = before.get(topic)?.get(partition)
      if (kept && kept.error === undefined) {
        before.get(topic)!.delete(partition)
        ofTopic.set(partition, kept)
        continue
      }
      const opened = this.#open(topic, partition, offset)
      if (kept) moveHeld(kept, opened)
      ofTopic.set(partition, opened)
    }
    for (const ofTopic of before.values()) for (const source of ofTopic.values()) this.#drop(source)
    this.#sources = sources
    for (const ofTopic of sources.values()) for (const source of ofTopic.values()) this.#fill(source)
    this.#notify()
  }

  take(topic: string, partition: number): FetchedBatch | undefined {
    const source = this.#source(topic, partition)
    if (source.head === source.buffer.length) {
      this.#hold(source, undefined)
      if (source.error !== undefined) throw source.error
      this.#fill(source)
      return undefined
    }
    const batch = source.buffer[source.head]!
    source.head += 1
    // Taken batches are dropped, also from a buffer that is never empty.
    if (source.head * 2 >= source.buffer.length) {
      source.buffer = source.buffer.slice(source.head)
      source.head = 0
    }
    source.bufferedBytes -= batch.batch.sizeBytes
    source.position = batch.nextOffset
    this.#hold(source, batch.block)
    this.#fill(source)
    return batch
  }

  atEnd(topic: string, partition: number): boolean {
    const source = this.#source(topic, partition)
    // A fetch from here finds nothing, or an offset out of range.
    if (source.fetching || source.error !== undefined || !source.partition) return false
    return source.head === source.buffer.length && source.position >= this.#end(source)
  }

  position(topic: string, partition: number): number {
    return this.#source(topic, partition).position
  }

  end(topic: string, partition: number): number {
    return this.#end(this.#source(topic, partition))
  }

  async wait(timeoutMs?: number, signal?: AbortSignal): Promise<void> {
    // A caller that waits in a loop for batches that can no longer come must not spin.
    if (this.#closed) throw closedReader()
    // What the page cache answers is there without a turn of the event loop, and needs no timer.
    for (let turn = 0; turn < quickTurnsMax && this.#fetches > 0 && !this.#changed; turn += 1)
      await Promise.resolve()
    if (this.#changed || signal?.aborted || this.#closed) {
      this.#changed = false
      return
    }
    await new Promise<void>(resolve => {
      const over = new AbortController()
      const wake = (): void => {
        this.#changed = false
        this.#wake = undefined
        over.abort('woken')
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      // A waiting reader keeps the process alive, as the socket of a client would.
      this.#context.clock
        .sleep(timeoutMs ?? Number.POSITIVE_INFINITY, over.signal)
        .then(wake, () => undefined)
      signal?.addEventListener('abort', wake, { once: true })
      this.#wake = wake
    })
  }

  get closed(): boolean {
    return this.#closed
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const ofTopic of this.#sources.values()) for (const source of ofTopic.values()) this.#drop(source)
    this.#notify()
    this.#context.closed(this)
  }

  /** A topic is gone: `take` fails for its partitions from now on. */
  topicDeleted(topic: string): void {
    for (const source of this.#sources.get(topic)?.values() ?? []) {
      stop(source)
      source.error = new MillraceError('UNKNOWN_TOPIC', `Topic '${topic}' was deleted while it was read.`)
    }
    this.#notify()
  }

  #open(topic: string, index: number, offset: number): Source {
    const source = sourceFrom(topic, index, offset)
    const unrecovered = this.#context.unrecovered(topic, index)
    if (unrecovered) void this.#openLater(source, unrecovered)
    else this.#find(source)
    return source
  }

  #find(source: Source): void {
    try {
      const partition = this.#context.partition(source.topic, source.index)
      // Of a damaged partition not even the ends are known.
      if (partition.failure) throw partition.failure
      source.partition = partition
    } catch (error) {
      source.error = error
    }
  }

  /** The other partitions are read meanwhile. */
  async #openLater(source: Source, partition: UnrecoveredPartition): Promise<void> {
    try {
      await partition.once(() => {
        if (!source.dropped) this.#find(source)
      })
    } catch (error) {
      source.error ??= error
    }
    if (source.dropped) return
    this.#fill(source)
    this.#notify()
  }

  #source(topic: string, partition: number): Source {
    this.#checkOpen()
    const source = this.#sources.get(topic)?.get(partition)
    if (source) return source
    throw notAssigned(topic, partition)
  }

  /** The readable end; unknown until the partition is recovered, and of one that is damaged. */
  #end({ partition, position }: Source): number {
    return partition ? partition.readableEnd(this.#isolation) : position
  }

  /**
   * Fetches as long as there is something to read and room for it. At the end it waits for the partition to
   * advance.
   */
  #fill(source: Source): void {
    const { partition } = source
    if (source.fetching || source.dropped || source.error !== undefined || !partition) return
    if (partition.failure) {
      source.error = partition.failure
      this.#notify()
      return
    }
    if (source.bufferedBytes >= this.#bufferBytes) return
    const isAhead = source.held !== undefined || source.head < source.buffer.length
    if (isAhead && this.#context.memory.isScarce) return
    // Below the start is an error as well, which the read finds.
    if (
      source.fetchOffset >= this.#end(source) &&
      source.fetchOffset >= partition.logStartOffset &&
      source.fetchOffset <= partition.logEndOffset
    ) {
      source.stopWaiting ??= partition.whenAdvanced(() => {
        source.stopWaiting = undefined
        this.#fill(source)
        if (!source.fetching) this.#notify()
      })
      if (this.#isolation === 'read_uncommitted') partition.uncommitted.want()
      return
    }
    source.fetching = true
    this.#fetches += 1
    void this.#fetch(source, partition)
  }

  async #fetch(source: Source, partition: Partition): Promise<void> {
    const { memory } = this.#context
    try {
      const result = await partition.read(source.fetchOffset, {
        maxBytes: memory.isScarce ? Math.min(scarceFetchBytes, this.#fetchBytes) : this.#fetchBytes,
        isolation: this.#isolation,
        memory,
      })
      this.#fetched(source)
      if (source.dropped) {
        if (result.lent) memory.giveBack(result.lent)
        return
      }
      const before = source.fetchOffset
      this.#accept(source, result)
      // A read without new batches is repeated when the partition advances.
      if (source.fetchOffset > before) this.#fill(source)
    } catch (error) {
      this.#fetched(source)
      if (source.dropped) return
      source.error = error
    }
    this.#notify()
  }

  #fetched(source: Source): void {
    if (!source.fetching) return
    source.fetching = false
    this.#fetches -= 1
  }

  #accept(source: Source, result: ReadResult): void {
    const filter = new AbortedFilter(this.#isolation === 'read_committed' ? result.abortedTransactions : [])
    const block = result.lent
    let isUsed = false
    for (const batch of readBatches(result.batches)) {
      // The first batch may end below the requested offset, if compaction has removed that.
      if (batch.nextOffset <= source.fetchOffset) continue
      if (block && filter.admits(batch)) {
        isUsed = true
        const { topic, index: partition } = source
        const firstOffset = Math.max(source.fetchOffset, batch.baseOffset)
        source.buffer.push({ topic, partition, batch, firstOffset, nextOffset: batch.nextOffset, block })
        source.bufferedBytes += batch.sizeBytes
      }
      advance(source, batch.nextOffset)
    }
    if (result.nextOffset > source.fetchOffset) advance(source, result.nextOffset)
    if (block && !isUsed) this.#context.memory.giveBack(block)
  }

  /** The caller's last batch is in this block from now on: it is done with the block before. */
  #hold(source: Source, block: Buffer | undefined): void {
    const { held } = source
    if (held === block) return
    source.held = block
    if (held) this.#context.memory.giveBack(held)
  }

  /** Ends the reading of a partition, and gives its memory back. */
  #drop(source: Source): void {
    stop(source)
    const blocks = new Set(source.buffer.slice(source.head).map(({ block }) => block))
    if (source.held) blocks.add(source.held)
    for (const block of blocks) this.#context.memory.giveBack(block)
    source.buffer = []
    source.head = 0
    source.held = undefined
  }

  #notify(): void {
    this.#changed = true
    this.#wake?.()
  }

  #checkOpen(): void {
    if (this.#closed) throw closedReader()
  }
}

export function notAssigned(topic: string, partition: number): MillraceError {
  return new MillraceError(
    'INVALID_ARGUMENT',
    `Partition ${partition} of '${topic}' is not assigned to this reader.`,
  )
}

export function closedReader(): MillraceError {
  return new MillraceError('CLOSED', 'The reader is closed, by itself or with its log.')
}
