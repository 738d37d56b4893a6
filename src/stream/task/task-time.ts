/**
 * Time in a task: its watermark, and what fires because of the watermark or of processing time.
 *
 * Invariants:
 * - the watermark is the least of the inputs' and never goes back; everything whose last instant is before it
 *   has fired;
 * - it does not pass what an operator holds (mapAsync); a commit keeps as state that it is behind its inputs;
 * - before a record is processed, everything that the watermark before it made due has fired;
 * - firing may be interrupted, and a commit may come in between: state keeps the place where firing continues
 *   until it is complete.
 */
import type { KeyedState } from '../../state/index.ts'
import { type Hold, type Operator, stateBegin } from '../operators/operator.ts'

/** An input whose progress in event time a task waits for: a source partition, or a task upstream. */
export interface WatermarkInput {
  watermark: number
  /**
   * Whether no more records come. Of an input without event time, the watermark does not say it. Left out in
   * memory, where nothing is in between.
   */
  readonly isOver?: boolean
}

type TimedOperator = Operator & Required<Pick<Operator, 'advance' | 'deadline'>>

interface Timed {
  readonly name: string
  readonly operator: TimedOperator
}

/** The namespace of state that keeps incomplete firing: below every namespace of an operator. */
const suspendedNamespace = stateBegin - 1

/** Firing that a commit found incomplete. */
interface Suspended {
  /** The task's watermark: everything that is complete before it has fired. */
  readonly watermark: number
  /**
   * The watermark up to which the task fires: everything that is complete before it. Null if firing up to the
   * inputs' watermarks had not begun.
   */
  readonly target: number | null
  /** The name of the timed operator that is firing: those before it are done. */
  readonly at: string | null
  /** The progress of that operator, if its own state does not say it. */
  readonly place: unknown
}

/** What is called once, when it is due by processing time: monotonic, in ms. */
export interface Alarm {
  readonly ring: () => void
  due: number
}

export class TaskTime {
  /** The watermark over all inputs. Everything that was due before it has fired. */
  watermark: number

  readonly #inputs: WatermarkInput[] = []
  readonly #holds: Hold[] = []
  /** In the order in which records pass. */
  readonly #timed: Timed[] = []
  readonly #alarms: Alarm[] = []
  #deadline = Number.NEGATIVE_INFINITY
  /** The watermark up to which the task is firing, and the index of the timed operator that fires. */
  #target: number | undefined
  #at = 0
  /** Keeps {@link Suspended} across restarts. */
  #kept: KeyedState<unknown> | undefined
  #isKept = false
  #firesNow = false

  constructor(restoredWatermark: number) {
    this.watermark = restoredWatermark
  }

  /** Makes the task wait for `input` too. All inputs are added before the first record. */
  addInput(input: WatermarkInput): void {
    this.#inputs.push(input)
  }

  /** Adds an operator of the task. Operators are added in the order in which records pass. */
  addOperator(name: string, operator: Operator): void {
    if (isTimed(operator)) this.#timed.push({ name, operator })
  }

  /** Makes the watermark wait for what an operator holds. */
  hold(hold: Hold): void {
    this.#holds.push(hold)
  }

  /** Whether an operator holds something. */
  get isHeld(): boolean {
    return this.#holds.some(hold => hold.isActive)
  }

  /** Whether an operator has as much as it can hold. */
  get isFull(): boolean {
    return this.#holds.some(hold => hold.isFull)
  }

  /** The state that keeps incomplete firing. Only the first call counts. */
  keepIn(state: KeyedState<unknown>): void {
    this.#kept ??= state
  }

