/**
 * Loads transactions into a target, and applies the policy to records that cannot be delivered.
 *
 * Rows that the sink names as refused are left out, and the rest is written. For any other refusal the row is
 * found by halving, from left to right: the rows before it are delivered on the way, in order.
 */
import { isMillraceError, MillraceError } from '../base/index.ts'
import type { FetchedBatch } from '../port/index.ts'
import type { ErrorPolicy } from '../schema/index.ts'
import type { DeadLetters, LetterKind } from './dead-letters.ts'
import type { ConnectObserver } from './observer.ts'
import { RowsRefused, type Offsets, type SinkRow, type SinkWriter } from './sink.ts'

/** Records to write together. */
export interface Transaction<K, V> {
  readonly rows: SinkRow<K, V>[]
  /** Copies of the batches of the rows, for dead letters; empty without a dead-letter policy. */
  readonly batches: FetchedBatch[]
  /** Records that could not be decoded. */
  readonly malformed: BadOffset[]
  readonly to: Map<number, number>
  bytes: number
  /** The time by which it must be written. */
  readonly dueMs: number
}

interface BadOffset {
  readonly partition: number
  readonly offset: number
  readonly reason: string
  readonly error?: MillraceError
}

/** Counts of one run of `deliver`. */
export interface DeliverStats {
  /** Records that the target has taken. */
  readonly delivered: number
  /** Records left out, under the policy `'skip'`. */
  readonly skipped: number
  /** Records written as dead letters, under `{ deadLetter }`. */
  readonly deadLettered: number
  /** Bytes of keys and values read from the log. */
  readonly bytes: number
  /** Transactions of the target. */
  readonly commits: number
}

/** The surroundings of a loader. */
export interface SinkLoaderOptions<K, V> {
  readonly topic: string
  readonly sink: string
  readonly writer: SinkWriter<K, V>
  readonly onError: ErrorPolicy
  /** Undefined without a dead-letter policy. */
  readonly letters: DeadLetters | undefined
  readonly observer: ConnectObserver
  /** Counts to begin with: those of the loader before this one. */
  readonly before: DeliverStats
}

export class SinkLoader<K, V> {
  readonly #to: SinkLoaderOptions<K, V>
  #delivered: number
  #skipped: number
  #deadLettered: number
  #bytes: number
  #commits: number

  constructor(options: SinkLoaderOptions<K, V>) {
    this.#to = options
    const { delivered, skipped, deadLettered, bytes, commits } = options.before
    this.#delivered = delivered
    this.#skipped = skipped
    this.#deadLettered = deadLettered
    this.#bytes = bytes
    this.#commits = commits
  }

  get stats(): DeliverStats {
    return {
      delivered: this.#delivered,
      skipped: this.#skipped,
      deadLettered: this.#deadLettered,
      bytes: this.#bytes,
      commits: this.#commits,
    }
  }

  async load(transaction: Transaction<K, V>): Promise<void> {
    await this.#putAside('malformed', transaction, transaction.malformed)
    await this.#write(transaction, transaction.rows, transaction.to)
    this.#bytes += transaction.bytes
  }

  /** Fails under `fail`: the error names the record, and nothing past it is delivered. */
  refuse(partition: number, offset: number, reason: string, error?: MillraceError): void {
    const { onError, sink } = this.#to
    if (onError !== 'fail') return
    throw new MillraceError(
      error?.code ?? 'MALFORMED_RECORD',
      `The record at ${this.#place(partition, offset)} cannot be delivered to '${sink}': ${reason} Set onError to 'skip' or { deadLetter: topic } to go past it.`,
      { cause: error },
    )
  }

  /** Writes rows of the transaction, which move the target to the offsets `to`. */
  async #write(transaction: Transaction<K, V>, rows: readonly SinkRow<K, V>[], to: Offsets): Promise<void> {
    const { observer, writer } = this.#to
    observer.onPhase?.('loading')
    try {
      await writer.write(rows, to)
      observer.onPhase?.('idle')
      this.#delivered += rows.length
      this.#commits++
    } catch (error) {
      if (!isMillraceError(error, 'SINK_REFUSED') || rows.length === 0) throw error
      if (error instanceof RowsRefused) await this.#writeOthers(transaction, rows, to, error)
      else if (rows.length === 1) {
        await this.#putAside('refused', transaction, [{ ...rows[0]!, reason: error.message, error }])
        await this.#write(transaction, [], to)
      } else {
        const middle = rows.length >> 1
        const before = rows.slice(0, middle)
        await this.#write(transaction, before, offsetsAfter(before))
        await this.#write(transaction, rows.slice(middle), to)
      }
    }
  }

  async #writeOthers(
    transaction: Transaction<K, V>,
    rows: readonly SinkRow<K, V>[],
    to: Offsets,
    error: RowsRefused,
  ): Promise<void> {
    const { reasons } = error
    const [first] = reasons.keys()
    if (this.#to.onError === 'fail' && first! > 0) {
      const before = rows.slice(0, first)
      await this.#write(transaction, before, offsetsAfter(before))
    }
    const refused = Array.from(reasons, ([index, reason]) => ({
      ...rows[index]!,
      reason: `${reason}.`,
      error,
    }))
    await this.#putAside('unfit', transaction, refused)
    await this.#write(
      transaction,
      rows.filter((_, index) => !reasons.has(index)),
      to,
    )
  }

  /** Applies the policy to records that cannot be delivered. */
  async #putAside(
    kind: LetterKind,
    { batches }: Transaction<K, V>,
    bad: readonly BadOffset[],
  ): Promise<void> {
    const { letters, observer } = this.#to
    for (const { partition, offset, reason, error } of bad) this.refuse(partition, offset, reason, error)
    const batchOf = inBatches(batches)
    await letters?.write(
      kind,
      bad.map(({ partition, offset, reason, error }) => ({
        from: batchOf(partition, offset),
        offset,
        reason,
        error,
      })),
    )
    if (letters) this.#deadLettered += bad.length
    else this.#skipped += bad.length
    for (const { partition, offset, reason } of bad)
      observer.onBadRecord?.({
        place: this.#place(partition, offset),
        reason,
        handled: letters ? 'dead-lettered' : 'skipped',
      })
  }

  #place(partition: number, offset: number): string {
    return `${this.#to.topic}, partition ${partition}, offset ${offset}`
  }
}

/**
 * Finds the batch of a record. Offsets of a partition must come in ascending order, so each batch is passed
 * once.
 */
function inBatches(batches: readonly FetchedBatch[]): (partition: number, offset: number) => FetchedBatch {
  const from = new Map<number, number>()
  return (partition, offset) => {
    let i = from.get(partition) ?? 0
    while (batches[i]!.partition !== partition || offset >= batches[i]!.nextOffset) i++
    from.set(partition, i)
    return batches[i]!
  }
}

function offsetsAfter(rows: readonly SinkRow<unknown, unknown>[]): Offsets {
  return new Map(rows.map(({ partition, offset }) => [partition, offset + 1]))
}
