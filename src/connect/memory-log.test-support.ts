/**
 * A LogPort of arrays for the tests of connectors: transactions, markers that make offset gaps, fencing; and
 * crashes, which the real one does not offer at chosen moments. What connectors do not use is not there.
 */
import { MillraceError } from '../base/index.ts'
import type {
  BatchToAppend,
  FetchedBatch,
  GroupCommit,
  LogPort,
  OffsetCommit,
  Reader,
  TopicPartition,
  Writer,
  WriterOptions,
} from '../port/index.ts'
import { assignOffsets, RecordBatch } from '../wire/index.ts'

/** What a crash looks like to the code that it happens to. */
export class Crash extends Error {}

interface Transaction {
  state: 'open' | 'committed' | 'aborted'
}

interface Entry {
  readonly baseOffset: number
  readonly nextOffset: number
  /** Undefined for a marker. */
  readonly batch: RecordBatch | undefined
  readonly transaction: Transaction | undefined
}

export interface SeenRecord {
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly key: string | null
  readonly value: string | null
  readonly valueBytes: Uint8Array | null
  readonly headers: Record<string, string>
}

export class MemoryLog implements LogPort {
  /** Called before a transaction commits and after it did; what it throws is a crash at this place. */
  onCommit: (when: 'before' | 'after', transactionalId: string) => void = () => {}
  /** Tells its topics from those of other logs. */
  readonly id: string
  /** What a batch of a topic may have, where that is little. */
  readonly batchBytesMax: Record<string, number> = {}
  readonly #topics = new Map<string, Entry[][]>()
  readonly #groups = new Map<string, Map<string, OffsetCommit>>()
  readonly #writers = new Map<string, MemoryWriter>()
  readonly #waiting = new Set<() => void>()

  constructor(id = 'memory') {
    this.id = id
  }

  createTopic(name: string, { partitions }: { partitions: number }): Promise<void> {
    if (this.#topics.has(name)) throw new MillraceError('TOPIC_EXISTS', `'${name}' exists`)
    this.#topics.set(
      name,
      Array.from({ length: partitions }, () => []),
    )
    return Promise.resolve()
  }

  describeTopic(name: string): ReturnType<LogPort['describeTopic']> {
    const partitions = this.#topics.get(name)?.length
    return Promise.resolve(
      partitions === undefined
        ? undefined
        : {
            name,
            id: `${this.id}/${name}`,
            partitions,
            config: { partitions },
            batchBytesMax: this.batchBytesMax[name] ?? 1 << 30,
            internal: false,
          },
    )
  }

  offsets(topic: string, partition: number, at: 'earliest' | 'latest'): Promise<number> {
    return Promise.resolve(at === 'earliest' ? 0 : this.stableEnd(topic, partition))
  }

