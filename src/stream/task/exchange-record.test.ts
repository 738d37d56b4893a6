import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { fromUtf8, utf8 } from '../../base/index.ts'
import type { RecordHeader } from '../../wire/index.ts'
import { jsonKeyCodec } from '../operators/key-codec.ts'
import { noHeaders, StreamRecord } from '../operators/record.ts'
import type { ExchangeNode } from '../plan/graph.ts'
import {
  announceWatermark,
  announcementIn,
  exchangedRecord,
  sendToExchange,
  taskRanges,
} from './exchange-record.ts'
import type { Outputs } from './outputs.ts'
import { sinkHeaders } from './record-headers.ts'

interface Written {
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly RecordHeader[]
}

/** Outputs that keep what is written. */
function recording(): { readonly outputs: Outputs; readonly written: Written[] } {
  const written: Written[] = []
  const writeRaw = (...[, , , timestamp, key, value, headers]: Parameters<Outputs['writeRaw']>): void => {
    written.push({ timestamp, key, value, headers })
  }
  return { outputs: { writeRaw } as unknown as Outputs, written }
}

const node = { kind: 'exchange', name: 'by-city', keyCodec: jsonKeyCodec } as ExchangeNode
const trace: RecordHeader = { key: 'trace', value: fromUtf8('x') }

function throughExchange(record: StreamRecord): StreamRecord | undefined {
  const { outputs, written } = recording()
  sendToExchange(outputs, 'app-by-city-repartition', 0, node, record)
  const { timestamp, key, value, headers } = written[0]!
  return exchangedRecord(jsonKeyCodec, timestamp, key, value!, headers)
}

test('a record comes out of an exchange as it went in', () => {
  const { NEGATIVE_INFINITY, POSITIVE_INFINITY } = Number
  for (const record of [
    new StreamRecord('Oslo', { n: 1 }, null, 5, 4, false, noHeaders, undefined, '"Oslo"'),
    new StreamRecord('Oslo', null, null, 5, NEGATIVE_INFINITY, true, [trace], 'late', '"Oslo"'),
    new StreamRecord(
      { city: 'Oslo' },
      [1],
      null,
      5,
      POSITIVE_INFINITY,
      false,
      [trace],
      'early',
      '{"city":"Oslo"}',
    ),
    new StreamRecord(null, 'keyless', null, 5, 4, false, noHeaders, undefined, undefined),
  ])
    deepEqual(throughExchange(record), record)
})

test('does not recognize a record without the headers of an exchange', () => {
  equal(exchangedRecord(jsonKeyCodec, 5, null, fromUtf8('x'), [trace]), undefined)
})

test('an announcement names tasks and the watermark that they have reached', () => {
  const { outputs, written } = recording()
  announceWatermark(outputs, 'app-by-city-repartition', 0, taskRanges([9, 0, 2, 1]), 5000, 7)
  const { key, value, headers } = written[0]!
  deepEqual([key, value], [null, null])
  deepEqual(announcementIn(headers), {
    ranges: [
      [0, 2],
      [9, 9],
    ],
    watermark: 5000,
  })
  for (const missing of headers) equal(announcementIn(headers.filter(each => each !== missing)), undefined)
})

test('writes consecutive tasks as a range', () => {
  deepEqual(
    [[], [3], [1, 0], [0, 2, 4], [5, 6, 7, 9]].map(tasks => taskRanges(tasks)),
    ['', '3', '0-1', '0,2,4', '5-7,9'],
  )
})

test("a sink writes a record's own headers, and the pane of a result", () => {
  const record = new StreamRecord('Oslo', 1, null, 5, 4, true, [trace], 'on-time', undefined)
  deepEqual(
    sinkHeaders(record).map(({ key, value }) => [key, utf8(value!)]),
    [
      ['trace', 'x'],
      ['millrace.pane', 'on-time'],
    ],
  )
})
