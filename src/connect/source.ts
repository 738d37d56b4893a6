/**
 * The contract of a source: something outside the log that gives rows in its own order, and can continue from
 * where it stopped.
 *
 * A source knows nothing of topics, transactions or retries. It hands out rows in batches, each with a
 * **resume state**: a small JSON value that stands for everything handed out so far. The runner (`publish`)
 * commits that state in the transaction that holds the rows, so the two are never apart.
 *
 * Obligations of a source:
 * - Opened again with the resume state of a batch, it gives exactly the rows after that batch, in the same
 *   order.
 * - Rows it cannot read stand in the batch as a {@link BadRow}; only what makes it impossible to continue is
 *   thrown.
 * - After {@link SourceReader.close} nothing is held: files, memory, temporary data.
 *
 * Obligations of the caller: one call of `next` at a time, `close` at the end, whatever happened.
 */
import { inWords, type Clock } from '../base/index.ts'

/** A JSON value that says how far a source has been read. */
export type ResumeState =
  | null
  | boolean
  | number
  | string
  | readonly ResumeState[]
  | { readonly [name: string]: ResumeState }

/**
 * What a resume state may take as JSON text. It is stored as the metadata of an offset commit, whose length
 * Kafka's format writes as an int16. Kafka's brokers take 4096 bytes by default
 * (`offset.metadata.max.bytes`); `publish` has an option to hold a program to that, `resumeBytesMax`.
 */
export const resumeStateBytesMax = 32_767

/** What a source is opened with. */
export interface SourceContext {
  /** For waits and timeouts, so that tests need none. */
  readonly clock: Clock
  /** Aborts when the run is to stop: a source that waits (for a file, for a peer) then ends its wait. */
  readonly signal: AbortSignal
}

/**
 * Something that rows can be published from exactly once: what `publish` takes. This file's head comment has
 * the obligations.
 */
export interface Source<R> {
  /**
   * Names the connector in messages, and together with the topic the place where its resume state is kept.
   * Stable over restarts.
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
  /** How many rows there are in all, where the source can tell: for progress only. */
  readonly total?: number
  /**
   * At the end: what is left of the source and not handed out yet, and until when, as a sentence. Undefined:
   * nothing is left.
   */
  readonly waiting?: string | undefined
  /** The next rows; undefined at the end. Rejects with SOURCE_MALFORMED where the rest cannot be read. */
  next(): Promise<SourceBatch<R> | undefined>
  /** Lets go of everything. Called once, whatever happened before. */
  close(): Promise<void>
}

/** Rows in their order, and how far they bring the source. */
export interface SourceBatch<R> {
  /** In their order; those that could not be read stand among them. None: the batch only moves `resume`. */
  readonly rows: readonly (R | BadRow)[]
  /** Stands for all rows up to and including these. */
  readonly resume: ResumeState
  /** Names a row for people: `row 17 of flights.parquet`, `line 12 of airports.csv`. */
  place(index: number): string
  /**
   * A row as it stands in the source, for dead letters. Without it a row that the topic refuses is kept as
   * JSON.
   */
  original?(index: number): string | Uint8Array
}

/** A row that a source could not read. */
export class BadRow {
  /** What is wrong with it: names the column, and what was found. */
  readonly reason: string
  /** The row as it stands in the source (a line of text, JSON), for dead letters. */
  readonly original: string | Uint8Array

  constructor(reason: string, original: string | Uint8Array) {
    this.reason = reason
    this.original = original
  }
}

/** A row as JSON, with what JSON lacks as text: for a row that has no original of its own. */
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
