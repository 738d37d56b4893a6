/**
 * The headers of a record that leaves a task: its own, and those that millrace adds.
 *
 * | header               | on                    | says                                                     |
 * | -------------------- | --------------------- | -------------------------------------------------------- |
 * | `millrace.pane`      | sinks, exchanges      | when a window's result came: early, on-time, late        |
 * | `millrace.watermark` | exchanges             | the watermark of the source partition that it comes from |
 * | `millrace.idle`      | exchanges, no content | idleness had raised that watermark, without data         |
 *
 * An exchange writes its headers before the record's own. The headers of dead letters:
 * port/produce/dead-letter.ts.
 */
import { fromUtf8, utf8 } from '../../base/index.ts'
import { ownedHeader, type RecordHeader } from '../../wire/index.ts'
import { noHeaders, type Pane, type StreamRecord } from '../operators/record.ts'

const paneHeader = 'millrace.pane'
export const watermarkHeader = 'millrace.watermark'
const idleHeader = 'millrace.idle'
const noBytes = new Uint8Array(0)

const headersOf = (pane: Pane): readonly [RecordHeader] => [{ key: paneHeader, value: fromUtf8(pane) }]
const ofPane: Readonly<Record<Pane, readonly [RecordHeader]>> = {
  early: headersOf('early'),
  'on-time': headersOf('on-time'),
  late: headersOf('late'),
}

/** The headers in a topic that the app writes. */
export function sinkHeaders({ headers, pane }: StreamRecord): readonly RecordHeader[] {
  if (!pane) return headers
  return headers.length === 0 ? ofPane[pane] : [...headers, ...ofPane[pane]]
}

/** The headers in the topic between two stages. */
export function exchangeHeaders({ headers, pane, raised, watermark }: StreamRecord): readonly RecordHeader[] {
  const all: RecordHeader[] = [{ key: watermarkHeader, value: fromUtf8(String(watermark)) }]
  if (pane) all.push(...ofPane[pane])
  if (raised) all.push({ key: idleHeader, value: noBytes })
  for (const header of headers) all.push(header)
  return all
}

/** The parts of the headers that {@link exchangeHeaders} made. */
export interface ExchangedHeaders {
  /** Undefined if the record does not come from an exchange. */
  readonly watermark: number | undefined
  readonly raised: boolean
  readonly pane: Pane | undefined
  /** The record's own headers; they do not refer to the fetched batch. */
  readonly headers: readonly RecordHeader[]
}

export function exchangedHeaders(all: readonly RecordHeader[]): ExchangedHeaders {
  let watermark: number | undefined
  let raised = false
  let pane: Pane | undefined
  let headers: RecordHeader[] | undefined
  for (const header of all) {
    const { key, value } = header
    if (key === watermarkHeader) watermark ??= value ? Number(utf8(value)) : undefined
    else if (key === paneHeader) pane ??= value ? (utf8(value) as Pane) : undefined
    else if (key === idleHeader) raised = true
    else (headers ??= []).push(ownedHeader(header))
  }
  return { watermark, raised, pane, headers: headers ?? noHeaders }
}
