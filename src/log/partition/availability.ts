/**
 * Whether a partition takes calls. One that failed (poisoned, damaged) or was closed refuses every call with
 * the same error; it is never brought back in this process.
 */
import { MillraceError } from '../../base/index.ts'
import { diskError } from '../files/disk-errors.ts'
import { poisoned, queuedBytesMax, queueFull, readOnly } from './refusals.ts'

export interface AvailabilityOf {
  /** The partition's name, for messages. */
  readonly name: string
  readonly readOnly: boolean
  /** Bytes of appends that are not written. */
  readonly queuedBytes: () => number
}

export class Availability {
  readonly #name: string
  readonly #readOnly: boolean
  readonly #queuedBytes: () => number
  readonly #onPoisoned: (failure: MillraceError) => void
  #failure: MillraceError | undefined
  #closed: MillraceError | undefined

  /** `failure`: damage that recovery has found. `onPoisoned` is called once, if the disk fails. */
  constructor(
    { name, readOnly: isReadOnly, queuedBytes }: AvailabilityOf,
    failure: MillraceError | undefined,
    onPoisoned: (failure: MillraceError) => void,
  ) {
    this.#name = name
    this.#readOnly = isReadOnly
    this.#queuedBytes = queuedBytes
    this.#failure = failure
    this.#onPoisoned = onPoisoned
  }

  /** Why the partition refuses, unless it was closed; undefined while it works. */
  get failure(): MillraceError | undefined {
    return this.#failure
  }

  /** It takes no more calls. */
  get isOver(): boolean {
    return this.#failure !== undefined || this.#closed !== undefined
  }

  /** Throws the reason why it takes no more calls. */
  check(): void {
    const refusal = this.#failure ?? this.#closed
    if (refusal) throw refusal
  }

  /** Throws the reason why it takes no appends now. */
  checkWritable(): void {
    this.check()
    if (this.#readOnly) throw readOnly(this.#name)
    if (this.#queuedBytes() >= queuedBytesMax) throw queueFull(this.#name)
  }

  /** Refuses all calls from now on. */
  close(closed: MillraceError): void {
    this.#closed = closed
  }

  /** Fails for a reason other than the disk: the partition is deleted. */
  fail(failure: MillraceError): void {
    this.#failure = failure
  }

  /** The disk can no longer be trusted. Returns the error for all callers. */
  poison(error: unknown): MillraceError {
    if (this.#failure) return this.#failure
    this.#failure = poisoned(this.#name, diskError(error, `writing ${this.#name}`))
    this.#onPoisoned(this.#failure)
    return this.#failure
  }

  /**
   * Files that could not be removed are below the start: the next start of the log removes them. Only a
   * failing disk is an error.
   */
  dropFailed(error: unknown): void {
    if (this.#closed || (error instanceof MillraceError && error.retriable)) return
    this.poison(error)
  }
}
