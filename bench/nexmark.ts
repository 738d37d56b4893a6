/**
 * Queries of Nexmark, an auction house: the programs whose results the tests compare with DuckDB's
 * (test/nexmark/queries.ts), over half a million events, 10,000 a second of event time.
 *
 * All sides take the same Kafka record batches, and parse each value. Ours runs the whole processor, with
 * results and state written to the log, and an fdatasync per commit. The baselines (nexmark-loops.ts) write
 * the rows of their results into batches of a file, which is synced once.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { crc32c } from '../src/base/index.ts'
import { createApp, json, type Log, openLog, type Topic, topic } from '../src/index.ts'
import { eventOf } from '../test/nexmark/events.ts'
import { queries, type Query } from '../test/nexmark/queries.ts'
import { auctions, bids, people, type Row } from '../test/nexmark/topics.ts'
import type { Benchmark, Side, Workload } from './benchmark.ts'
import { readRecords } from './baseline.ts'
import { type Loop, loops } from './nexmark-loops.ts'
import { RowFile } from './row-file.ts'

const events = 500_000
const options = { seed: 1, eventsPerSecond: 10_000 }

export const nexmark: Benchmark = {
  name: 'nexmark',
  async prepare(folder) {
    const data = join(folder, 'log')
    const log = await openLog(data)
    const counts = await publish(log)
    return {
      workloads: loops.map((loop): Workload => {
        const query = queries.find(({ name }) => name.startsWith(`${loop.query}:`))!
        const theirs = byHand(loop, data, join(folder, loop.query))
        return {
          records: loop.reads.reduce((sum, name) => sum + counts[name], 0),
          comparisons: [
            { name: `Nexmark ${loop.query}`, ours: processed(log, query, loop), theirs, reach: loop.reach },
          ],
        }
      }),
      dispose: () => log.close(),
    }
  },
}

async function publish(log: Log): Promise<Record<Loop['reads'][number], number>> {
  const all = Array.from({ length: events }, (_, id) => eventOf(id, options))
  const made = {
    people: all.flatMap(event => ('person' in event ? [recordOf(event.person.id, event.person)] : [])),
    auctions: all.flatMap(event => ('auction' in event ? [recordOf(event.auction.id, event.auction)] : [])),
    bids: all.flatMap(event => ('bid' in event ? [recordOf(event.id, event.bid)] : [])),
  }
  await send(people, made.people)
  await send(auctions, made.auctions)
  await send(bids, made.bids)
  return { people: made.people.length, auctions: made.auctions.length, bids: made.bids.length }

  async function send<V>(to: Topic<number, V>, records: readonly ReturnType<typeof recordOf<V & Timed>>[]) {
    await using producer = log.producer(to)
    await producer.sendBatch(records)
  }
}

interface Timed {
  readonly dateTime: number
}

function recordOf<V extends Timed>(key: number, value: V) {
  return { key, value, timestamp: value.dateTime }
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
      const rows = new Digest(keyOf)
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
      const rows = new Digest(keyOf)
      readRecords(folder, (buffer, from, to) => rows.add(JSON.parse(buffer.utf8Slice(from, to)) as Row))
      return rows.result()
    },
  }
}

/** What equal results have in common, in whatever order they come: all rows, or the last one of each key. */
class Digest {
  readonly #keyOf: Loop['keyOf']
  readonly #last = new Map<string | number, number>()
  #count = 0
  #sum = 0

  constructor(keyOf: Loop['keyOf']) {
    this.#keyOf = keyOf
  }

  add(row: Row): void {
    const sum = crc32c(Buffer.from(JSON.stringify(row)))
    if (this.#keyOf) {
      const key = this.#keyOf(row)
      this.#sum -= this.#last.get(key) ?? 0
      this.#last.set(key, sum)
    }
    this.#count += 1
    this.#sum += sum
  }

  result(): { readonly rows: number; readonly sum: number } {
    return { rows: this.#keyOf ? this.#last.size : this.#count, sum: this.#sum }
  }
}
