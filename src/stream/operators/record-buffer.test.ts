/** The buffer of a join, alone: what a look-up finds, and when records are forgotten. */
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { KeyedState } from '../../state/index.ts'
import { check } from './harness.test-support.ts'
import type { OperatorContext, OperatorSpec } from './operator.ts'
import { noHeaders, StreamRecord } from './record.ts'
import { buffered, recordBuffer } from './record-buffer.ts'

type Text = StreamRecord<string, string>
type Range = StreamRecord<string, [from: number, to: number]>

/** Look-ups and pieces of 100 ms. A record is kept for `keptMs`. Input 1 looks up from and to. */
const spec = (keptMs: number): OperatorSpec<[Text, Range], [Text]> => ({
  name: 'buffer',
  make(context, [found]) {
    const buffer = recordBuffer<string>(context, 'buffer', 100, keptMs)
    return {
      inputs: [
        record => buffer.put(context.rawKey(record), buffered(record)),
        record => {
          for (const { timestamp, value } of buffer.between(context.rawKey(record), ...record.value))
            found(record.withTimestamp(timestamp).withValue(value))
        },
      ],
      advance: buffer.advance,
      deadline: buffer.deadline,
    }
  },
})

/** The open page of a key. */
const page = (
  piece: number,
  key: string,
  ...records: [timestamp: number, watermark: number, value: string][]
) => {
  const kept = records.map(([timestamp, watermark, value]) => ({ timestamp, watermark, value }))
  return `buffer ${piece} ${key} ${JSON.stringify({ full: 0, records: kept })}`
}

const early = page(0, 'a', [99, 0, 'y'], [5, 0, 'x'])
const other = page(0, 'b', [99, 0, 'o'])
const late = page(100, 'a', [100, 0, 'z'])

check(
  'a look-up finds the records of its key by time, and a piece is forgotten when all in it are',
  spec(10),
  [
    ['W0', []],
    ['a "y" @99', [], [page(0, 'a', [99, 0, 'y'])]],
    ['a "x" @5', [], [early]],
    ['b "o" @99', [], [early, other]],
    ['a "z" @100', [], [early, other, late]],
    ['1: a [0,200] @0', ['a "x" @5', 'a "y" @99', 'a "z" @100']],
    ['1: a [6,99] @0', ['a "y" @99']],
    ['1: a [100,150] @0', ['a "z" @100']],
    ['1: a [101,150] @0', []],
    ['1: c [0,200] @0', []],
    ['W109', []],
    ['1: a [5,5] @0', ['a "x" @5']],
    // All records of the piece are before 100, and are kept for 10.
    ['W110', [], [late]],
    ['1: a [0,200] @0', ['a "z" @100']],
    ['W209', []],
    ['W1000', [], []],
  ],
)

check('a record whose time is over is not kept', spec(-50), [
  ['W51', []],
  ['a "y" @100', [], []],
  ['a "x" @101', [], [page(100, 'a', [101, 51, 'x'])]],
  ['W149', []],
  ['W150', [], []],
])

/** The buffer with the state that it keeps. */
function bufferOf(spanMs: number) {
  const state = new KeyedState<{ full: number; records: unknown[] }>('buffer', { isScanned: true })
  const context: Partial<OperatorContext> = {
    state: () => state as never,
    watermark: () => Number.NEGATIVE_INFINITY,
    wakeAt: () => {},
    rowsPerTurn: () => 7,
  }
  const buffer = recordBuffer<number>(context as OperatorContext, 'buffer', spanMs, 0)
  const pages = () => [...state.scan(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)]
  return { buffer, pages }
}

test('a record writes one page, however many its key has; all are found in order, and forgotten', () => {
  const { buffer, pages } = bufferOf(500)
  const records = Array.from({ length: 1000 }, (_, value) => ({
    timestamp: (value * 7) % 400,
    watermark: 0,
    value,
  }))
  for (const record of records) buffer.put('k', record)
  equal(Math.max(...pages().map(({ value }) => value.records.length)), 32)
  equal(pages().length, Math.ceil(1000 / 32))
  const expected = records.toSorted((a, b) => a.timestamp - b.timestamp || a.value - b.value)
  deepEqual(buffer.between('k', 0, 400), expected)
  deepEqual(
    buffer.between('k', 10, 20),
    expected.filter(({ timestamp }) => timestamp >= 10 && timestamp <= 20),
  )
  equal(buffer.advance(0), true)
  equal(buffer.deadline(), 500)
  let turns = 1
  while (!buffer.advance(500)) turns += 1
  equal(turns, 1 + Math.floor(1000 / 32 / 7))
  deepEqual(pages(), [])
  equal(buffer.deadline(), Number.POSITIVE_INFINITY)
})

test('a piece without room for more pages lets its open page grow', () => {
  const { buffer, pages } = bufferOf(1)
  for (let value = 0; value < 3000; value += 1) buffer.put('k', { timestamp: 5, watermark: 0, value })
  buffer.put('k', { timestamp: 64, watermark: 0, value: 3000 })
  deepEqual(
    buffer.between('k', 0, 100).map(({ value }) => value),
    Array.from({ length: 3001 }, (_, value) => value),
  )
  // 64 pages of the first piece, one of the next.
  equal(pages().length, 65)
})

test('what is kept of a record: its headers and its idleness only where there are any', () => {
  const headers = [{ key: 'trace', value: new Uint8Array([1]) }]
  const record = new StreamRecord('a', 'x', null, 5, 3, false, noHeaders, undefined, undefined)
  deepEqual(buffered(record), { timestamp: 5, watermark: 3, value: 'x' })
  deepEqual(buffered(record.withHeaders(headers)), {
    timestamp: 5,
    watermark: 3,
    value: 'x',
    raised: false,
    headers,
  })
})
