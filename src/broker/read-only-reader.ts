/**
 * A reader of files that another process writes: it reads the files of a look, and looks again at their end.
 *
 * A look reads the last segment of each partition. So the reader pauses in between for a multiple of the last
 * look's duration: following a busy log costs at most a fixed share of a core.
 */
import { freshMemory, MillraceError, type Clock } from '../base/index.ts'
import type { Partition } from '../log/index.ts'
import {
  checkPositions,
  type FetchedBatch,
  type Reader,
  type ReaderOptions,
  type TopicPartition,
} from '../port/index.ts'
import { OutdatedLooks } from './read-only-look.ts'
import { closedReader, InProcessReader, notAssigned } from './reader.ts'

/** Partitions of one topic as they were at some moment. */
export interface Look {
  readonly topicId: string
  /** UNKNOWN_PARTITION. */
  partition(index: number): Partition
  close(): Promise<void>
}

export interface ReadOnlyReaderContext {
  readonly clock: Clock
  /** UNKNOWN_TOPIC. */
  look(topic: string, partitions: readonly number[]): Promise<Look>
  closed(): void
}

/** The least time between two looks. */
const pauseMsMin = 200
/** And this many times the duration of the last look. */
const pauseFactor = 4

type Position = TopicPartition & { readonly offset: number }

/** The result of a look, with a reader of it for the partitions `keys`. */
interface Current {
  readonly reader: InProcessReader
  readonly looks: ReadonlyMap<string, Look>
  readonly keys: ReadonlySet<string>
}

const keyOf = (topic: string, partition: number): string => `${topic}/${partition}`

export class ReadOnlyReader implements Reader {
  readonly #context: ReadOnlyReaderContext
  readonly #options: ReaderOptions
  /** The assigned partitions, with their starts; the current reader has the positions. */
  #positions = new Map<string, Position>()
  /** Raised by each assignment: a look that began before is not the last one. */
  #assignment = 0
  #current: Current | undefined
  #looking: Promise<void> | undefined
  #pauseMs = pauseMsMin
  /** Of partitions whose last read failed. */
  readonly #outdated = new Map<string, OutdatedLooks>()
  readonly #topicIds = new Map<string, string>()
  #failure: { readonly error: unknown } | undefined
  readonly #over = new AbortController()

  constructor(context: ReadOnlyReaderContext, options: ReaderOptions) {
    this.#context = context
    this.#options = options
  }

  assign(positions: readonly Position[]): void {
    this.#checkOpen()
    checkPositions(positions)
    const before = this.#positions
    this.#keepPositions()
    this.#positions = new Map(
      positions.map(given => {
        const key = keyOf(given.topic, given.partition)
        return [key, before.has(key) ? this.#positions.get(key)! : given]
      }),
    )
    this.#assignment += 1
    this.#failure = undefined
    this.#outdated.clear()
    void this.#lookAgain()
  }

