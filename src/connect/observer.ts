/**
 * Events of a connector's run: one small interface for progress bars, metrics and tests. Calls are
 * synchronous and must not throw.
 */

/**
 * The step that begins: `publishing` a batch of rows into the log's open transaction, `committing` that
 * transaction, `loading` a transaction into the target, `idle` when it is done.
 */
export type ConnectPhase = 'publishing' | 'committing' | 'loading' | 'idle'

/** Counts since the run began. */
export interface ConnectProgress {
  /** Rows or records processed and committed. */
  readonly records: number
  /** Bytes of keys and values published, or read from the log. */
  readonly bytes: number
  readonly commits: number
  /** Records left: rows that a source still has, or the lag of a sink. Undefined if unknown. */
  readonly lag: number | undefined
}

/** A record that was not delivered, with the reason. `handled` says what the policy did with it. */
export interface BadRecord {
  /** Its place, for people: `row 17 of flights.parquet`, `delays, partition 0, offset 12`. */
  readonly place: string
  readonly reason: string
  readonly handled: 'skipped' | 'dead-lettered'
}

/** Observes a run, for progress bars, metrics and tests. Calls are synchronous and must not throw. */
export interface ConnectObserver {
  /** A step begins. */
  onPhase?(phase: ConnectPhase): void
  /** After each commit. */
  onProgress?(progress: ConnectProgress): void
  /** A record was not delivered. Under the policy `'fail'` the run fails with it instead. */
  onBadRecord?(bad: BadRecord): void
  /** A retriable call has failed, and is tried again after the delay. */
  onRetry?(retry: { readonly attempt: number; readonly delayMs: number; readonly error: unknown }): void
}
