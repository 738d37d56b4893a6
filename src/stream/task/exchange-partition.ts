/**
 * The exchange over brokers: an internal topic between two stages.
 *
 * A record's key is the new key's bytes, its value the value as state would keep it; headers carry the
 * watermark of the source partition that it comes from, and when a window's result came. Each instance
 * announces the least watermark of its tasks upstream to every partition, inside the transaction of its
 * commit: a record without key and value, with the tasks and the watermark in headers. So a task downstream
 * never gets ahead of what it has yet to read.
 */
import { fromLatin1, fromUtf8, latin1, MillraceError, utf8 } from '../../base/index.ts'
import type { FetchedBatch } from '../../port/index.ts'
import type { ErrorPolicy } from '../../schema/index.ts'
import { frozen, type UndoLog, valueCodec } from '../../state/index.ts'
import type { RecordHeader } from '../../wire/index.ts'
import { type BadRecordSink, settleFailed } from './bad-records.ts'
import type { ExchangeNode } from '../plan/graph.ts'
import { exchangeTopic } from '../plan/own-topics.ts'
import type { InputPartition } from './input-partition.ts'
import type { Forward } from '../operators/operator.ts'
import type { OutputNode } from './output-failure.ts'
import type { Outputs } from './outputs.ts'
import { noHeaders, type Pane, StreamRecord } from '../operators/record.ts'
import { rawKeyOf } from '../operators/key-codec.ts'
import type { Task } from './task.ts'
import { exchangeMetadata, upstreamWatermarks } from './committed-metadata.ts'
import { UpstreamWatermarks } from './upstream-watermarks.ts'

const watermarkHeader = 'millrace.watermark'
const taskHeader = 'millrace.task'
const paneHeader = 'millrace.pane'
/** On a record of a partition whose watermark had been raised without data. */
const idleHeader = 'millrace.idle'
const ownHeaders: ReadonlySet<string> = new Set([watermarkHeader, paneHeader, idleHeader])
const noBytes = new Uint8Array(0)

/** Sends a record to the partition that owns its key. */
export function sendToExchange(
  outputs: Outputs,
  topic: string,
  partition: number,
  node: ExchangeNode,
  record: StreamRecord,
  undo?: UndoLog,
): void {
  const headers: RecordHeader[] = [{ key: watermarkHeader, value: fromUtf8(textOf(record.watermark)) }]
  if (record.pane) headers.push({ key: paneHeader, value: fromUtf8(record.pane) })
  if (record.raised) headers.push({ key: idleHeader, value: noBytes })
  for (const header of record.headers) headers.push(header)
  const isKeyless = record.key === null || record.key === undefined
  const key = isKeyless ? null : fromLatin1(rawKeyOf(record, node.keyCodec))
  const value = valueCodec.encode(record.value)
  outputs.writeRaw(node, topic, partition, record.timestamp, key, value, headers, undo)
}

const announcement: OutputNode = { name: 'the announcement of a watermark', kind: 'exchange' }

/** Announces to one partition downstream that `tasks`, as `0-7,9`, have come to `watermark`. */
export function announceWatermark(
  outputs: Outputs,
  topic: string,
  partition: number,
  tasks: string,
  watermark: number,
  timestamp: number,
): void {
  outputs.writeRaw(announcement, topic, partition, timestamp, null, null, [
    { key: taskHeader, value: fromUtf8(tasks) },
    { key: watermarkHeader, value: fromUtf8(textOf(watermark)) },
  ])
}

/**
 * What an announcement says: of which tasks, each range from its first to its last, and their watermark. What
 * cannot be read says nothing.
 */
export function announcementIn(headers: readonly RecordHeader[]): {
  readonly ranges: readonly (readonly [from: number, to: number])[]
  readonly watermark: number
} {
  const text = (name: string): string => utf8(headers.find(({ key }) => key === name)?.value ?? noBytes)
  return { ranges: rangesIn(text(taskHeader)), watermark: numberOf(text(watermarkHeader)) }
}

/** Of a text as `0-7,9`. */
function rangesIn(tasks: string): [from: number, to: number][] {
  return tasks.split(',').map(range => {
    const [from = Number.NaN, to = from] = range.split('-').map(Number)
    return [from, to]
  })
}

export class ExchangePartition implements InputPartition {
  readonly topic: string
  readonly partition: number
  position: number

