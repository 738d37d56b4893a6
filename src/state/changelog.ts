/**
 * Changelogs: a state as a compacted topic, from which it is rebuilt.
 *
 * A record has the stored key (eight bytes of namespace, then the record key's bytes) and the stored value;
 * null deletes. Partition n of the topic belongs to task n.
 *
 * The last record of a commit is never a tombstone: where it would be, a record with an empty key follows it.
 * So compaction always keeps the last record, and the end of what was committed can be proved. It may remove
 * all others.
 *
 * The first record of each batch, and the last record of a commit, carry the format in a header,
 * {@link formatHeader}: the version of this layout, and the format of the values as the state's owner names
 * it. So a changelog whose last commit has another format is refused. Older batches may have lost their
 * header to compaction; those that have it are compared, too.
 *
 * State is rebuilt up to the committed, readable end of the changelog. The state's position is then the
 * reader's position. It may be past the last record's offset + 1, as markers, aborted records and compaction
 * leave gaps.
 *
 * Layout 1 had no records with an empty key.
 */
import { bufferOf, fromLatin1, fromUtf8, latin1, MillraceError, utf8, type Clock } from '../base/index.ts'
import { batchesUpTo, type FetchedBatch, type LogPort, type SizedBatch } from '../port/index.ts'
import {
  BatchBuilder,
  batchHeaderBytes,
  recordSizeBound,
  singleBatchBytes,
  type RecordCursor,
  type RecordHeader,
} from '../wire/index.ts'
import type { KeyedState, StateChange } from './keyed-state.ts'
import { namespaceLength } from './namespace.ts'

/**
 * A batch of changes that has reached this many bytes is closed: well under the 1 MiB that Kafka accepts by
 * default.
 */
export const changelogBatchBytesMax: number = 256 * 1024

/** Records that a restore applies before it lets the event loop turn. */
const restoreSliceRecords = 20_000

/** How often a restore is tried that takes longer than tombstones are kept. */
const restoreAttemptsMax = 3

/** Characters of a key that a message shows. */
const keyCharactersMax = 80

/** The header on the first record of a batch: its value is the format as text, as `1` or `1 sessions`. */
export const formatHeader = 'millrace.state'
const layoutVersion = 2
const layoutsRead = [1, layoutVersion]

function formatText(format: string | undefined, layout = layoutVersion): string {
  return format === undefined ? String(layout) : `${layout} ${format}`
}

/** The record that ends a commit whose last change is a tombstone. No key of a state is empty. */
const endChange: StateChange = [new Uint8Array(0), new Uint8Array(0)]

/** The changelog topic of a state of an app: `airport-delays-count-changelog`. */
export function changelogTopic(app: string, state: string): string {
  return `${app}-${state}-changelog`
}

/** Takes a finished batch for a partition of a changelog; the order of the calls is the order in the log. */
export type AppendBatch = (topic: string, partition: number, batch: SizedBatch) => void

/** Where a state's changelog is. */
export interface ChangelogPlace {
  readonly topic: string
  readonly partition: number
  /**
   * The format of the values, if a program could mistake one kind for another under the same name. Formats
   * are compared as text.
   */
  readonly format?: string | undefined
  /** Bytes of the largest batch that the topic takes. Default: there is no limit. */
  readonly batchBytesMax?: number
  /** The operator that owns the state, for messages. */
  readonly operator?: string
}

/**
 * Writes the result of a state's `changes()`, in batches of bounded size. Every record has `timestamp`, in ms
 * since the epoch. Each step makes one batch.
 * @throws MillraceError RECORD_TOO_LARGE if no batch of the topic can hold the value of a key
 */
