/**
 * A stream joined to a table with history: each record finds the row of its time, for any interleaving of
 * partitions, commits and crashes. A naive model knows all versions at once.
 */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { partitionForBinary, type Random } from '../../src/base/index.ts'
import { json, text, topic, windowed } from '../../src/schema/index.ts'
import { App, tumbling } from '../../src/stream/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { alignedRows, asOf, type OracleRecord, tableOf, withWatermarks } from './oracle.ts'
import { runAtRandom } from './random-run.ts'
import { TaskHarness } from './task-harness.ts'

const output = topic('output', { key: text(), value: text() })
const counts = topic('counts', { key: windowed(json<string>()), value: json<number>() })
/** What represents a deletion in a table, as the oracle's records have numbers. */
const gone = 0

/** Records in partitions, out of order. */
function recordsAtRandom(random: Random, partitions: number, deletes: boolean): OracleRecord[][] {
  const records: OracleRecord[][] = Array.from({ length: partitions }, () => [])
  const total = random.int(30)
  for (let n = 1; n <= total; n += 1) {
    const key = 'abc'[random.int(3)]!
    const value = deletes && random.int(4) === 0 ? gone : n
    const timestamp = Math.max(0, n * 5 - random.int(40))
    records[partitionForBinary(key, partitions)]!.push({ key, value, timestamp })
  }
  return records
}

const keyOf = ({ key }: OracleRecord): string => key
const sorted = (rows: Iterable<unknown>): string[] => Array.from(rows, row => JSON.stringify(row)).sort()

for (const kind of ['join', 'leftJoin'] as const)
  for (const isMoved of [false, true])
    test(`${kind} as of the record's time${isMoved ? ', behind an exchange' : ''}`, () =>
      forSeeds(2000, random => {
        const partitions = 1 + random.int(3)
        const [ofStream, ofTable] = [random.int(30), random.int(30)]
        const allowedLateness = random.int(2) * random.int(30)
        const history = 1 + random.int(60)
        const stream = recordsAtRandom(random, isMoved ? 1 + random.int(3) : partitions, false)
        const table = recordsAtRandom(random, partitions, true)
        const declare = (name: string, outOfOrderness: number) =>
          topic(name, { key: text(), value: json<number>(), watermark: { outOfOrderness } })

        const app = new App('app')
        const read = app.stream(declare('events', ofStream))
        const side = isMoved ? read.selectKey((_, key) => key) : read
        const old = app.table(declare('rows', ofTable), { history, allowedLateness })
        const some = old.filter(row => row % 5 > 0)
        const joiner = (n: number, row: number | null): string => `${n} ${row}`
        const joined = kind === 'join' ? side.join(some, joiner) : side.leftJoin(some, joiner)
        joined.to(output)
        const windows = tumbling(20, { allowedLateness: allowedLateness + random.int(30) })
        joined
          .groupBy((_, key) => key ?? '')
          .windowedBy(windows)
          .count()
          .emit('final')
          .to(counts)
        const changes = table.map(rows =>
          rows.map(({ value, ...row }) => ({ ...row, value: value === gone ? null : value })),
        )
        const inputs = new Map([
          ['events', stream],
          ['rows', changes as OracleRecord[][]],
        ])
        const harness = new TaskHarness(app, inputs, random.int(2) === 0 ? {} : { rowsPerTurn: 1 })
        runAtRandom(harness, random)

        const rowOf = asOf(table, ofTable, history, allowedLateness)
        const found = ({ record, watermark }: { record: OracleRecord; watermark: number }): number | null => {
          const row = rowOf(record.key, record.timestamp, watermark)?.value ?? gone
          return row % 5 > 0 ? row : null
        }
        const expected = stream.map(records =>
          withWatermarks(records, ofStream).flatMap(judged => {
            const { key, value, timestamp } = judged.record
            const row = found(judged)
            return row === null && kind === 'join' ? [] : [[key, `${value} ${row}`, timestamp]]
          }),
        )
        const results = harness.outputs.filter(({ topic: to }) => to === 'output')
        deepEqual(
          sorted(results.map(({ key, value, timestamp }) => [key, value, timestamp])),
          sorted(expected.flat()),
        )
        if (kind === 'leftJoin') {
          const ones = stream.map(records => records.map(record => ({ ...record, value: 1 })))
          deepEqual(
            sorted(harness.table('counts')),
            sorted(tableOf(alignedRows(ones, ofStream, windows, keyOf), 'final')),
          )
        }

        // Nothing waits, and of the history only the last rows are left.
        harness.settle()
        harness.commit()
        deepEqual(harness.rows('as-of-'), [])
        const isThere = (key: string): boolean =>
          (rowOf(key, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY)?.value ?? gone) !== gone
        deepEqual(harness.rows('rows-table').length, Array.from('abc').filter(isThere).length)
      }))
