/**
 * Publishes a source's rows to a topic, exactly once.
 *
 * The rows and the source's resume state commit in one transaction. The state is an offset commit of the
 * group `connect-<name>`, for partition 0 of the topic: its offset is the number of rows dealt with, its
 * metadata the state as JSON. So what the log shows and where the source goes on are never apart, and any
 * Kafka tool can show where a connector stands.
 *
 * One publisher per name: opening fences an earlier one (by the transactional id `connect-<name>`), whose
 * open transaction is aborted.
 */
import {
  checkOptions,
  durationMs,
  isMillraceError,
  messageOf,
  MillraceError,
  systemClock,
  type Clock,
  type Duration,
  type ErrorCode,
} from '../base/index.ts'
import { checkConnector, checkLog } from './checks.ts'
import {
  Batcher,
  deadLetterHeaders,
  ensureTopic,
  portOf,
  RecordEncoder,
  type Log,
  type LogPort,
  type TopicBatches,
  type Writer,
} from '../port/index.ts'
import { checkPolicy, checkTopic, type ErrorPolicy, type WritableTopic } from '../schema/index.ts'
import type { ConnectObserver } from './observer.ts'
import { metadataOf, resumeBytesKind, resumeOf } from './resume-state.ts'
import {
  BadRow,
  resumeStateBytesMax,
  textOf,
  type ResumeState,
  type Source,
  type SourceBatch,
} from './source.ts'

/** A topic to publish to; any that `topic()` declares is one. */
export type PublishTopic<K, V> = WritableTopic<K, V> & {
  readonly timestamp?: ((value: V) => number) | 'arrival' | undefined
}

interface CommonOptions<R> {
  /** Event time of a row in ms since the epoch. Default: the topic's `timestamp`, or else the wall clock. */
  readonly timestamp?: (row: R) => number
  /**
   * What to do with a row that the source cannot read, that the topic's schema refuses, or that one of these
   * functions throws at. Default `fail`: the run ends, and nothing past the last commit is published. Dead
   * letters are written in the transaction of their neighbours: exactly once.
   */
  readonly onError?: ErrorPolicy
  /** Where the connector's state is kept. Default: the source's name and the topic's. */
  readonly name?: string
  /** Commits at least this often while there are rows. Default 1 s. */
  readonly commitInterval?: Duration
  /** Commits when about this much is published since the last one. Default 32 MiB. */
  readonly commitBytes?: number
  /**
   * What the source's resume state may take as JSON text, in bytes. Default, and most: 32,767, which the
   * format of an offset holds. A Kafka cluster takes 4096 unless its `offset.metadata.max.bytes` says more.
   */
  readonly resumeBytesMax?: number
  /** Ends the run early: what was published is committed. */
  readonly signal?: AbortSignal
  /**
   * Told, as a sentence, what somebody should look at: the source holds something back that may be complete.
   * Default: a warning of the process (`MillraceWarning`).
   */
  readonly onNotice?: (message: string) => void
  /** Told of the run's steps. */
  readonly observer?: ConnectObserver
  /** Default: the machine's. A test gives its own. */
  readonly clock?: Clock
}

/** A topic without keys takes none; otherwise each row has to give its own. */
type KeyOption<R, K> = [K] extends [null] ? { readonly key?: never } : { readonly key: (row: R) => K }
/** Rows that are values of the topic may be published as they are. */
type ValueOption<R, V> = [R] extends [V]
  ? { readonly value?: (row: R) => V }
  : { readonly value: (row: R) => V }

/**
 * How rows become records: their keys, values and times, and what becomes of bad ones. `key` and `value` are
 * functions of a row.
 */
export type PublishOptions<R, K, V> = CommonOptions<R> & KeyOption<R, K> & ValueOption<R, V>

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

/**
 * Publishes everything that a source gives, from where the last run with this name stood, until its end.
 * Closing the log ends it as `signal` does: what was published is committed.
 *
 * @example
 * await publish(log, flights, parquet('flights.parquet', { columns }), { key: row => row.origin })
 * @throws MillraceError SOURCE_MALFORMED for a bad row (names it) under `fail`, what the source throws,
 *   PRODUCER_FENCED when another publisher of the name was started, PARTITION_COUNT_CHANGED
 */
export async function publish<R, K, V>(
  to: Log | LogPort,
  topic: PublishTopic<K, V>,
  source: Source<R>,
  ...[options]: {} extends PublishOptions<R, K, V>
    ? [options?: PublishOptions<R, K, V>]
    : [options: PublishOptions<R, K, V>]
): Promise<PublishStats> {
  checkLog('publish', to)
  checkTopic('publish', topic)
  checkConnector('publish', 'source', source)
  checkOptions(`publish to '${topic.name}'`, options, optionKinds)
  if (options?.onError !== undefined) checkPolicy(options.onError, 'publish')
  const log = portOf(to)
  if (!('port' in to)) return await publishOver(log, topic, source, settle(topic, source, options))
  const ended = Promise.withResolvers<void>()
  const closing = new AbortController()
  const release = to.onClose(() => {
    closing.abort()
    return ended.promise
  })
  try {
    return await publishOver(log, topic, source, settle(topic, source, options, closing.signal))
  } finally {
    release()
    ended.resolve()
  }
}