  openReader(): Promise<Reader> {
    return Promise.resolve(new MemoryReader(this, this.#waiting))
  }

  openWriter({ transactionalId }: WriterOptions = {}): Promise<Writer> {
    const writer = new MemoryWriter(this, transactionalId)
    if (transactionalId !== undefined) {
      this.#writers.get(transactionalId)?.fence()
      this.#writers.set(transactionalId, writer)
    }
    return Promise.resolve(writer)
  }

  committedOffsets(
    group: string,
    partitions: readonly TopicPartition[],
  ): Promise<(OffsetCommit | undefined)[]> {
    const offsets = this.#groups.get(group)
    return Promise.resolve(partitions.map(({ topic, partition }) => offsets?.get(`${topic}/${partition}`)))
  }

  commitOffsets({ group, offsets }: GroupCommit): Promise<void> {
    const stand = this.#groups.get(group) ?? new Map<string, OffsetCommit>()
    this.#groups.set(group, stand)
    for (const offset of offsets) stand.set(`${offset.topic}/${offset.partition}`, offset)
    return Promise.resolve()
  }

  listTopics(): never {
    throw new Error('not used by connectors')
  }

  deleteTopic(): never {
    throw new Error('not used by connectors')
  }

  listGroups(): never {
    throw new Error('not used by connectors')
  }

  setOffsets(): never {
    throw new Error('not used by connectors')
  }

  deleteApp(): never {
    throw new Error('not used by connectors')
  }

  joinGroup(): never {
    throw new Error('not used by connectors')
  }

  lock(): never {
    throw new Error('not used by connectors')
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  entries(topic: string, partition: number): Entry[] {
    const found = this.#topics.get(topic)?.[partition]
    if (!found) throw new MillraceError('UNKNOWN_TOPIC', `no ${topic}/${partition}`)
    return found
  }

  append(
    topic: string,
    partition: number,
    batch: BatchToAppend | undefined,
    transaction?: Transaction,
  ): number {
    const entries = this.entries(topic, partition)
    const baseOffset = entries.at(-1)?.nextOffset ?? 0
    const built = batch && new RecordBatch(batch.build({}))
    if (built && built.bytes.length > (this.batchBytesMax[topic] ?? Infinity))
      throw new MillraceError('RECORD_TOO_LARGE', `a batch of ${topic} is too large`)
    if (built) assignOffsets(built.bytes, baseOffset, 0)
    entries.push({ baseOffset, nextOffset: baseOffset + (built?.count ?? 1), batch: built, transaction })
    this.wake()
    return baseOffset
  }

  wake(): void {
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  stableEnd(topic: string, partition: number): number {
    const entries = this.entries(topic, partition)
    const open = entries.find(({ transaction }) => transaction?.state === 'open')
    return open?.baseOffset ?? entries.at(-1)?.nextOffset ?? 0
  }

  /** What a committed reader sees. */
  read(topic: string): SeenRecord[] {
    const seen: SeenRecord[] = []
    const text = (bytes: Uint8Array | null): string | null => bytes && Buffer.from(bytes).toString()
    for (let partition = 0; partition < (this.#topics.get(topic)?.length ?? 0); partition++)
      for (const { batch, transaction, baseOffset } of this.entries(topic, partition)) {
        if (!batch || baseOffset >= this.stableEnd(topic, partition) || transaction?.state === 'aborted')
          continue
        const records = batch.records()
        while (records.next())
          seen.push({
            partition,
            offset: records.offset,
            timestamp: records.timestamp,
            key: text(records.key()),
            value: text(records.value()),
            valueBytes: records.value(),
            headers: Object.fromEntries(records.headers().map(({ key, value }) => [key, text(value) ?? ''])),
          })
      }
    return seen
  }
}

class MemoryWriter implements Writer {
  readonly #log: MemoryLog
  readonly #id: string | undefined
  readonly #touched = new Map<string, TopicPartition>()
  #transaction: Transaction | undefined
  #fenced = false

  constructor(log: MemoryLog, id: string | undefined) {
    this.#log = log
    this.#id = id
  }

  fence(): void {
    this.#end('aborted')
    this.#fenced = true
  }

  append(topic: string, partition: number, batch: BatchToAppend): Promise<{ baseOffset: number }> {
    return this.#guarded(() => {
      if (this.#id !== undefined) {
        this.#transaction ??= { state: 'open' }
        this.#touched.set(`${topic}/${partition}`, { topic, partition })
      }
      return { baseOffset: this.#log.append(topic, partition, batch, this.#transaction) }
    })
  }

  commit(offsets?: GroupCommit): Promise<void> {
    return this.#guarded(() => {
      this.#log.onCommit('before', this.#id!)
      this.#end('committed')
      if (offsets) void this.#log.commitOffsets(offsets)
      this.#log.onCommit('after', this.#id!)
    })
  }

  abort(): Promise<void> {
    return this.#guarded(() => this.#end('aborted'))
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  #end(state: 'committed' | 'aborted'): void {
    if (this.#transaction) this.#transaction.state = state
    for (const { topic, partition } of this.#touched.values()) this.#log.append(topic, partition, undefined)
    this.#touched.clear()
    this.#transaction = undefined
    this.#log.wake()
  }

  async #guarded<T>(work: () => T): Promise<T> {
    if (this.#fenced) throw new MillraceError('PRODUCER_FENCED', `'${this.#id}' was taken over`)
    await Promise.resolve()
    return work()
  }
}

class MemoryReader implements Reader {
  readonly closed = false
  readonly #log: MemoryLog
  readonly #waiting: Set<() => void>
  readonly #positions = new Map<string, number>()

  constructor(log: MemoryLog, waiting: Set<() => void>) {
    this.#log = log
    this.#waiting = waiting
  }

  assign(positions: readonly (TopicPartition & { offset: number })[]): void {
    for (const { topic, partition, offset } of positions) this.#positions.set(`${topic}/${partition}`, offset)
  }

  take(topic: string, partition: number): FetchedBatch | undefined {
    const end = this.#log.stableEnd(topic, partition)
    for (const { baseOffset, nextOffset, batch, transaction } of this.#log.entries(topic, partition)) {
      const firstOffset = this.position(topic, partition)
      if (nextOffset <= firstOffset || baseOffset >= end) continue
      this.#positions.set(`${topic}/${partition}`, nextOffset)
      if (batch && transaction?.state !== 'aborted')
        return { topic, partition, batch, firstOffset, nextOffset }
    }
    return undefined
  }

  atEnd(topic: string, partition: number): boolean {
    return this.position(topic, partition) >= this.end(topic, partition)
  }

  position(topic: string, partition: number): number {
    return this.#positions.get(`${topic}/${partition}`) ?? 0
  }

  end(topic: string, partition: number): number {
    return this.#log.stableEnd(topic, partition)
  }

  wait(timeoutMs?: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve()
    return new Promise(resolve => {
      const timer = timeoutMs === undefined ? undefined : setTimeout(() => end(), timeoutMs)
      const end = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(end)
        signal?.removeEventListener('abort', end)
        resolve()
      }
      this.#waiting.add(end)
      signal?.addEventListener('abort', end)
    })
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
