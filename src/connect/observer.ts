/** What a run of a connector tells: one small interface for progress bars, metrics and tests. Calls are synchronous and must not throw. */

/**
 * A critical step that begins: `publishing` a batch of rows into the open transaction of the log, `committing` that transaction, `loading` a transaction into the
 * target, `idle` when it is done.
 */
export type ConnectPhase = 'publishing' | 'committing' | 'loading' | 'idle'

/** Counts since the run began. */
export interface ConnectProgress {
  /** Rows or records dealt with and committed. */
  readonly records: number
  /** Bytes of keys and values published, or read from the log. */
  readonly bytes: number
  readonly commits: number
  /** Records not yet dealt with, as far as is known: rows that a source still has, or the lag of a sink. Undefined: unknown. */
  readonly lag: number | undefined
}

/** A record that was not delivered, and why. `handled` says what the policy did with it. */
export interface BadRecord {
  readonly place: string
  readonly reason: string
  readonly handled: 'skipped' | 'dead-lettered'
}

export interface ConnectObserver {
  onPhase?(phase: ConnectPhase): void
  /** After each commit. */
  onProgress?(progress: ConnectProgress): void
  onBadRecord?(bad: BadRecord): void
  onRetry?(retry: { readonly attempt: number; readonly delayMs: number; readonly error: unknown }): void
}
