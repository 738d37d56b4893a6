/**
 * What has failed in a transactional writer, and which calls it still takes. Every client of a log keeps
 * this for itself, in process and over TCP, as Kafka's producer does.
 *
 * - A **refused** append, or refused offsets, have left nothing in the log, and the writer is as good as
 *   before. But the transaction lacks them, so it can only be aborted: until then appends and commits fail
 *   with the refusal.
 * - Any other failure is **final**: all later calls fail with it.
 */
export class WriterFailures {
  #refusal: unknown
  #final: unknown

  /**
   * An append, or offsets, were refused. Returns what calls fail with until an abort: the first refusal.
   */
  refuse(error: unknown): unknown {
    return (this.#refusal ??= error)
  }

  /** The writer has failed, or is closed. Returns the failure that its calls get: the first one. */
  fail(error: unknown): unknown {
    return (this.#final ??= error)
  }

  /** Whether calls fail with this until an abort. */
  isRefusal(error: unknown): boolean {
    return error !== undefined && error === this.#refusal
  }

  get isFinal(): boolean {
    return this.#final !== undefined
  }

  /** Before an append or a commit. */
  check(): void {
    this.checkFinal()
    if (this.#refusal !== undefined) throw this.#refusal
  }

  /** Before an abort. */
  checkFinal(): void {
    if (this.#final !== undefined) throw this.#final
  }

  /** The transaction is aborted: nothing is missing in the next one. */
  aborted(): void {
    this.#refusal = undefined
  }
}
