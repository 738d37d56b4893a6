/**
 * Reads a partition of a source topic into a task: decodes batches, gives records their event time, and moves
 * the watermark after them (source-time.ts). Each record carries the watermark from before it.
 */
import { durationInWords, thrownInWords } from '../../base/index.ts'
import { DecodedBatch, type FetchedBatch, isTimestamp } from '../../port/index.ts'
import { type ErrorPolicy, Malformed } from '../../schema/index.ts'
import { frozen } from '../../state/index.ts'
import { type BadRecord, type BadRecordSink, settleFailed, settleMalformed } from './bad-records.ts'
import type { SourceNode } from '../plan/graph.ts'
import { sourceMetadata, sourceProgress } from './committed-metadata.ts'
import type { InputPartition, StartOfInput, SourceInput } from './input-partition.ts'
import { type LastBatch, lastBatchOf } from './last-batch.ts'
import type { Forward } from '../operators/operator.ts'
import { noHeaders, StreamRecord } from '../operators/record.ts'
import { SourceTime } from './source-time.ts'
import type { Task } from './task.ts'

/** What a source partition needs from its runner. */
export interface SourceEnvironment extends BadRecordSink {
  /** Time in which this process could act, in ms, for idleness. */
  monotonic(): number
  /**
   * Wall time, for topics whose event time is the time of arrival, and to find times that are too far ahead.
   */
  now(): number
  /** How far ahead of the wall clock a record may be, in ms, if its topic does not say. */
  readonly maxAheadMs: number
}

export class SourcePartition implements InputPartition, SourceInput {
  readonly topic: string
  readonly partition: number
  position: number
  leaderEpoch: number
  processed = 0
  unfired = false

  readonly #task: Task
  readonly #entry: Forward
  readonly #decoded: DecodedBatch<unknown, unknown>
  readonly #environment: SourceEnvironment
  readonly #policy: ErrorPolicy
  readonly #node: SourceNode
  readonly #time: SourceTime
  readonly #maxAheadMs: number
  /**
   * Timestamps up to this one are not too far ahead. Only a later one makes the partition read the wall
   * clock.
   */
  #notAhead = Number.NEGATIVE_INFINITY
  #next = 0
  /**
   * The index of the last record that was put aside because it has no key: several operators may need one.
   */
  #keyMissingAt = -1
  #isFiring = false
  #nextOffset: number
  /** The loaded batch, and the last batch of which a record was processed. */
  #loaded: LastBatch | undefined
  #last: LastBatch | undefined

