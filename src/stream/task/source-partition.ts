/**
 * A partition of a source topic on its way into a task: decodes batches, gives records their event time, and
 * keeps the watermark.
 *
 * The watermark is the largest timestamp so far minus the allowed disorder. It moves **after** the record
 * that moved it was processed, so each record carries the watermark as it stood before; and it moves over
 * records that are dropped further on, too. It is stored with the offset.
 */
import { durationInWords, thrownInWords } from '../../base/index.ts'
import { DecodedBatch, type FetchedBatch } from '../../port/index.ts'
import { type ErrorPolicy, Malformed } from '../../schema/index.ts'
import { frozen } from '../../state/index.ts'
import { type BadRecord, type BadRecordSink, settleFailed, settleMalformed } from './bad-records.ts'
import type { SourceNode } from '../plan/graph.ts'
import type { InputPartition } from './input-partition.ts'
import { type LastBatch, lastBatchOf } from './last-batch.ts'
import type { Forward } from '../operators/operator.ts'
import { noHeaders, StreamRecord } from '../operators/record.ts'
import type { Task, WatermarkInput } from './task.ts'

/**
 * The last time that a Date can hold: the time of a record is no later, so that the ends of its windows are
 * exact numbers, too.
 */
const timestampMax = 8_640_000_000_000_000

/** What a source partition needs from its runner. */
export interface SourceEnvironment extends BadRecordSink {
  /** Time in which this process could act, in ms, for idleness. */
  monotonic(): number
  /** Wall time, for topics whose event time is the time of arrival, and for times that cannot be. */
  now(): number
  /** How far ahead of the wall clock a record may be, in ms, where its topic does not say. */
  readonly maxAheadMs: number
}

/** What the metadata of a committed offset says. */
interface Progress {
  /** The watermark; left out while there is none. */
  readonly watermark?: number
  /** The watermark was raised to this while the partition was idle. */
  readonly idle?: true
  /** A bounded run has ended here. */
  readonly ended?: true
  /** As of {@link InputPartition.unfired}. */
  readonly unfired?: true
  /** The batch that the offset is in or behind: its last offset and its checksum. */
  readonly last?: readonly [lastOffset: number, crc: number]
}

export class SourcePartition implements InputPartition, WatermarkInput {
  readonly topic: string
  readonly partition: number
  watermark: number
  position: number
  /**
   * The offset of the record that moved the watermark to where it is; undefined if no record of this run did.
   */
  watermarkOffset: number | undefined
  /** Whether the watermark stands where idleness raised it to. */
  idle: boolean
  /** Whether a run until 'end' has ended it: nothing behind its position is read any more. */
  ended: boolean
  processed = 0
  unfired = false

  readonly #task: Task
  readonly #entry: Forward
  readonly #decoded: DecodedBatch<unknown, unknown>
  readonly #environment: SourceEnvironment
  readonly #policy: ErrorPolicy
  readonly #node: SourceNode
  /** A table's source without a watermark of its own does not hold back the task. */
  readonly #outOfOrdernessMs: number | undefined
  readonly #maxAheadMs: number
  /** A record at most this late is not too far ahead: the wall clock is asked where one is. */
  #notAhead = Number.NEGATIVE_INFINITY
  #next = 0
  /** The record last put aside for want of a key: several operators may want one. */
  #keyMissingAt = -1
  #isFiring = false
  #nextOffset: number
  /** The batch in hand, and the last one of which a record was processed. */
  #loaded: LastBatch | undefined
  #last: LastBatch | undefined
  /** When it last had data, or was not at its end, by the active clock. */
  activeAt: number

  constructor(
    node: SourceNode,
    task: Task,
    policy: ErrorPolicy,
    environment: SourceEnvironment,
    restored: { readonly offset: number; readonly metadata?: string | undefined },
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
    this.#outOfOrdernessMs = topic.watermark?.outOfOrdernessMs ?? (node.of === 'table' ? undefined : 0)
    this.position = this.#nextOffset = restored.offset
    this.watermark = SourcePartition.restoredWatermark(node, restored.metadata)
    const { idle = false, ended = false } = progressOf(restored.metadata)
    this.#last = lastBatchIn(restored.metadata)
    this.idle = idle
    this.ended = ended
    this.#maxAheadMs = topic.watermark?.maxAheadMs ?? environment.maxAheadMs
    this.activeAt = environment.monotonic()
    task.addInput(this)
  }

  /** The watermark that committed metadata stands for. */
  static restoredWatermark(node: SourceNode, metadata: string | undefined): number {
    const { watermark, ended } = progressOf(metadata)
    // A run that was to end continues after a crash; where time was over, it stays so.
    const isOver = ended ?? (node.of === 'table' && !node.topic.watermark)
    return watermark ?? (isOver ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY)
  }

  /** A table without event time of its own: read ahead of everything else. */
  get isTable(): boolean {
    return this.#outOfOrdernessMs === undefined
  }