async function publishOver<R, K, V>(
  log: LogPort,
  topic: PublishTopic<K, V>,
  source: Source<R>,
  settings: Settings<R, K, V>,
): Promise<PublishStats> {
  const { onError, name } = settings
  const letterName = typeof onError === 'object' ? onError.deadLetter : undefined
  if (letterName === topic.name)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `Dead letters of '${topic.name}' cannot go to that topic itself: its consumers would stop at them. Name another topic in onError.`,
    )
  const records = await ensureTopic(log, topic)
  const letters =
    letterName === undefined ? undefined : await ensureTopic(log, { name: letterName, partitions: undefined })

  // First the writer: it ends what a predecessor left open, so that the position read next is the last word.
  const writer = await log.openWriter({ transactionalId: `connect-${name}` })
  try {
    const [stand] = await log.committedOffsets(`connect-${name}`, [{ topic: topic.name, partition: 0 }])
    const batcher = new Batcher((...batch) => writer.append(...batch))
    return await new Publisher(writer, topic, source, settings, {
      batcher,
      records: batcher.into(records),
      letters: letters && batcher.into(letters),
    }).run(stand)
  } catch (error) {
    await writer.abort().catch(() => {})
    throw error
  } finally {
    await writer.close().catch(() => {})
  }
}

const optionKinds = {
  key: 'function',
  value: 'function',
  timestamp: 'function',
  onError: 'any',
  name: 'string',
  commitInterval: 'duration',
  commitBytes: 'natural',
  resumeBytesMax: resumeBytesKind,
  signal: 'signal',
  onNotice: 'function',
  observer: 'object',
  clock: 'object',
} as const

/** What a record is refused with. */
const ofRecord: ReadonlySet<ErrorCode> = new Set(['MALFORMED_RECORD', 'RECORD_TOO_LARGE'])

/** Options with their defaults, and without the types that guarded them. */
interface Settings<R, K, V> {
  readonly name: string
  readonly key: (row: R) => K | null
  readonly value: (row: R) => V
  /** Undefined: what the topic says. */
  readonly timestamp: ((row: R) => number) | undefined
  readonly onError: ErrorPolicy
  readonly commitIntervalMs: number
  readonly commitBytes: number
  readonly resumeBytesMax: number
  readonly signal: AbortSignal
  readonly onNotice: (message: string) => void
  readonly observer: ConnectObserver
  readonly clock: Clock
}

function settle<R, K, V>(
  topic: PublishTopic<K, V>,
  source: Source<R>,
  options: Partial<CommonOptions<R> & { key: (row: R) => K; value: (row: R) => V }> = {},
  closing?: AbortSignal,
): Settings<R, K, V> {
  const { clock = systemClock } = options
  return {
    name: options.name ?? `${source.name}-${topic.name}`,
    key: options.key ?? (() => null),
    value: options.value ?? (row => row as unknown as V),
    timestamp: options.timestamp,
    onError: options.onError ?? 'fail',
    commitIntervalMs: durationMs(options.commitInterval ?? '1s'),
    commitBytes: options.commitBytes ?? 32 * 1024 * 1024,
    resumeBytesMax: options.resumeBytesMax ?? resumeStateBytesMax,
    signal: AbortSignal.any([options.signal, closing].filter(signal => signal !== undefined)),
    onNotice: options.onNotice ?? warn,
    observer: options.observer ?? {},
    clock,
  }
}

/** Tells a person, and nobody else: a program that wants to know gives `onNotice`. */
function warn(message: string): void {
  process.emitWarning(message, { type: 'MillraceWarning' })
}

interface Outputs {
  readonly batcher: Batcher
  readonly records: TopicBatches
  readonly letters: TopicBatches | undefined
}

class Publisher<R, K, V> {
  readonly #writer: Writer
  readonly #topic: PublishTopic<K, V>
  readonly #encoder: RecordEncoder<K, V>
  readonly #source: Source<R>
  readonly #settings: Settings<R, K, V>
  readonly #to: Outputs
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
    settings: Settings<R, K, V>,
    to: Outputs,
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

  /** Whether the batch came before the open transaction is due, and before the run is to end. */
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

  /** Makes everything since the last commit visible, together with where the source goes on. */
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

/** A row as it stands in the source, or as the source gave it. */
function originalOf<R>(batch: SourceBatch<R>, i: number): unknown {
  return batch.original === undefined ? batch.rows[i] : batch.original(i)
}

/** A promise that is looked at later: until then its failure is nobody's oversight. */
function ahead<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