  constructor(
    node: SourceNode,
    task: Task,
    policy: ErrorPolicy,
    environment: SourceEnvironment,
    restored: StartOfInput,
  ) {
    const { topic } = node
    this.topic = topic.name
    this.partition = task.partition
    this.#node = node
    this.#task = task
    this.#entry = task.entry(node)
    this.#decoded = new DecodedBatch(topic.key, topic.value)
    this.#environment = environment
    this.#policy = policy
    this.position = this.#nextOffset = restored.offset
    this.leaderEpoch = restored.leaderEpoch ?? -1
    const progress = sourceProgress(node, restored.metadata)
    this.#time = new SourceTime(node, progress, environment.monotonic())
    this.#last = progress.last
    this.#maxAheadMs = topic.watermark?.maxAheadMs ?? environment.maxAheadMs
    task.time.addInput(this.#time)
  }

  get watermark(): number {
    return this.#time.watermark
  }

  get isOver(): boolean {
    return this.#time.isOver
  }

  get isTable(): boolean {
    return this.#time.isTimeless
  }

  get time(): SourceTime | undefined {
    return this.#time.isTimeless ? undefined : this.#time
  }

  get source(): SourceInput {
    return this
  }

  load(batch: FetchedBatch): void {
    this.#decoded.load(batch)
    this.#next = 0
    this.#keyMissingAt = -1
    this.#nextOffset = batch.nextOffset
    this.leaderEpoch = batch.batch.leaderEpoch
    this.#loaded = lastBatchOf(batch.batch)
    this.#time.works()
  }

  run(turn: number): boolean {
    const task = this.#task
    const time = this.#time
    const { count } = this.#decoded
    const end = Math.min(count, this.#next + turn)
    task.reading = this
    if (this.#isFiring && !task.time.advance()) return false
    this.#isFiring = false
    const from = this.#next
    while (this.#next < end && !this.#isFiring) {
      const index = this.#next
      this.#next += 1
      const timestamp = this.#process(index)
      if (time.processed(timestamp, this.#decoded.offsets[index])) this.#isFiring = !task.time.advance()
    }
    this.processed += this.#next - from
    if (this.#next > 0) this.#last = this.#loaded
    const isThrough = this.#next === count
    this.position = isThrough ? this.#nextOffset : (this.#decoded.offsets[this.#next] as number)
    if (isThrough) {
      this.#decoded.release()
      time.rests(this.#environment.monotonic())
    }
    return isThrough && !this.#isFiring
  }

  get isFiring(): boolean {
    return this.#isFiring
  }

  /** Advances event time without a record. */
  advanceTo(watermark: number): void {
    this.#time.advance(watermark)
  }

  skipTo(offset: number): void {
    if (!this.isOver) this.position = Math.max(this.position, offset)
  }

  end(): void {
    this.#time.end()
  }

  metadata(): string {
    const { watermark, idle } = this.#time
    return sourceMetadata({ watermark, idle, ended: this.isOver, unfired: this.unfired, last: this.#last })
  }

  /** Processes one record. Returns its event time, or -Infinity if it was put aside. */
  #process(index: number): number {
    const decoded = this.#decoded
    const key = decoded.keys[index]
    const value = decoded.values[index]
    if (key instanceof Malformed) return this.#malformed(index, `its key: ${key.reason}`)
    if (value instanceof Malformed) return this.#malformed(index, `its value: ${value.reason}`)
    let timestamp = decoded.timestamps[index] as number
    const from = this.#node.topic.timestamp
    if (from === 'arrival') timestamp = this.#time.arrival(this.#environment.now())
    else if (from !== undefined && value !== null) {
      try {
        timestamp = from(value)
      } catch (error) {
        return this.#malformed(index, `its timestamp function threw ${thrownInWords(error)}`, error)
      }
    }
    if (!isTimestamp(timestamp))
      return this.#malformed(
        index,
        `its timestamp ${timestamp} is not a whole number of milliseconds from 1970 to the year 275760`,
      )
    if (timestamp > this.#notAhead && this.#isAhead(timestamp))
      return this.#malformed(index, this.#ahead(timestamp))
    try {
      this.#entry(
        new StreamRecord(
          frozen(key),
          value,
          null,
          timestamp,
          this.#time.ofRecords,
          this.#time.idle,
          decoded.headers[index] ?? noHeaders,
          undefined,
          undefined,
        ),
      )
    } catch (error) {
      settleFailed(this.#policy, this.#environment, this.#record(index), error)
    }
    return timestamp
  }

  /**
   * Whether the timestamp is so far in the future that it would end time for all other records. The
   * timestamps of a table without a watermark move nothing.
   */
  #isAhead(timestamp: number): boolean {
    if (this.#time.isTimeless || this.#time.isArrival) return false
    this.#notAhead = this.#environment.now() + this.#maxAheadMs
    return timestamp > this.#notAhead
  }

  #ahead(timestamp: number): string {
    const given = new Date(timestamp).toISOString()
    const now = new Date(this.#environment.now()).toISOString()
    return (
      `its timestamp ${timestamp} (${given}) is more than ${durationInWords(this.#maxAheadMs)} ahead of the wall clock (${now}), and would make everything else late; ` +
      `if such times are right, declare the topic with a longer watermark: { maxAhead }`
    )
  }

  /**
   * A keyed operator has dropped the record because it has no key. The drop is counted, and the program is
   * not at fault. So the record is kept only if the policy keeps dead letters.
   */
  keyMissing(): void {
    const index = this.#next - 1
    if (typeof this.#policy !== 'object' || this.#keyMissingAt === index) return
    this.#keyMissingAt = index
    const reason = 'it has no key, and an operator needs one'
    this.#environment.deadLetter({ ...this.#record(index), to: this.#policy.deadLetter, reason })
  }

  #malformed(index: number, reason: string, cause?: unknown): number {
    settleMalformed(this.#policy, this.#environment, this.#record(index), reason, cause)
    return Number.NEGATIVE_INFINITY
  }

  /** The record as it is on the log. */
  #record(index: number): BadRecord {
    const { topic, partition } = this
    const decoded = this.#decoded
    return {
      place: { topic, partition, offset: decoded.offsets[index] as number },
      partition,
      timestamp: decoded.timestamps[index] as number,
      key: decoded.rawKey(index),
      value: decoded.rawValue(index),
      headers: decoded.headers[index] ?? noHeaders,
    }
  }
}
