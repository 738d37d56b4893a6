/**
 * Records in the topic between two stages: the exchange over brokers.
 *
 * - A **record** has the bytes of its new key, or no key. Its value is encoded as in state, where null has
 *   bytes, too. Its headers say how it is judged (record-headers.ts).
 * - An **announcement** has neither key nor value. Its headers name tasks upstream, in `millrace.task` as
 *   `0-7,9`, and the least of their watermarks. Each instance writes one to every partition, inside the
 *   transaction of its commit. So a task downstream never gets ahead of the records that it has yet to read.
 */
import { fromLatin1, fromUtf8, latin1, MillraceError, utf8 } from '../../base/index.ts'
import { frozen, type UndoLog, valueCodec } from '../../state/index.ts'
import type { RecordHeader } from '../../wire/index.ts'
import { type KeyCodec, rawKeyOf } from '../operators/key-codec.ts'
import { StreamRecord } from '../operators/record.ts'
import type { ExchangeNode } from '../plan/graph.ts'
import type { OutputNode } from './output-failure.ts'
import type { Outputs } from './outputs.ts'
import { exchangedHeaders, exchangeHeaders, watermarkHeader } from './record-headers.ts'

const taskHeader = 'millrace.task'
const announcementNode: OutputNode = { name: 'the announcement of a watermark', kind: 'exchange' }

/** Sends a record to the partition that owns its key. */
export function sendToExchange(
  outputs: Outputs,
  topic: string,
  partition: number,
  node: ExchangeNode,
  record: StreamRecord,
  undo?: UndoLog,
): void {
  const isKeyless = record.key === null || record.key === undefined
  const key = isKeyless ? null : fromLatin1(rawKeyOf(record, node.keyCodec))
  const value = valueCodec.encode(record.value)
  const headers = exchangeHeaders(record)
  outputs.writeRaw(node, topic, partition, record.timestamp, key, value, headers, undo)
}

/** The record as it was sent; undefined if its headers lack the watermark that it is judged by. */
export function exchangedRecord(
  codec: KeyCodec,
  timestamp: number,
  key: Uint8Array | null,
  value: Uint8Array,
  headers: readonly RecordHeader[],
): StreamRecord | undefined {
  const { watermark, raised, pane, headers: own } = exchangedHeaders(headers)
  if (watermark === undefined) return undefined
  const rawKey = key === null ? undefined : latin1(key)
  return new StreamRecord(
    rawKey === undefined ? null : frozen(codec.decode(rawKey)),
    valueCodec.decode(value),
    null,
    timestamp,
    watermark,
    raised,
    own,
    pane,
    rawKey,
  )
}

/** The watermark that tasks of a stage have reached. */
export interface Announcement {
  /** Each range from its first task to its last, both included. */
  readonly ranges: readonly (readonly [from: number, to: number])[]
  readonly watermark: number
}

/**
 * Announces to one partition downstream that `tasks`, in the form of {@link taskRanges}, have reached
 * `watermark`.
 */
export function announceWatermark(
  outputs: Outputs,
  topic: string,
  partition: number,
  tasks: string,
  watermark: number,
  timestamp: number,
): void {
  outputs.writeRaw(announcementNode, topic, partition, timestamp, null, null, [
    { key: taskHeader, value: fromUtf8(tasks) },
    { key: watermarkHeader, value: fromUtf8(String(watermark)) },
  ])
}

/** The content of an announcement; undefined if a header is missing. */
export function announcementIn(headers: readonly RecordHeader[]): Announcement | undefined {
  const { watermark } = exchangedHeaders(headers)
  const tasks = headers.find(({ key }) => key === taskHeader)?.value
  if (watermark === undefined || !tasks) return undefined
  const ranges = utf8(tasks)
    .split(',')
    .map((range): [from: number, to: number] => {
      const [from = Number.NaN, to = from] = range.split('-').map(Number)
      return [from, to]
    })
  return { ranges, watermark }
}

/** `0-7,9` for the tasks 0 to 7 and 9. */
export function taskRanges(partitions: readonly number[]): string {
  const sorted = partitions.toSorted((a, b) => a - b)
  const ranges: string[] = []
  for (let at = 0; at < sorted.length;) {
    let end = at
    while (sorted[end + 1] === (sorted[end] as number) + 1) end += 1
    ranges.push(end === at ? `${sorted[at]}` : `${sorted[at]}-${sorted[end]}`)
    at = end + 1
  }
  return ranges.join(',')
}

/** The error for a record that millrace did not write, in a topic that only millrace may write to. */
export function foreignRecord(topic: string, partition: number, offset: number): MillraceError {
  return new MillraceError(
    'MALFORMED_RECORD',
    `The record at ${topic}-${partition}, offset ${offset}, lacks the headers of an exchange. Only millrace may write to this topic. ` +
      'Start from scratch with { restart: true }.',
  )
}
