/**
 * The dead letters of a sink, each written exactly once.
 *
 * They are stored in the log and the sink's offsets in the target, so no transaction holds both. Letters are
 * written first, together with how far their kind has been written, as the offsets of a group. A record that
 * is delivered again after a crash finds its letter below that offset, and none is written. Each kind has its
 * own offsets: a kind is found in the order of offsets, all kinds together are not.
 */
import {
  Batcher,
  deadLetterHeaders,
  ensureTopic,
  type FetchedBatch,
  type LogPort,
  type OffsetCommit,
  type TargetTopic,
  type TopicBatches,
  type Writer,
} from '../port/index.ts'
import { RawRecords } from './raw-record.ts'

/**
 * How a record was found to be bad: it could not be decoded, the sink told by looking at it, or it was found
 * by halving.
 */
export type LetterKind = 'malformed' | 'unfit' | 'refused'

export class DeadLetters {
  readonly #writer: Writer
  readonly #batcher: Batcher
  readonly #letters: TopicBatches
  readonly #name: string
  readonly #topic: string
  /** By kind and partition, the offset from which on letters are still to be written. */
  readonly #written: Record<LetterKind, Map<number, number>>

  private constructor(
    writer: Writer,
    letters: TargetTopic,
    name: string,
    topic: string,
    written: Record<LetterKind, Map<number, number>>,
  ) {
    this.#writer = writer
    this.#batcher = new Batcher((...batch) => writer.append(...batch))
    this.#letters = this.#batcher.into(letters)
    this.#name = name
    this.#topic = topic
    this.#written = written
  }

  /** @param topic whose records may become letters */
  static async open(
    log: LogPort,
    name: string,
    topic: string,
    partitions: number,
    into: string,
  ): Promise<DeadLetters> {
    const letters = await ensureTopic(log, { name: into, partitions: undefined })
    const writer = await log.openWriter({ transactionalId: `connect-${name}-dead-letters` })
    const all = Array.from({ length: partitions }, (_, partition) => ({ topic, partition }))
    const written = async (kind: LetterKind): Promise<Map<number, number>> => {
      const stand = await log.committedOffsets(groupOf(name, kind), all)
      return new Map(stand.flatMap(found => (found ? [[found.partition, found.offset] as const] : [])))
    }
    return new DeadLetters(writer, letters, name, topic, {
      malformed: await written('malformed'),
      unfit: await written('unfit'),
      refused: await written('refused'),
    })
  }

  /** Writes letters of one kind, in the order of their offsets; resolves when they are durable. */
  async write(
    kind: LetterKind,
    bad: readonly { from: FetchedBatch; offset: number; reason: string; error?: unknown }[],
  ): Promise<void> {
    const written = this.#written[kind]
    const moved = new Map<number, OffsetCommit>()
    const originals = new RawRecords()
    for (const { from, offset, reason, error } of bad) {
      const { partition } = from
      if (offset < (written.get(partition) ?? 0)) continue
      const record = originals.at(from, offset)
      const place = { topic: this.#topic, partition, offset }
      const headers = deadLetterHeaders(record.headers, { reason, place, error })
      const to = this.#letters.partitionFor(record.key)
      this.#letters.append(to, record.timestamp, record.key, record.value, headers)
      await this.#batcher.relieved()
      written.set(partition, offset + 1)
      const { leaderEpoch } = from.batch
      moved.set(partition, { topic: this.#topic, partition, offset: offset + 1, leaderEpoch })
    }
    if (moved.size === 0) return
    this.#batcher.flush()
    await this.#batcher.settled()
    await this.#writer.commit({ group: groupOf(this.#name, kind), offsets: [...moved.values()] })
  }

  close(): Promise<void> {
    return this.#writer.close()
  }
}

const groupOf = (name: string, kind: LetterKind): string => `connect-${name}-${kind}`