export function* writeChangesInSteps(
  place: ChangelogPlace,
  changes: readonly StateChange[],
  timestamp: number,
  append: AppendBatch,
): Generator<void> {
  const { topic, partition, batchBytesMax = Infinity } = place
  const formatHeaders: readonly RecordHeader[] = [
    { key: formatHeader, value: fromUtf8(formatText(place.format)) },
  ]
  let batch: BatchBuilder | undefined
  const isLastGone = changes.length > 0 && changes.at(-1)?.[1] === undefined
  const count = changes.length + (isLastGone ? 1 : 0)
  for (let n = 0; n < count; n += 1) {
    const [key, bytes] = changes[n] ?? endChange
    const value = bytes ?? null
    const bound = recordSizeBound(key, value, formatHeaders)
    if (batchHeaderBytes + bound > batchBytesMax) checkFits(place, key, value, formatHeaders, batchBytesMax)
    if (batch && batch.sizeBytes + bound > batchBytesMax) {
      append(topic, partition, batch)
      batch = undefined
    }
    batch ??= new BatchBuilder()
    const isMarked = batch.count === 0 || n === count - 1
    batch.append(timestamp, key, value, isMarked ? formatHeaders : undefined)
    if (batch.sizeBytes < changelogBatchBytesMax) continue
    append(topic, partition, batch)
    batch = undefined
    yield
  }
  if (batch) append(topic, partition, batch)
}

/** As {@link writeChangesInSteps}, in one go. */
export function writeChanges(...args: Parameters<typeof writeChangesInSteps>): void {
  Array.from(writeChangesInSteps(...args))
}

/** Refuses a value that no batch of the topic can hold together with the header of the format. */
function checkFits(
  { topic, partition, operator = topic }: ChangelogPlace,
  storeKey: Uint8Array,
  value: Uint8Array | null,
  headers: readonly RecordHeader[],
  batchBytesMax: number,
): void {
  const bytes = singleBatchBytes(storeKey, value, headers)
  if (bytes <= batchBytesMax) return
  const key = utf8(storeKey.subarray(namespaceLength))
  const shown = key.length > keyCharactersMax ? `${key.slice(0, keyCharactersMax)}…` : key
  throw new MillraceError(
    'RECORD_TOO_LARGE',
    `What '${operator}' keeps for the key '${shown}' takes ${bytes} bytes in its changelog (topic '${topic}', partition ${partition}), more than the ` +
      `${batchBytesMax} of a segment. Nothing after the last commit counts. Keep less for one key, and start the app again: it continues from there.`,
  )
}

export interface RestoreOptions extends ChangelogPlace {
  /** Lets the event loop turn between slices, and waits for the log. */
  readonly clock: Clock
  readonly signal?: AbortSignal
  /**
   * The changelog counts up to this offset, the end of a batch. Records after it were written but never
   * committed: without transactions, a crash can leave such records. Undefined: the whole changelog counts.
   */
  readonly upTo?: number | undefined
  /**
   * How long the topic keeps a tombstone, in ms. A restore that takes longer may have read a value and missed
   * its tombstone, which was removed meanwhile, and reads again (KIP-1259). Default: for ever.
   */
  readonly tombstonesMs?: number
  /** Called after each slice: the records applied so far, the position, and the end. */
  readonly onProgress?: (progress: {
    readonly records: number
    readonly position: number
    readonly end: number
  }) => void
}

/** The result of {@link restore}. */
export interface Restored {
  /** Records that were applied. */
  readonly records: number
  /** The first offset of the changelog: not 0 if its beginning was dropped. */
  readonly start: number
  /**
   * The offset after the last record of the changelog, whether or not that counts; 0 if there is none.
   * Markers may follow.
   */
  readonly end: number
  /** The offset after the last record that was applied; 0 if there was none. */
  readonly appliedEnd: number
  /**
   * Changes that revert the records which do not count. They must be written to the changelog before all
   * others.
   */
  readonly stale: readonly StateChange[]
  /** The least timestamp of the records that do not count; undefined if there are none. */
  readonly staleSince: number | undefined
}

/**
 * Brings `state` to the committed end of its changelog: from the state's position, or from the beginning if
 * it has no position, or one outside of the log.
 *
 * @throws MillraceError STATE_INCOMPATIBLE for a changelog of another format, LIMIT_EXCEEDED for one that
 *   takes longer to read than it keeps tombstones; and the errors of the log's reader
 */
export async function restore(
  port: LogPort,
  state: KeyedState<unknown>,
  options: RestoreOptions,
): Promise<Restored> {
  const { topic, partition, clock, tombstonesMs = Infinity } = options
  for (let attempt = 1; attempt <= restoreAttemptsMax; attempt += 1) {
    const began = clock.monotonic()
    const restored = await restoreOnce(port, state, options)
    if (clock.monotonic() - began < tombstonesMs) return restored
    state.restored(undefined)
  }
  throw new MillraceError(
    'LIMIT_EXCEEDED',
    `The changelog '${topic}', partition ${partition}, takes longer to read than the ${tombstonesMs} ms for which it keeps deletions. Start the app on a machine that is faster, or less busy, or raise delete.retention.ms of that topic.`,
  )
}

