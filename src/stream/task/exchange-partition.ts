/**
 * Reads a partition of the topic between two stages into a task. The format of its records:
 * exchange-record.ts.
 */
import { MillraceError } from '../../base/index.ts'
import type { FetchedBatch } from '../../port/index.ts'
import type { ErrorPolicy } from '../../schema/index.ts'
import type { RecordHeader } from '../../wire/index.ts'
import type { Forward } from '../operators/operator.ts'
import type { ExchangeNode } from '../plan/graph.ts'
import { exchangeTopic } from '../plan/own-topics.ts'
import { type BadRecordSink, settleFailed } from './bad-records.ts'
import { exchangeMetadata, upstreamWatermarks } from './committed-metadata.ts'
import { announcementIn, exchangedRecord, foreignRecord } from './exchange-record.ts'
import type { InputPartition, StartOfInput } from './input-partition.ts'
import type { Task } from './task.ts'
import { UpstreamWatermarks } from './upstream-watermarks.ts'

export class ExchangePartition implements InputPartition {
  readonly topic: string
  readonly partition: number
  position: number
  leaderEpoch: number

  readonly #task: Task
  readonly #node: ExchangeNode
  readonly #entry: Forward
  readonly #policy: ErrorPolicy
  readonly #sink: BadRecordSink
  readonly #upstream: UpstreamWatermarks
  #cursor: ReturnType<FetchedBatch['batch']['records']> | undefined
  #firstOffset = 0
  #nextOffset: number
  #isFiring = false
  processed = 0
  unfired = false
  readonly isTable = false
  /** Its watermark, and its end, come from upstream: every task announces its own. */
  readonly time = undefined
  readonly source = undefined

  constructor(
    app: string,
    node: ExchangeNode,
    task: Task,
    upstreamPartitions: number,
    policy: ErrorPolicy,
    sink: BadRecordSink,
    restored: StartOfInput,
  ) {
    this.topic = exchangeTopic(app, node)
    this.partition = task.partition
    this.#node = node
    this.#task = task
    this.#policy = policy
    this.#sink = sink
    this.#entry = task.entry(node)
    this.position = this.#nextOffset = restored.offset
    this.leaderEpoch = restored.leaderEpoch ?? -1
    const known = upstreamWatermarks(restored.metadata)
    this.#upstream = new UpstreamWatermarks(upstreamPartitions, known, this.topic)
    task.time.addInput(this.#upstream)
  }

  get watermark(): number {
    return this.#upstream.watermark
  }

  get isOver(): boolean {
    return this.#upstream.isOver
  }

  load({ batch, firstOffset, nextOffset }: FetchedBatch): void {
    this.#cursor = batch.records()
    this.#firstOffset = firstOffset
    this.#nextOffset = nextOffset
    this.leaderEpoch = batch.leaderEpoch
  }

  run(turn: number): boolean {
    const task = this.#task
    if (this.#isFiring && !task.time.advance()) return false
    this.#isFiring = false
    task.reading = undefined
    const cursor = this.#cursor
    for (let n = 0; n < turn && !this.#isFiring; n += 1) {
      if (!cursor?.next()) {
        this.position = this.#nextOffset
        return true
      }
      if (cursor.offset < this.#firstOffset) continue
      this.processed += 1
      this.position = cursor.offset + 1
      const headers = cursor.headers()
      const key = cursor.key()
      const value = cursor.value()
      // A record always has a value: the mark for null has bytes, too.
      if (value === null) {
        this.#announced(headers, cursor.offset)
        this.#isFiring = !task.time.advance()
        continue
      }
      const { keyCodec } = this.#node
      const record = exchangedRecord(keyCodec, cursor.timestamp, key, value, headers)
      if (!record) throw foreignRecord(this.topic, this.partition, cursor.offset)
      try {
        this.#entry(record)
      } catch (error) {
        const { topic, partition } = this
        const { offset, timestamp } = cursor
        const place = { topic, partition, offset }
        const bad = { place, partition, timestamp, key, value, headers: record.headers }
        settleFailed(this.#policy, this.#sink, bad, error)
      }
    }
    return false
  }

  get isFiring(): boolean {
    return this.#isFiring
  }

  skipTo(offset: number): void {
    this.position = Math.max(this.position, offset)
  }

  metadata(): string {
    return exchangeMetadata(this.#upstream.text, this.unfired)
  }

  #announced(headers: readonly RecordHeader[], offset: number): void {
    const announcement = announcementIn(headers)
    if (!announcement) throw foreignRecord(this.topic, this.partition, offset)
    const { ranges, watermark } = announcement
    for (const [from, to] of ranges)
      if (!this.#upstream.raise(from, to, watermark))
        throw new MillraceError(
          'PARTITION_COUNT_CHANGED',
          `A task that does not exist has announced its watermark at ${this.topic}-${this.partition}, offset ${offset}: was the partition count of a source changed? Start from scratch with { restart: true }.`,
        )
  }
}
