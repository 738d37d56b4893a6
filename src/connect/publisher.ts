/** One run of `publish`: rows of a source become records, and commit with where the source continues. */
import { isMillraceError, messageOf, MillraceError, type ErrorCode } from '../base/index.ts'
import {
  deadLetterHeaders,
  RecordEncoder,
  type Batcher,
  type TopicBatches,
  type Writer,
} from '../port/index.ts'
import { metadataOf, resumeOf } from './resume-state.ts'
import type { PublishSettings, PublishTopic } from './publish-options.ts'
import { BadRow, textOf, type ResumeState, type Source, type SourceBatch } from './source.ts'

/** Counts of one run of `publish`. */
export interface PublishStats {
  /** Rows that became records. */
  readonly published: number
  /** Rows left out, under the policy `'skip'`. */
  readonly skipped: number
  /** Rows put aside, under `{ deadLetter }`. */
  readonly deadLettered: number
  /** Bytes of keys and values. */
  readonly bytes: number
  /** Transactions of the log. */
  readonly commits: number
  /** Whether the source is at its end; otherwise `signal` ended the run. */
  readonly done: boolean
  /**
   * What the source holds back at its end, as a sentence: a last line that has no end yet. `onNotice` is told
   * of it too.
   */
  readonly waiting?: string
}

/** What a record is refused with. */
const ofRecord: ReadonlySet<ErrorCode> = new Set(['MALFORMED_RECORD', 'RECORD_TOO_LARGE'])

/** Where a publisher writes. */
export interface PublisherOutputs {
  readonly batcher: Batcher
  readonly records: TopicBatches
  readonly letters: TopicBatches | undefined
}

export class Publisher<R, K, V> {
  readonly #writer: Writer
  readonly #topic: PublishTopic<K, V>
  readonly #encoder: RecordEncoder<K, V>
  readonly #source: Source<R>
  readonly #settings: PublishSettings<R, K, V>
  readonly #to: PublisherOutputs
  /** Rows dealt with since the source's start, in all runs. */
  #rows = 0
  #resume: ResumeState = null
  #total: number | undefined
  #published = 0
  #skipped = 0
  #deadLettered = 0
  #commits = 0
  /** Where the open transaction began; undefined while none is open. */
  #begun: { readonly ms: number; readonly bytes: number } | undefined

  constructor(
    writer: Writer,
    topic: PublishTopic<K, V>,
    source: Source<R>,
    settings: PublishSettings<R, K, V>,
    to: PublisherOutputs,
  ) {
    this.#writer = writer
    this.#topic = topic
    this.#encoder = new RecordEncoder(topic, settings.clock)
    this.#source = source
    this.#settings = settings
    this.#to = to
  }