  readonly #task: Task
  readonly #node: ExchangeNode
  readonly #entry: Forward
  readonly #policy: ErrorPolicy
  readonly #sink: BadRecordSink
  readonly #upstream: UpstreamWatermarks
  #cursor: ReturnType<FetchedBatch['batch']['records']> | undefined
  #firstOffset = 0
  #nextOffset: number
  #isFiring = false
  processed = 0
  unfired = false
  readonly isTable = false
  /** Its watermark, and its end, come from upstream: every task announces its own. */
  readonly time = undefined
  readonly source = undefined

  constructor(
    app: string,
    node: ExchangeNode,
    task: Task,
    upstreamPartitions: number,
    policy: ErrorPolicy,
    sink: BadRecordSink,
    restored: { readonly offset: number; readonly metadata?: string | undefined },
  ) {
    this.topic = exchangeTopic(app, node)
    this.partition = task.partition
    this.#node = node
    this.#task = task
    this.#policy = policy
    this.#sink = sink
    this.#entry = task.entry(node)
    this.position = this.#nextOffset = restored.offset
    const known = upstreamWatermarks(restored.metadata)
    this.#upstream = new UpstreamWatermarks(upstreamPartitions, known, this.topic)
    task.addInput(this.#upstream)
  }

  get watermark(): number {
    return this.#upstream.watermark
  }

  load({ batch, firstOffset, nextOffset }: FetchedBatch): void {
    this.#cursor = batch.records()
    this.#firstOffset = firstOffset
    this.#nextOffset = nextOffset
  }

  run(turn: number): boolean {
    const task = this.#task
    if (this.#isFiring && !task.advance()) return false
    this.#isFiring = false
    task.reading = undefined
    const cursor = this.#cursor
    for (let n = 0; n < turn && !this.#isFiring; n += 1) {
      if (!cursor?.next()) {
        this.position = this.#nextOffset
        return true
      }
      if (cursor.offset < this.#firstOffset) continue
      this.processed += 1
      this.position = cursor.offset + 1
      const headers = cursor.headers()
      const key = cursor.key()
      const value = cursor.value()
      // A record always has a value: what stands for null has bytes, too.
      if (value === null) {
        this.#announced(headers, cursor.offset)
        this.#isFiring = !task.advance()
        continue
      }
      const rawKey = key === null ? undefined : latin1(key)
      const pane = headers.find(({ key: name }) => name === paneHeader)?.value
      const others = headers.filter(({ key: name }) => !ownHeaders.has(name))
      const record = new StreamRecord(
        rawKey === undefined ? null : frozen(this.#node.keyCodec.decode(rawKey)),
        valueCodec.decode(value),
        null,
        cursor.timestamp,
        this.#numberIn(headers, watermarkHeader, cursor.offset),
        headers.some(({ key: name }) => name === idleHeader),
        others.length > 0 ? others : noHeaders,
        pane ? (utf8(pane) as Pane) : undefined,
        rawKey,
      )
      try {
        this.#entry(record)
      } catch (error) {
        const { topic, partition } = this
        const { offset, timestamp } = cursor
        const place = { topic, partition, offset }
        const bad = { place, partition, timestamp, key, value, headers: others }
        settleFailed(this.#policy, this.#sink, bad, error)
      }
    }
    return false
  }

  get isFiring(): boolean {
    return this.#isFiring
  }

  skipTo(offset: number): void {
    this.position = Math.max(this.position, offset)
  }

  metadata(): string {
    return exchangeMetadata(this.#upstream.text, this.unfired)
  }

  #announced(headers: readonly RecordHeader[], offset: number): void {
    const watermark = this.#numberIn(headers, watermarkHeader, offset)
    for (const [from, to] of rangesIn(this.#textIn(headers, taskHeader, offset)))
      if (!this.#upstream.raise(from, to, watermark))
        throw new MillraceError(
          'PARTITION_COUNT_CHANGED',
          `A task that does not exist has announced its watermark at ${this.topic}-${this.partition}, offset ${offset}: was the partition count of a source changed? Start from scratch with { restart: true }.`,
        )
  }

  #numberIn(headers: readonly RecordHeader[], name: string, offset: number): number {
    return numberOf(this.#textIn(headers, name, offset))
  }

  #textIn(headers: readonly RecordHeader[], name: string, offset: number): string {
    const value = headers.find(({ key }) => key === name)?.value
    if (!value)
      throw new MillraceError(
        'MALFORMED_RECORD',
        `The record at ${this.topic}-${this.partition}, offset ${offset}, has no header '${name}': only millrace may write to this topic.`,
      )
    return utf8(value)
  }
}

/** Numbers with both infinities, as text. */
function textOf(watermark: number): string {
  return String(watermark)
}

function numberOf(text: string): number {
  return Number(text)
}
