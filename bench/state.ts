/**
 * Counts over a million keys, and state that is restored.
 *
 * Ours is an app with one operator, which commits every 100 ms: offsets, and each count that has changed, in
 * one synced transaction. The baseline is one function with a Map and a Set: it writes each count that has
 * changed to a file of the same format, and syncs it, every {@link commitRecords} records.
 */
import { closeSync, fdatasyncSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { latin1, seededRandom, systemClock } from '../src/base/index.ts'
import { createApp, json, type Log, openLog, text, topic } from '../src/index.ts'
import { KeyedState, restore, valueCodec } from '../src/state/index.ts'
import { BaselineBatch, readRecords } from './baseline.ts'
import type { Benchmark, Side } from './benchmark.ts'

const keys = 1_000_000
const records = 2_000_000
/** About what ours processes between two commits. */
const commitRecords = 20_000
const batchBytes = 256 * 1024
/** Longer than a run of the benchmark. */
const neverMs = 86_400_000
const timestamp = 1_000_000_000_000

const visits = topic('visits', { key: text(), value: json<number>(), partitions: 1 })

/** What equal counts have in common. */
interface Digest {
  readonly keys: number
  readonly count: number
  /** Each count, weighted by its key's number. */
  readonly weighted: number
}

export const state: Benchmark = {
  name: 'state',
  async prepare(folder) {
    const data = join(folder, 'log')
    // Compaction in the background would count as time of the side that runs then, whichever that is.
    const log = await openLog(data, { configs: { 'log.cleaner.backoff.ms': neverMs } })
    await publish(log)
    const counting = counted(log)
    await counting.run()
    const changelog = counting.changelog()
    return {
      workloads: [
        {
          records,
          comparisons: [
            {
              name: 'count over 1M keys',
              ours: counting,
              theirs: countedByHand(join(data, 'visits-0'), join(folder, 'by-hand')),
              reach: 0.45,
            },
          ],
        },
        {
          records,
          comparisons: [
            {
              name: 'restore of 1M keys',
              ours: restored(log, changelog),
              theirs: restoredByHand(join(data, `${changelog}-0`)),
              reach: 1,
            },
          ],
        },
      ],
      dispose: () => log.close(),
    }
  },
}

/** Each key once, in any order, then as many records of random keys. */
async function publish(log: Log): Promise<void> {
  const random = seededRandom(11)
  const order = Array.from({ length: keys }, (_, n) => n)
  for (let n = keys - 1; n > 0; n -= 1) {
    const other = random.int(n + 1)
    const moved = order[n]!
    order[n] = order[other]!
    order[other] = moved
  }
  function* made(): Iterable<{ key: string; value: number; timestamp: number }> {
    for (let n = 0; n < records; n += 1)
      yield { key: `visitor-${String(order[n] ?? random.int(keys)).padStart(8, '0')}`, value: 1, timestamp }
  }
  await using producer = log.producer(visits)
  await producer.sendBatch(made())
}

function counted(log: Log): Side & { changelog(): string } {
  let runs = 0
  const pauses: number[] = []
  const changelog = (): string => `state-${runs}-counts-aggregate-changelog`
  return {
    name: 'app: groupByKey, count; exactly once, synced each 100 ms',
    changelog,
    async run() {
      runs += 1
      const app = createApp(`state-${runs}`)
      app.stream(visits).groupByKey().count({ name: 'counts' })
      const delay = monitorEventLoopDelay({ resolution: 2 })
      delay.enable()
      await app.run({ log, until: 'now', commitInterval: '100ms' })
      delay.disable()
      pauses.push(delay.max / 1e6)
    },
    result: async () => digestOf(await stateOf(log, changelog())),
    note: () =>
      `longest pause of the event loop, run by run: ${pauses.map(ms => ms.toFixed(0)).join(', ')} ms`,
  }
}

function countedByHand(folder: string, out: string): Side {
  const counts = new Map<string, number>()
  return {
    name: `hand-written: a Map, a Set of what has changed; written and synced each ${commitRecords} records`,
    async run() {
      mkdirSync(out, { recursive: true })
      const file = openSync(join(out, '0.log'), 'w')
      const changed = new Set<string>()
      const batch = new BaselineBatch(batchBytes + 1024)
      const commit = (): void => {
        for (const key of changed) {
          batch.add(timestamp, `${key} ${counts.get(key)}`)
          if (batch.bytes >= batchBytes) writeSync(file, batch.finish())
        }
        writeSync(file, batch.finish())
        fdatasyncSync(file)
        changed.clear()
      }
      let since = 0
      readRecords(folder, (buffer, from, to, keyFrom, keyTo) => {
        const key = buffer.latin1Slice(keyFrom, keyTo)
        if (JSON.parse(buffer.utf8Slice(from, to)) !== 1) throw new Error('the value is 1')
        counts.set(key, (counts.get(key) ?? 0) + 1)
        changed.add(key)
        since += 1
        if (since < commitRecords) return
        since = 0
        commit()
      })
      commit()
      closeSync(file)
    },
    async result(): Promise<Digest> {
      let [count, weighted] = [0, 0]
      for (const [key, n] of counts) {
        count += n
        weighted += n * numberIn(key)
      }
      return { keys: counts.size, count, weighted }
    },
    release: () => counts.clear(),
  }
}

function restored(log: Log, changelog: string): Side {
  let restoredState: KeyedState<unknown> | undefined
  return {
    name: 'restore into memory: two changes for most keys',
    async run() {
      restoredState = await stateOf(log, changelog)
    },
    result: async () => ({ keys: restoredState?.storedCount, bytes: bytesIn(restoredState?.stored() ?? []) }),
    release() {
      restoredState = undefined
    },
  }
}

function restoredByHand(folder: string): Side {
  const rows = new Map<string, string>()
  return {
    name: 'hand-written: readSync, CRC, walk, a Map of strings',
    async run() {
      readRecords(folder, (buffer, from, to, keyFrom, keyTo) => {
        rows.set(buffer.latin1Slice(keyFrom, keyTo), buffer.latin1Slice(from, to))
      })
    },
    result: async () => ({ keys: rows.size, bytes: bytesIn(rows) }),
    release: () => rows.clear(),
  }
}

async function stateOf({ port }: Log, changelog: string): Promise<KeyedState<unknown>> {
  const counts = new KeyedState<unknown>('counts')
  const format = changelog.replace(/^(state-\d+)-counts.*/, '$1/counts: count, keys string')
  await restore(port, counts, { topic: changelog, partition: 0, clock: systemClock, format })
  return counts
}

function digestOf(counts: KeyedState<unknown>): Digest {
  let [count, weighted] = [0, 0]
  for (const [key, bytes] of counts.stored()) {
    const { value } = valueCodec.decode(bytes) as { value: number }
    count += value
    weighted += value * numberIn(latin1(key))
  }
  return { keys: counts.storedCount, count, weighted }
}

function bytesIn(
  rows: Iterable<readonly [{ readonly length: number }, { readonly length: number }]>,
): number {
  let bytes = 0
  for (const [key, value] of rows) bytes += key.length + value.length
  return bytes
}

function numberIn(key: string): number {
  return Number(key.slice(-8))
}