  /** The time of the record that moved the watermark to where it is, if one did. */
  get latestTimestamp(): number {
    return this.watermark + (this.#outOfOrdernessMs ?? 0)
  }

  /** Whether event time is the time of arrival. */
  get isArrival(): boolean {
    return this.#node.topic.timestamp === 'arrival'
  }

  /** How long without data makes it idle; undefined: it never is. */
  get idleAfterMs(): number | undefined {
    return this.#node.topic.watermark?.idleAfterMs
  }

  /** Whether it has been without data for as long as its topic allows. */
  isIdle(now: number): boolean {
    const after = this.idleAfterMs
    return after !== undefined && this.#next === this.#decoded.count && now - this.activeAt >= after
  }

  /** There is something to read: it is not idle. */
  touch(now: number): void {
    this.activeAt = now
  }

  load(batch: FetchedBatch): void {
    this.#decoded.load(batch)
    this.#next = 0
    this.#keyMissingAt = -1
    this.#nextOffset = batch.nextOffset
    this.#loaded = lastBatchOf(batch.batch)
    this.touch(this.#environment.monotonic())
  }

  run(turn: number): boolean {
    const task = this.#task
    const { count } = this.#decoded
    const end = Math.min(count, this.#next + turn)
    task.reading = this
    if (this.#isFiring && !task.advance()) return false
    this.#isFiring = false
    const from = this.#next
    while (this.#next < end && !this.#isFiring) {
      const index = this.#next
      this.#next += 1
      const timestamp = this.#process(index)
      const watermark = timestamp - (this.#outOfOrdernessMs ?? Number.POSITIVE_INFINITY)
      if (watermark <= this.watermark) continue
      this.watermark = watermark
      this.watermarkOffset = this.#decoded.offsets[index]
      this.idle = false
      this.#isFiring = !task.advance()
    }
    this.processed += this.#next - from
    if (this.#next > 0) this.#last = this.#loaded
    const isThrough = this.#next === count
    this.position = isThrough ? this.#nextOffset : (this.#decoded.offsets[this.#next] as number)
    if (isThrough) this.touch(this.#environment.monotonic())
    return isThrough && !this.#isFiring
  }

  get isFiring(): boolean {
    return this.#isFiring
  }

  /** The partition has been without data: it no longer holds the others back. */
  raise(watermark: number): void {
    if (watermark <= this.watermark || watermark === Number.POSITIVE_INFINITY) return
    this.watermark = watermark
    this.idle = true
  }

  /**
   * Of a topic whose event time is the arrival: the watermark when the wall clock shows `now`. What arrives
   * from now on has no earlier time.
   */
  watermarkAt(now: number): number {
    return Math.floor(now) - (this.#outOfOrdernessMs ?? 0)
  }

  /** The wall clock has moved the watermark. Nothing is late by that. */
  tick(watermark: number): void {
    this.watermark = Math.max(this.watermark, watermark)
  }

  skipTo(offset: number): void {
    if (!this.ended) this.position = Math.max(this.position, offset)
  }

  end(): void {
    this.watermark = Number.POSITIVE_INFINITY
    this.ended = true
  }

  metadata(): string {
    const progress: Progress = {
      ...(Number.isFinite(this.watermark) && { watermark: this.watermark }),
      ...(this.idle && { idle: true }),
      ...(this.ended && { ended: true }),
      ...(this.unfired && { unfired: true }),
      ...(this.#last && { last: [this.#last.lastOffset, this.#last.crc] }),
    }
    return JSON.stringify(progress)
  }

  /** Processes one record; returns its event time, or -Infinity for one that was put aside. */
  #process(index: number): number {
    const decoded = this.#decoded
    const key = decoded.keys[index]
    const value = decoded.values[index]
    if (key instanceof Malformed) return this.#malformed(index, `its key: ${key.reason}`)
    if (value instanceof Malformed) return this.#malformed(index, `its value: ${value.reason}`)
    let timestamp = decoded.timestamps[index] as number
    const from = this.#node.topic.timestamp
    // Never before what has passed: also when the wall clock was set back.
    if (from === 'arrival')
      timestamp = Math.max(
        Math.floor(this.#environment.now()),
        this.watermark + (this.#outOfOrdernessMs ?? 0),
      )
    else if (from !== undefined && value !== null) {
      try {
        timestamp = from(value)
      } catch (error) {
        return this.#malformed(index, `its timestamp function threw ${thrownInWords(error)}`, error)
      }
    }
    if (!(Number.isSafeInteger(timestamp) && timestamp >= 0 && timestamp <= timestampMax))
      return this.#malformed(
        index,
        `its timestamp ${timestamp} is not a whole number of milliseconds from 1970 to the year 275760`,
      )
    if (timestamp > this.#notAhead && this.#isAhead(timestamp))
      return this.#malformed(index, this.#ahead(timestamp))
    const watermark = this.#outOfOrdernessMs === undefined ? Number.NEGATIVE_INFINITY : this.watermark
    try {
      this.#entry(
        new StreamRecord(
          frozen(key),
          value,
          null,
          timestamp,
          watermark,
          this.idle,
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
   * Whether the time is so far in the future that it would end time for all others. That of a table without a
   * watermark moves nothing.
   */
  #isAhead(timestamp: number): boolean {
    if (this.isTable || this.isArrival) return false
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
   * A keyed operator has dropped the record for want of a key: it is counted, and nothing is wrong with the
   * program, so only letters are kept.
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

  /** The record as it stands on the log. */
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

/** Whether a bounded run has ended where this offset was committed. */
export function hasEnded(metadata: string | undefined): boolean {
  return progressOf(metadata).ended ?? false
}

/** Whether something was due, and had not fired, when this was committed: of any input. */
export function hasUnfired(metadata: string | undefined): boolean {
  return progressOf(metadata).unfired ?? false
}

/**
 * The batch that a committed offset is in or behind; undefined where the commit does not say it, as those of
 * 0.1.0.
 */
export function lastBatchIn(metadata: string | undefined): LastBatch | undefined {
  const { last } = progressOf(metadata)
  return last && { lastOffset: last[0], crc: last[1] }
}

function progressOf(metadata: string | undefined): Progress {
  if (!metadata) return {}
  try {
    const parsed = JSON.parse(metadata) as unknown
    return typeof parsed === 'object' && parsed !== null ? parsed : {}
  } catch {
    return {} // somebody else's metadata: offsets set by a tool, say
  }
}
