/**
 * The event time of a source partition: its watermark, and what moves it.
 *
 * - Records: the watermark is the largest timestamp so far minus the allowed disorder. It moves **after** the
 *   record that moves it was processed, and over records that are dropped further on, too.
 * - The wall clock, where event time is the time of arrival.
 * - Idleness: a partition without data is raised to where the others are (idleness.ts).
 *
 * A table without a watermark is not moved by its records, and holds back nobody.
 */
import type { SourceNode } from '../plan/graph.ts'
import type { WatermarkInput } from './task-time.ts'

export class SourceTime implements WatermarkInput {
  watermark: number
  /** The offset of the record that moved the watermark here; undefined if no record of this run did. */
  recordOffset: number | undefined
  /** Whether the watermark is where idleness raised it to. */
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
    restored: { readonly watermark: number; readonly idle: boolean },
    activeAt: number,
  ) {
    this.watermark = restored.watermark
    this.idle = restored.idle
    this.activeAt = activeAt
    this.#topic = topic
    this.#outOfOrdernessMs = topic.watermark?.outOfOrdernessMs ?? (of === 'table' ? undefined : 0)
  }

  /** Whether records have no say in it: they are of a table without a watermark. */
  get isTimeless(): boolean {
    return this.#outOfOrdernessMs === undefined
  }

  /** Whether it is the time of arrival. */
  get isArrival(): boolean {
    return this.#topic.timestamp === 'arrival'
  }

  /** How long without data makes the partition idle, in ms; undefined: it never is. */
  get idleAfterMs(): number | undefined {
    return this.#topic.watermark?.idleAfterMs
  }

  /** The watermark that a record carries: as it was before the record. */
  get ofRecords(): number {
    return this.#outOfOrdernessMs === undefined ? Number.NEGATIVE_INFINITY : this.watermark
  }

  /** The time of the record that moved the watermark here, if one did. */
  get latestTimestamp(): number {
    return this.watermark + (this.#outOfOrdernessMs ?? 0)
  }

  /**
   * A record was processed; -Infinity for one that was put aside. Returns whether the watermark has moved.
   */
  processed(timestamp: number, offset: number | undefined): boolean {
    const watermark = timestamp - (this.#outOfOrdernessMs ?? Number.POSITIVE_INFINITY)
    if (watermark <= this.watermark) return false
    this.watermark = watermark
    this.recordOffset = offset
    this.idle = false
    return true
  }

  /** The time of a record that arrives now. It never goes back, also when the wall clock was set back. */
  arrival(wallMs: number): number {
    return Math.max(Math.floor(wallMs), this.latestTimestamp)
  }

  /** Where event time is the arrival: the watermark at a time of the wall clock. Nothing earlier comes. */
  watermarkAt(wallMs: number): number {
    return Math.floor(wallMs) - (this.#outOfOrdernessMs ?? 0)
  }

  /** Moves the watermark on, by the wall clock or to the end of time. Nothing is late by that. */
  advance(watermark: number): void {
    this.watermark = Math.max(this.watermark, watermark)
  }

  /** The partition has been without data: it no longer holds the others back. */
  raise(watermark: number): void {
    if (watermark <= this.watermark || watermark === Number.POSITIVE_INFINITY) return
    this.watermark = watermark
    this.idle = true
  }

  /** A batch is in hand until {@link rests}: the partition is not idle. */
  works(): void {
    this.activeAt = Number.POSITIVE_INFINITY
  }

  /** The batch is through. */
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