  take(topic: string, partition: number): FetchedBatch | undefined {
    this.#checkOpen()
    if (this.#failure) throw this.#failure.error
    const reader = this.#readerOf(topic, partition)
    try {
      const batch = reader?.take(topic, partition)
      if (batch && this.#outdated.size > 0) this.#outdated.delete(keyOf(topic, partition))
      return batch
    } catch (error) {
      if (this.#looking) return undefined
      if (!this.#outdatedLooks(topic, partition).add(error)) throw error
      void this.#lookAgain()
      return undefined
    }
  }

  atEnd(topic: string, partition: number): boolean {
    return !this.#failure && (this.#readerOf(topic, partition)?.atEnd(topic, partition) ?? false)
  }

  position(topic: string, partition: number): number {
    return this.#readerOf(topic, partition)?.position(topic, partition) ?? this.#begun(topic, partition)
  }

  end(topic: string, partition: number): number {
    return this.#readerOf(topic, partition)?.end(topic, partition) ?? this.#begun(topic, partition)
  }

  async wait(timeoutMs?: number, signal?: AbortSignal): Promise<void> {
    this.#checkOpen()
    if (this.#failure) return
    const reader = this.#current?.reader
    const isDone = [...this.#positions.values()].every(({ topic, partition }) => this.atEnd(topic, partition))
    if (!this.#looking && reader && !isDone) return await reader.wait(timeoutMs, signal)
    if (!this.#looking) {
      await this.#sleep(Math.min(timeoutMs ?? this.#pauseMs, this.#pauseMs), signal)
      if (signal?.aborted || this.#over.signal.aborted) return
    }
    const look = this.#lookAgain()
    if (timeoutMs === undefined && !signal) return await look
    const looked = new AbortController()
    const stop = signal ? AbortSignal.any([signal, looked.signal]) : looked.signal
    await Promise.race([look, this.#sleep(timeoutMs ?? Number.POSITIVE_INFINITY, stop)])
    looked.abort()
  }

  get closed(): boolean {
    return this.#over.signal.aborted
  }

  async close(): Promise<void> {
    if (this.#over.signal.aborted) return
    this.#over.abort()
    await this.#looking
    await this.#leave()
    this.#context.closed()
  }

  #outdatedLooks(topic: string, partition: number): OutdatedLooks {
    const key = keyOf(topic, partition)
    const found = this.#outdated.get(key) ?? new OutdatedLooks()
    this.#outdated.set(key, found)
    return found
  }

  /** Looks once more, from the reader's position. */
  #lookAgain(): Promise<void> {
    return (this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    }))
  }

  async #look(): Promise<void> {
    const { clock } = this.#context
    const began = clock.monotonic()
    let assignment
    do {
      // Several assignments in one turn need one look.
      await Promise.resolve()
      assignment = this.#assignment
      const looks = new Map<string, Look>()
      try {
        const wanted = Map.groupBy(this.#positions.values(), ({ topic }) => topic)
        for (const [topic, positions] of wanted) {
          const partitions = positions.map(({ partition }) => partition)
          const look = await this.#context.look(topic, partitions)
          looks.set(topic, look)
          if (look.topicId !== this.#idOf(topic, look)) throw replaced(topic)
        }
        if (assignment === this.#assignment && !this.#over.signal.aborted) await this.#begin(looks)
        else await closeAll(looks)
      } catch (error) {
        await closeAll(looks)
        this.#failure = { error }
      }
    } while (assignment !== this.#assignment && !this.#over.signal.aborted)
    this.#pauseMs = Math.max(pauseMsMin, pauseFactor * (clock.monotonic() - began))
  }

  /** Reads from these looks instead of earlier ones. */
  async #begin(looks: ReadonlyMap<string, Look>): Promise<void> {
    const reader = new InProcessReader(
      {
        clock: this.#context.clock,
        // A look may end while the caller still has a batch of it.
        memory: freshMemory,
        unrecovered: () => undefined,
        partition: (topic, index) => looks.get(topic)!.partition(index),
        closed: () => undefined,
      },
      this.#options,
    )
    const before = this.#current?.keys
    const left = this.#leave()
    for (const [key, { topic, partition, offset }] of this.#positions) {
      if (!before?.has(key)) continue
      // It was read up to here, but records that were never acknowledged may be gone, and replaced by others.
      const { failure, logEndOffset: end } = looks.get(topic)!.partition(partition)
      if (!failure) this.#positions.set(key, { topic, partition, offset: Math.min(offset, end) })
    }
    reader.assign([...this.#positions.values()])
    this.#current = { reader, looks, keys: new Set(this.#positions.keys()) }
    await left
  }

  /** Ends the reader of the last look, and keeps its positions. */
  async #leave(): Promise<void> {
    this.#keepPositions()
    const current = this.#current
    this.#current = undefined
    if (!current) return
    await current.reader.close()
    await closeAll(current.looks)
  }

  #keepPositions(): void {
    this.#positions = new Map(
      [...this.#positions].map(([key, { topic, partition }]) => [
        key,
        { topic, partition, offset: this.position(topic, partition) },
      ]),
    )
  }

  /** Where the reading of a partition begins. INVALID_ARGUMENT: it is not assigned. */
  #begun(topic: string, partition: number): number {
    const position = this.#positions.get(keyOf(topic, partition))
    if (!position) throw notAssigned(topic, partition)
    return position.offset
  }

  /** The reader of a partition; undefined until a look has found it. INVALID_ARGUMENT: it is not assigned. */
  #readerOf(topic: string, partition: number): InProcessReader | undefined {
    this.#begun(topic, partition)
    return this.#current?.keys.has(keyOf(topic, partition)) ? this.#current.reader : undefined
  }

  /** The topic's id at the first look, kept while any of its partitions is assigned. */
  #idOf(topic: string, { topicId }: Look): string {
    const known = this.#topicIds.get(topic) ?? topicId
    this.#topicIds.set(topic, known)
    return known
  }

  async #sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const stop = signal ? AbortSignal.any([signal, this.#over.signal]) : this.#over.signal
    await this.#context.clock.sleep(ms, stop).catch(() => undefined)
  }

  #checkOpen(): void {
    if (this.#over.signal.aborted) throw closedReader()
  }
}

function replaced(topic: string): MillraceError {
  return new MillraceError(
    'UNKNOWN_TOPIC',
    `Topic '${topic}' was deleted while it was read, and created again. Read the new one from its start.`,
  )
}

async function closeAll(looks: ReadonlyMap<string, Look>): Promise<void> {
  for (const look of looks.values()) await look.close()
}