  /** Makes sure that everything due at this watermark fires. */
  wakeAt(watermark: number): void {
    if (watermark < this.#deadline) this.#deadline = watermark
  }

  /** Calls `ring` when the alarm is due, which the caller sets. */
  alarm(ring: () => void): Alarm {
    const alarm = { ring, due: Number.POSITIVE_INFINITY }
    this.#alarms.push(alarm)
    return alarm
  }

  /** Whether results leave right now because they are due, and not because of a record. */
  get firesNow(): boolean {
    return this.#firesNow
  }

  /**
   * Takes the present watermarks of the inputs, and fires what is due. Returns false if there was more to
   * fire than one turn of the event loop should take. Then nothing else may happen in the task before the
   * next call.
   */
  advance(): boolean {
    for (;;) {
      const isResumed = this.#target !== undefined
      const watermark = this.#target ?? Math.max(this.watermark, this.#reached)
      if (watermark < this.#deadline) {
        this.watermark = watermark
        return true
      }
      this.#target = watermark
      if (!this.#fire(watermark)) return false
      this.#target = undefined
      this.watermark = watermark
      this.#deadline = Number.POSITIVE_INFINITY
      for (const { operator } of this.#timed) this.#deadline = Math.min(this.#deadline, operator.deadline())
      // The inputs may have advanced while firing was interrupted.
      if (!isResumed) return true
    }
  }

  /** The least watermark of its inputs. */
  get inputsWatermark(): number {
    let watermark = Number.POSITIVE_INFINITY
    for (const input of this.#inputs) if (input.watermark < watermark) watermark = input.watermark
    return watermark
  }

  /** Whether no more records come from its inputs. */
  get isOver(): boolean {
    return this.#inputs.every(({ isOver }) => isOver)
  }

  /** How far the inputs have come, and what is held lets the task follow. */
  get #reached(): number {
    let watermark = this.inputsWatermark
    for (const hold of this.#holds) if (hold.watermark < watermark) watermark = hold.watermark
    return watermark
  }

  /** Whether {@link advance} would move the watermark: what was held may have gone. */
  get isBehind(): boolean {
    return this.#reached > this.watermark
  }

  /** Whether firing was interrupted and is not complete. */
  get isFiring(): boolean {
    return this.#target !== undefined
  }

  /** Whether {@link advance} has something to fire. */
  get isDue(): boolean {
    return (
      this.#target !== undefined ||
      (this.#reached >= this.#deadline && this.#deadline < Number.POSITIVE_INFINITY)
    )
  }

  /** The watermark at which something is due next: an earlier watermark changes nothing in the task. */
  get deadline(): number {
    return this.#deadline
  }

  /**
   * Before a commit: if firing up to the inputs' watermarks is not complete, keeps as state how far it is.
   * `inputs` is the least watermark of the inputs that a restart would begin with. Returns the task's
   * watermark that a restart would begin with.
   */
  suspend(inputs: number): number {
    if (!this.#kept || this.#timed.length + this.#holds.length === 0) return inputs
    const { watermark } = this
    if (this.#target === undefined && inputs <= watermark) {
      if (this.#isKept) this.#kept.delete(suspendedNamespace, '')
      this.#isKept = false
      return inputs
    }
    const suspended: Suspended = {
      watermark,
      target: this.#target ?? null,
      at: this.#target === undefined ? null : (this.#timed[this.#at]?.name ?? null),
      place: (this.#target !== undefined && this.#timed[this.#at]?.operator.place?.()) || null,
    }
    this.#kept.put(suspendedNamespace, '', suspended)
    this.#isKept = true
    return watermark
  }

  /**
   * After the state is restored: continues at the place that firing had reached. The tasks upstream have been
   * restored before.
   */
  restored(): void {
    const suspended = this.#kept?.get(suspendedNamespace, '') as Suspended | undefined
    this.#isKept = suspended !== undefined
    this.watermark = suspended?.watermark ?? Math.min(this.watermark, this.inputsWatermark)
    if (!suspended || suspended.target === null) return
    this.#target = suspended.target
    this.#at = Math.max(
      0,
      this.#timed.findIndex(({ name }) => name === suspended.at),
    )
    if (suspended.place !== null) this.#timed[this.#at]?.operator.resume?.(suspended.place)
  }

  /** Rings the alarms that are due. Returns when the next one is due. `now`: monotonic, in ms. */
  tick(now: number): number {
    let next = Number.POSITIVE_INFINITY
    for (const alarm of this.#alarms) {
      if (now >= alarm.due) {
        alarm.due = Number.POSITIVE_INFINITY
        this.#firesNow = true
        try {
          alarm.ring()
        } finally {
          this.#firesNow = false
        }
      }
      next = Math.min(next, alarm.due)
    }
    return next
  }

  /**
   * Upstream first: the next operator processes what the previous one fires, before its own time advances.
   */
  #fire(watermark: number): boolean {
    this.#firesNow = true
    try {
      for (; this.#at < this.#timed.length; this.#at += 1) {
        const { operator } = this.#timed[this.#at] as Timed
        if (watermark >= operator.deadline() && !operator.advance(watermark)) return false
      }
    } finally {
      this.#firesNow = false
    }
    this.#at = 0
    return true
  }
}

function isTimed(operator: Operator): operator is TimedOperator {
  return operator.advance !== undefined && operator.deadline !== undefined
}
