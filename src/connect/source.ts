/**
 * The contract of a source: a system outside the log that gives rows in a fixed order, and can continue where
 * it stopped.
 *
 * A source knows nothing of topics, transactions or retries. It hands out rows in batches, each with a
 * **resume state**: a small JSON value for the position after the batch. The runner (`publish`) commits that
 * state in the transaction of the rows, so the two always agree.
 *
 * Obligations of a source:
 * - Opened again with the resume state of a batch, it gives exactly the rows after that batch, in the same
 *   order.
 * - A row that it cannot read is a {@link BadRow} in the batch. It throws only if it cannot continue.
 * - After {@link SourceReader.close} it holds no files, memory or temporary data.
 *
 * Obligations of the caller: one call of `next` at a time, `close` at the end, whatever happened.
 */
import { inWords, type Clock } from '../base/index.ts'

/** The position in a source, as a JSON value. */
export type ResumeState =
  | null
  | boolean
  | number
  | string
  | readonly ResumeState[]
  | { readonly [name: string]: ResumeState }

/**
 * The most bytes of a resume state as JSON text. It is stored as the metadata of an offset commit, whose
 * length is an int16 in Kafka's format. Kafka's brokers take 4096 bytes by default
 * (`offset.metadata.max.bytes`); the option `resumeBytesMax` of `publish` sets such a bound.
 */
export const resumeStateBytesMax = 32_767

/** The arguments of a source's `open`. */
export interface SourceContext {
  /** For waits and timeouts, so that tests need none. */
  readonly clock: Clock
  /** Aborts when the run must stop: a source that waits (for a file, for a peer) then ends its wait. */
  readonly signal: AbortSignal
}

/** A source of `publish`, exactly once. This file's head comment has the obligations. */
export interface Source<R> {
  /**
   * Names the connector in messages. Its resume state is kept under this name and the topic's. Stable over
   * restarts.
   */
  readonly name: string
  /**
   * Opens the source, from its start without a resume state.
   * @throws MillraceError SOURCE_MISSING, SOURCE_MALFORMED, SCHEMA_MISMATCH; SOURCE_CHANGED when `resume`
   *   belongs to other content or another query
   */
  open(resume: ResumeState | undefined, context: SourceContext): Promise<SourceReader<R>>
}

/** An open source. One call at a time. */
export interface SourceReader<R> {
  /** The total number of rows, if known; for progress only. */
  readonly total?: number
  /**
   * At the end: a sentence that says which content the source holds back, and until when. Undefined: nothing
   * is left.
   */
  readonly waiting?: string | undefined
  /** The next rows; undefined at the end. Rejects with SOURCE_MALFORMED if the rest cannot be read. */
  next(): Promise<SourceBatch<R> | undefined>
  /** Releases everything. Called once, also after a failure. */
  close(): Promise<void>
}

/** Rows in their order, and the position after them. */
export interface SourceBatch<R> {
  /** In their order, unreadable ones included. An empty batch only moves `resume`. */
  readonly rows: readonly (R | BadRow)[]
  /** The position after these rows. */
  readonly resume: ResumeState
  /** Names a row for people: `row 17 of flights.parquet`, `line 12 of airports.csv`. */
  place(index: number): string
  /**
   * A row as it is in the source, for dead letters. Without it a row that the topic refuses is kept as JSON.
   */
  original?(index: number): string | Uint8Array
}

/** A row that a source could not read. */
export class BadRow {
  /** The reason: names the column, and the value found. */
  readonly reason: string
  /** The row as it is in the source (a line of text, JSON), for dead letters. */
  readonly original: string | Uint8Array

  constructor(reason: string, original: string | Uint8Array) {
    this.reason = reason
    this.original = original
  }
}

/** A row as JSON, with other values as text: for a row without an original. */
export function textOf(row: unknown): string {
  if (typeof row === 'string') return row
  try {
    const text: string | undefined = JSON.stringify(row, (_, value: unknown) => {
      if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
      return typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))
        ? String(value)
        : value
    })
    return text ?? inWords(row)
  } catch {
    // A cycle, or a toJSON that throws.
    return inWords(row)
  }
}
