/**
 * Time in a task: what its watermark is, and what fires because of it, or because of processing time.
 *
 * Invariants:
 * - the watermark is the least of the inputs' and never goes back; everything whose last instant is before it
 *   has fired;
 * - before a record is processed, everything that the watermark before it made due has fired;
 * - firing may be interrupted, and committed there: where it continues is kept as state until it is complete.
 */
import type { KeyedState } from '../../state/index.ts'
import { type Operator, stateBegin } from '../operators/operator.ts'

/** Something whose progress in event time a task waits for: a source partition, or a task upstream. */
export interface WatermarkInput {
  watermark: number
}

type TimedOperator = Operator & Required<Pick<Operator, 'advance' | 'deadline'>>

interface Timed {
  readonly name: string
  readonly operator: TimedOperator
}

/** Where the firing of a task is in state while it is not complete: below everything that operators keep. */
const suspendedNamespace = stateBegin - 1

/** Firing that a commit found incomplete. */
interface Suspended {
  /** The task's watermark: what is complete before this has fired. */
  readonly watermark: number
  /**
   * What is firing: everything that is complete before this; null when firing up to its inputs' watermarks
   * had not begun.
   */
  readonly target: number | null
  /** The name of the timed operator that it has come to: those before it are through. */
  readonly at: string | null
  /** How far that one is, if its own state does not say it. */
  readonly place: unknown
}

interface Periodic {
  readonly intervalMs: number
  readonly callback: () => void
  due: number
}

export class TaskTime {
  /** As of all inputs; what has fired is behind it. */
  watermark: number

  readonly #inputs: WatermarkInput[] = []
  /** In the order in which records pass. */
  readonly #timed: Timed[] = []
  readonly #periodic: Periodic[] = []
  #deadline = Number.NEGATIVE_INFINITY
  /** What is due at this watermark is firing, and which of the timed operators it is at. */
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

  /** An operator of the task, added in the order in which records pass. */
  addOperator(name: string, operator: Operator): void {
    if (isTimed(operator)) this.#timed.push({ name, operator })
  }

  /** Where firing that is not complete is kept: the first call counts. */
  keepIn(state: KeyedState<unknown>): void {
    this.#kept ??= state
  }

  /** Makes sure that what is due at this watermark fires. */
  wakeAt(watermark: number): void {
    if (watermark < this.#deadline) this.#deadline = watermark
  }

  /** Calls `callback` every `intervalMs` of processing time. `now`: monotonic, in ms. */
  every(intervalMs: number, callback: () => void, now: number): void {
    this.#periodic.push({ intervalMs, callback, due: now + intervalMs })
  }

  /** Whether results go out right now because they are due, and not because of a record. */
  get firesNow(): boolean {
    return this.#firesNow
  }

  /**
   * Takes in what the inputs' watermarks have become, and fires what is due. False when there was more to
   * fire than one turn of the event loop should take: then nothing else may happen in the task before it has
   * been called again.
   */
  advance(): boolean {
    for (;;) {
      const isResumed = this.#target !== undefined
      const watermark = this.#target ?? Math.max(this.watermark, this.inputsWatermark)
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
      // The inputs may have moved on while it was interrupted.
      if (!isResumed) return true
    }
  }

  /** The least watermark of its inputs. */
  get inputsWatermark(): number {
    let watermark = Number.POSITIVE_INFINITY
    for (const input of this.#inputs) if (input.watermark < watermark) watermark = input.watermark
    return watermark
  }

  /** Whether it has been interrupted while it fired. */
  get isFiring(): boolean {
    return this.#target !== undefined
  }

  /** Whether {@link advance} has something to fire. */
  get isDue(): boolean {
    return (
      this.#target !== undefined ||
      (this.inputsWatermark >= this.#deadline && this.#deadline < Number.POSITIVE_INFINITY)
    )
  }

  /** The watermark at which something is due next: no time before it makes a difference to the task. */
  get deadline(): number {
    return this.#deadline
  }

  /**
   * Before a commit: keeps as state what the watermarks of the inputs do not say, because firing up to them
   * is not complete. `inputs` is what a restart would take their least watermark for. Returns what it would
   * take the task's for.
   */
  suspend(inputs: number): number {
    if (!this.#kept || this.#timed.length === 0) return inputs
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
   * When its state has been restored: goes back to where firing had come. Those upstream of it have been
   * called before.
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

  /** Runs what is due by processing time; returns when to come back. */
  tick(now: number): number {
    let next = Number.POSITIVE_INFINITY
    for (const periodic of this.#periodic) {
      if (now >= periodic.due) {
        periodic.due = now + periodic.intervalMs
        this.#firesNow = true
        try {
          periodic.callback()
        } finally {
          this.#firesNow = false
        }
      }
      next = Math.min(next, periodic.due)
    }
    return next
  }

  /** Upstream first: what one fires is processed by the next before that one's own time moves on. */
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