async function restoreOnce(
  port: LogPort,
  state: KeyedState<unknown>,
  options: RestoreOptions,
): Promise<Restored> {
  const { topic, partition } = options
  const [earliest, latest] = await Promise.all([
    port.offsets(topic, partition, 'earliest', 'read_committed'),
    port.offsets(topic, partition, 'latest', 'read_committed'),
  ])
  let from = state.position
  if (from === undefined || from < earliest || from > latest) {
    state.restored(undefined)
    from = earliest
  }
  return { ...(await replay(port, state, from, latest, options)), start: earliest }
}

async function replay(
  port: LogPort,
  state: KeyedState<unknown>,
  offset: number,
  end: number,
  options: RestoreOptions,
): Promise<Omit<Restored, 'start'>> {
  const { topic, partition, clock, signal, upTo = Number.POSITIVE_INFINITY } = options
  const beyond = new Set<string>()
  let staleSince: number | undefined
  let records = 0
  let dataEnd = 0
  let appliedEnd = 0
  let sinceYield = 0
  let position = Math.max(offset, end)
  for await (const fetched of batchesUpTo(port, { topic, partition, offset }, { end, signal })) {
    position = Math.max(position, fetched.nextOffset)
    dataEnd = fetched.batch.nextOffset
    let applied = 0
    if (dataEnd > upTo) {
      for (const key of keysOf(fetched)) beyond.add(key)
      staleSince = Math.min(staleSince ?? Infinity, fetched.batch.maxTimestamp)
    } else {
      applied = applyBatch(fetched, state, options)
      appliedEnd = dataEnd
    }
    records += applied
    sinceYield += applied
    if (sinceYield < restoreSliceRecords) continue
    sinceYield = 0
    options.onProgress?.({ records, position: fetched.nextOffset, end })
    await clock.yield()
  }
  state.restored(position)
  const stale = Array.from(beyond, (storeKey): StateChange => {
    const key = fromLatin1(storeKey)
    return [key, state.storedValue(key)]
  })
  return { records, end: dataEnd, appliedEnd, stale, staleSince }
}

function* keysOf({ batch, firstOffset }: FetchedBatch): Generator<string> {
  for (const cursor = batch.records(); cursor.next();)
    if (cursor.offset >= firstOffset && isOfState(cursor))
      yield latin1(cursor.bytes, cursor.keyStart, cursor.keyEnd)
}

/** Whether a record is an entry of the state: it has a key that is not empty. */
function isOfState({ keyStart, keyEnd }: RecordCursor): boolean {
  return keyStart >= 0 && keyEnd > keyStart
}

/** Applies the records of one batch, and returns their number. */
function applyBatch(
  { batch, firstOffset }: FetchedBatch,
  state: KeyedState<unknown>,
  options: RestoreOptions,
): number {
  const cursor = batch.records()
  const bytes = bufferOf(cursor.bytes)
  let records = 0
  while (cursor.next()) {
    if (cursor.headerCount > 0) checkFormat(cursor, options)
    if (cursor.offset < firstOffset || !isOfState(cursor)) continue
    records++
    state.restore(bytes, cursor.keyStart, cursor.keyEnd, cursor.valueStart, cursor.valueEnd)
  }
  return records
}

function checkFormat(cursor: RecordCursor, { topic, partition, format }: RestoreOptions): void {
  const header = cursor.headers().find(({ key }) => key === formatHeader)
  const found = utf8(header?.value ?? new Uint8Array(0))
  if (layoutsRead.some(layout => found === formatText(format, layout))) return
  const expected = formatText(format)
  throw new MillraceError(
    'STATE_INCOMPATIBLE',
    `The changelog '${topic}', partition ${partition}, holds state in format '${found}' at offset ${cursor.offset}; this program keeps it in format '${expected}'. Give the operator another name, or start from scratch with { restart: true }.`,
  )
}
