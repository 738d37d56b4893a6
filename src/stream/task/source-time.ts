/**
 * The event time of a source partition: its watermark, and what moves it.
 *
 * - Records: the watermark is the largest timestamp so far minus the allowed disorder. It moves **after** the
 *   record that moves it was processed. A record that an operator drops moves it, too.
 * - The wall clock, if event time is the time of arrival.
 * - Idleness: the watermark of a partition without data is raised to that of the others (idleness.ts).
 *
 * The records of a table without a watermark move nothing, and the table holds back no other input.
 */
import type { SourceNode } from '../plan/graph.ts'
import type { SourceProgress } from './committed-metadata.ts'
import type { WatermarkInput } from './task-time.ts'

export class SourceTime implements WatermarkInput {
  watermark: number
  /** Whether a run until `'end'` has ended the partition. */
  isOver: boolean
  /** The offset of the record that moved the watermark here; undefined if no record of this run did. */
  recordOffset: number | undefined
  /** Whether idleness raised the watermark to its present value. */
  idle: boolean
  /**
   * When the partition last had data, or was not at its end, by the active clock; Infinity during a batch.
   */
  activeAt: number
  /** Undefined for a table without a watermark. */
  readonly #outOfOrdernessMs: number | undefined
  readonly #topic: SourceNode['topic']

  /** `activeAt`: by the active clock, in ms. */
  constructor(
    { of, topic }: SourceNode,
    restored: Pick<SourceProgress, 'watermark' | 'idle' | 'ended'>,
    activeAt: number,
  ) {
    this.watermark = restored.watermark
    this.idle = restored.idle
    this.isOver = restored.ended
    this.activeAt = activeAt
    this.#topic = topic
    this.#outOfOrdernessMs = topic.watermark?.outOfOrdernessMs ?? (of === 'table' ? undefined : 0)
  }

  /** Whether records do not move the watermark: they belong to a table without one. */
  get isTimeless(): boolean {
    return this.#outOfOrdernessMs === undefined
  }

  /** Whether event time is the time of arrival. */
  get isArrival(): boolean {
    return this.#topic.timestamp === 'arrival'
  }

  /** The partition is idle after this time without data, in ms. Undefined: it never is. */
  get idleAfterMs(): number | undefined {
    return this.#topic.watermark?.idleAfterMs
  }

  /** The watermark that a record carries: the one from before the record. */
  get ofRecords(): number {
    return this.#outOfOrdernessMs === undefined ? Number.NEGATIVE_INFINITY : this.watermark
  }

  /** The timestamp of the record that moved the watermark here, if a record did. */
  get latestTimestamp(): number {
    return this.watermark + (this.#outOfOrdernessMs ?? 0)
  }

  /**
   * A record was processed; its timestamp is -Infinity if it was put aside. Returns whether the watermark has
   * moved.
   */
  processed(timestamp: number, offset: number | undefined): boolean {
    const watermark = timestamp - (this.#outOfOrdernessMs ?? Number.POSITIVE_INFINITY)
    if (watermark <= this.watermark) return false
    this.watermark = watermark
    this.recordOffset = offset
    this.idle = false
    return true
  }

  /** The event time of a record that arrives now. It never goes back, even if the wall clock was set back. */
  arrival(wallMs: number): number {
    return Math.max(Math.floor(wallMs), this.latestTimestamp)
  }

  /**
   * If event time is the arrival: the watermark at a time of the wall clock. No record with an earlier time
   * comes.
   */
  watermarkAt(wallMs: number): number {
    return Math.floor(wallMs) - (this.#outOfOrdernessMs ?? 0)
  }

  /** Advances the watermark. This makes no record late. */
  advance(watermark: number): void {
    this.watermark = Math.max(this.watermark, watermark)
  }

  /** No more records come: event time is over. */
  end(): void {
    this.advance(Number.POSITIVE_INFINITY)
    this.isOver = true
  }

  /**
   * The partition has been without data: raises its watermark, so that it no longer holds the others back.
   */
  raise(watermark: number): void {
    if (watermark <= this.watermark || watermark === Number.POSITIVE_INFINITY) return
    this.watermark = watermark
    this.idle = true
  }

  /** A batch is in hand until {@link rests}: the partition is not idle. */
  works(): void {
    this.activeAt = Number.POSITIVE_INFINITY
  }

  /** The batch is done. */
  rests(now: number): void {
    this.activeAt = now
  }

  /** The partition has more to read. */
  touch(now: number): void {
    this.activeAt = Math.max(this.activeAt, now)
  }

  /** Whether the partition has been without data for as long as its topic allows. */
  isIdle(now: number): boolean {
    const after = this.idleAfterMs
    return after !== undefined && now - this.activeAt >= after
  }
}
