/**
 * Queries of Nexmark, an auction house: the programs whose results the tests compare with DuckDB's
 * (test/nexmark/queries.ts), over half a million events, 10,000 a second of event time; those that need no
 * bids over five times as many, of which they read 200,000.
 *
 * All sides take the same Kafka record batches, and parse each value. Ours runs the whole processor, with
 * results and state written to the log, and an fdatasync per commit. The baselines (nexmark-loops.ts) write
 * the rows of their results into batches of a file, which is synced once.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createApp, json, type Log, openLog, type Topic, topic } from '../src/index.ts'
import { isBid } from '../test/nexmark/events.ts'
import { queries, type Query } from '../test/nexmark/queries.ts'
import type { Row } from '../test/nexmark/topics.ts'
import type { Benchmark, Side, Workload } from './benchmark.ts'
import { readRecords } from './baseline.ts'
import { sendEvents } from './nexmark-events.ts'
import { type Loop, loops } from './nexmark-loops.ts'
import { RowsDigester } from './nexmark-rows.ts'
import { RowFile } from './row-file.ts'

const events = 500_000
/** One in 12 is not a bid. So many of them take as long to process as the bids do. */
const eventsWithoutBids = 2_500_000

export const nexmark: Benchmark = {
  name: 'nexmark',
  async prepare(folder) {
    const all = await logOf(join(folder, 'all'), events)
    const others = await logOf(join(folder, 'others'), eventsWithoutBids, id => !isBid(id))
    return {
      workloads: loops.map((loop): Workload => {
        const query = queries.find(({ name }) => name.startsWith(`${loop.query}:`))!
        const { data, log, counts } = loop.reads.includes('bids') ? all : others
        const theirs = byHand(loop, data, join(folder, loop.query))
        return {
          records: loop.reads.reduce((sum, name) => sum + counts[name], 0),
          comparisons: [
            { name: `Nexmark ${loop.query}`, ours: processed(log, query, loop), theirs, reach: loop.reach },
          ],
        }
      }),
      async dispose() {
        await all.log.close()
        await others.log.close()
      },
    }
  },
}

/** A log of the first `count` events that are `wanted`. */
async function logOf(data: string, count: number, wanted?: (id: number) => boolean) {
  const log = await openLog(data)
  return { data, log, counts: await sendEvents(log, count, wanted) }
}

let runs = 0

/** Each run is a new app, which reads the input from its beginning to its end. */
function processed(log: Log, { build }: Query, { keyOf }: Loop): Side {
  let out = resultsTopic(0)
  return {
    name: 'exactly once, synced each 100 ms',
    async run() {
      runs += 1
      out = resultsTopic(runs)
      const app = createApp(`nexmark-${runs}`)
      build(app, out)
      await app.run({ log, until: 'end', commitInterval: '100ms' })
    },
    async result() {
      const rows = new RowsDigester(keyOf)
      for await (const { value } of log.consumer(out, { until: 'end' })) if (value) rows.add(value)
      return rows.result()
    },
  }
}

function resultsTopic(run: number): Topic<unknown, Row> {
  return topic(`results-${run}`, { key: json<unknown>(), value: json<Row>(), partitions: 1 })
}

function byHand({ loop, keyOf }: Loop, data: string, folder: string): Side {
  mkdirSync(folder)
  return {
    name: 'hand-written: readSync, CRC, walk, JSON.parse, Maps, writeSync; synced once',
    async run() {
      const rows = new RowFile(join(folder, '0.log'))
      loop((name, visit) => {
        readRecords(join(data, `${name}-0`), (buffer, from, to) => {
          visit(JSON.parse(buffer.utf8Slice(from, to)) as never)
        })
      }, rows)
      rows.close()
    },
    async result() {
      const rows = new RowsDigester(keyOf)
      readRecords(folder, (buffer, from, to) => rows.add(JSON.parse(buffer.utf8Slice(from, to)) as Row))
      return rows.result()
    },
  }
}