  async run(stand: { offset: number; metadata?: string } | undefined): Promise<PublishStats> {
    const { clock, signal } = this.#settings
    const resume = resumeOf(this.#settings.name, stand)
    this.#rows = stand?.offset ?? 0
    const reader = await this.#source.open(resume, { clock, signal })
    this.#total = reader.total
    let next: Promise<SourceBatch<R> | undefined> | undefined
    try {
      for (;;) {
        next ??= ahead(reader.next())
        if (!(await this.#waitFor(next))) {
          await this.#commit()
          if (signal.aborted) return this.#ended(false)
          continue
        }
        const batch = await next
        if (batch === undefined || signal.aborted) {
          await this.#commit()
          return this.#ended(batch === undefined && !signal.aborted, reader.waiting)
        }
        // The source reads ahead while these rows are encoded.
        next = ahead(reader.next())
        await this.#publish(batch)
        // A source that always has rows at hand must not keep the rest of the process waiting.
        await clock.yield()
      }
    } finally {
      await next?.catch(() => {})
      await reader.close()
    }
  }

  /** Whether the batch came before the open transaction is due, and before the run must end. */
  async #waitFor(next: Promise<unknown>): Promise<boolean> {
    const { clock, commitIntervalMs, signal } = this.#settings
    if (signal.aborted) return false
    const left = this.#begun && this.#begun.ms + commitIntervalMs - clock.monotonic()
    return await new Promise<boolean>(resolve => {
      const timer = left === undefined ? undefined : clock.schedule(Math.max(left, 0), () => end(false))
      const onAbort = (): void => end(false)
      const onNext = (): void => end(true)
      const end = (came: boolean): void => {
        timer?.cancel()
        signal.removeEventListener('abort', onAbort)
        resolve(came)
      }
      signal.addEventListener('abort', onAbort, { once: true })
      next.then(onNext, onNext)
    })
  }

  async #publish(batch: SourceBatch<R>): Promise<void> {
    const { clock, commitBytes, commitIntervalMs, observer } = this.#settings
    const { rows } = batch
    observer.onPhase?.('publishing')
    this.#begun ??= { ms: clock.monotonic(), bytes: this.#bytes }
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i]!
      if (row instanceof BadRow) this.#refuse(batch, i, row.reason, row.original)
      else this.#append(batch, i, row)
    }
    this.#rows += rows.length
    this.#resume = batch.resume
    await this.#to.batcher.relieved()
    const { ms, bytes } = this.#begun
    if (this.#bytes - bytes >= commitBytes || clock.monotonic() - ms >= commitIntervalMs) await this.#commit()
  }

  #append(batch: SourceBatch<R>, i: number, row: R): void {
    try {
      const { key: keyOf, value: valueOf, timestamp: timestampOf } = this.#settings
      // Undefined would be taken for none.
      const time = timestampOf === undefined ? undefined : (timestampOf(row) ?? NaN)
      const { key, value, timestamp, headers, partitionBy } = this.#encoder.encodeParts(
        keyOf(row),
        valueOf(row),
        time,
        undefined,
      )
      const { records } = this.#to
      records.append(records.partitionFor(partitionBy), timestamp, key, value, headers)
      this.#published++
    } catch (error) {
      if (isMillraceError(error) && !ofRecord.has(error.code)) throw error
      this.#refuse(batch, i, messageOf(error), originalOf(batch, i), error)
    }
  }

  /** Applies the policy to a row that cannot be published. */
  #refuse(batch: SourceBatch<R>, i: number, reason: string, original: unknown, error?: unknown): void {
    const { observer, onError, clock } = this.#settings
    const place = batch.place(i)
    if (onError === 'fail')
      throw new MillraceError(
        'SOURCE_MALFORMED',
        `${place} cannot be published to '${this.#topic.name}': ${reason.replace(/\.$/, '')}. Fix it, or set onError to 'skip' or { deadLetter: topic }.`,
        { cause: error },
      )
    if (onError === 'skip') this.#skipped++
    else {
      const value = original instanceof Uint8Array ? original : textOf(original)
      const headers = deadLetterHeaders([], { reason, place: { source: this.#source.name, place }, error })
      const letters = this.#to.letters!
      letters.append(letters.partitionFor(null), clock.now(), null, value, headers)
      this.#deadLettered++
    }
    observer.onBadRecord?.({ place, reason, handled: onError === 'skip' ? 'skipped' : 'dead-lettered' })
  }

  /** Makes everything since the last commit visible, together with the position in the source. */
  async #commit(): Promise<void> {
    if (!this.#begun) return
    const { name, observer } = this.#settings
    const metadata = metadataOf(this.#source.name, this.#resume, this.#settings.resumeBytesMax)
    this.#to.batcher.flush()
    await this.#to.batcher.settled()
    observer.onPhase?.('committing')
    await this.#writer.commit({
      group: `connect-${name}`,
      offsets: [{ topic: this.#topic.name, partition: 0, offset: this.#rows, metadata }],
    })
    this.#begun = undefined
    this.#commits++
    observer.onPhase?.('idle')
    observer.onProgress?.({
      records: this.#rows,
      bytes: this.#bytes,
      commits: this.#commits,
      lag: this.#total === undefined ? undefined : Math.max(0, this.#total - this.#rows),
    })
  }

  get #bytes(): number {
    return this.#to.records.addedBytes
  }

  #ended(done: boolean, waiting?: string): PublishStats {
    if (waiting !== undefined) this.#settings.onNotice(waiting)
    return {
      published: this.#published,
      skipped: this.#skipped,
      deadLettered: this.#deadLettered,
      bytes: this.#bytes,
      commits: this.#commits,
      done,
      ...(waiting !== undefined && { waiting }),
    }
  }
}

/** A row as it is in the source, or as the source returned it. */
function originalOf<R>(batch: SourceBatch<R>, i: number): unknown {
  return batch.original === undefined ? batch.rows[i] : batch.original(i)
}

/** A promise that is looked at later: until then its failure is nobody's oversight. */
function ahead<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
