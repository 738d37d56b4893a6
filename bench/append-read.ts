/**
 * Appends 200-byte records to the log in process, and reads them back. The baseline is hand-written loops:
 * one encodes the same records into batches of the same size, checksums and writes them with an fdatasync per
 * MiB; the other reads the same file, checks it and parses each value.
 */
import { closeSync, fdatasyncSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { LentMemory } from '../src/base/index.ts'
import { json, type Log, openLog, topic } from '../src/index.ts'
import { DecodedBatch, type FetchedBatch, type LogPort } from '../src/port/index.ts'
import { BatchBuilder } from '../src/wire/index.ts'
import type { Benchmark, Side } from './benchmark.ts'
import { BaselineBatch, readRecords } from './baseline.ts'

const records = 1_000_000
const batchBytes = 64 * 1024
const syncBytes = 1024 * 1024
/** Batches in flight: 4 MiB, so that batches which come meanwhile share the next sync. */
const underWayMax = 64
/** Of the whole process, as that of producers and apps is (`port/produce/topic-batches.ts`). */
const batchMemory = new LentMemory({ lentBytesMax: Infinity, keptBytesMax: 16 * 1024 * 1024 })
const timestamp = 1_000_000_000_000
const value = JSON.stringify({ id: 'b2f3c9', from: 'DFW', to: 'ORD', delay: 42, note: 'x'.repeat(137) })

interface Flight {
  readonly delay: number
}
const flights = topic('read', { value: json<Flight>() })

export const appendRead: Benchmark = {
  name: 'append',
  async prepare(folder) {
    const data = join(folder, 'log')
    const log = await openLog(data)
    await log.port.createTopic('read', { partitions: 1 })
    await appendAll(log, 'read')
    const appending = append(log, data)
    const readByHand = sideOf('readSync of 1 MiB, CRC, walk, JSON.parse', async () =>
      sumOf(join(data, 'read-0')),
    )
    return {
      workloads: [
        {
          records,
          comparisons: [
            {
              name: 'append 200 B, synced',
              ours: appending,
              theirs: appendBaseline(join(folder, 'baseline')),
              reach: 0.8,
            },
          ],
        },
        {
          records,
          comparisons: [
            {
              name: 'read 200 B, alone',
              ours: sideOf('reader, CRC, cursor', () => walk(log)),
              theirs: sideOf('readSync of 1 MiB, CRC, walk', async () => walkByHand(join(data, 'read-0'))),
              reach: 0.8,
            },
          ],
        },
        {
          records,
          comparisons: [
            {
              name: 'read 200 B, JSON',
              ours: sideOf('reader, cursor, JSON.parse', () => read(log)),
              theirs: readByHand,
              reach: 0.95,
            },
            {
              name: 'read 200 B, json()',
              ours: sideOf('reader, the codec of json(), which refuses numbers that change', () =>
                read(log, new DecodedBatch(flights.key, flights.value, false)),
              ),
              theirs: readByHand,
              reach: 0.8,
            },
          ],
        },
      ],
      flat: [
        { name: 'a reader', run: async () => void (await walk(log)) },
        { name: 'a writer', run: () => appending.run() },
      ],
      dispose: () => log.close(),
    }
  },
}

function append(log: Log, data: string): Side {
  let runs = 0
  return {
    name: 'acknowledged once synced (fdatasync, shared by waiting batches)',
    async run() {
      if (runs > 0) await log.port.deleteTopic(`append-${runs}`)
      runs += 1
      await log.port.createTopic(`append-${runs}`, { partitions: 1 })
      await appendAll(log, `append-${runs}`)
    },
    result: async () => sumOf(join(data, `append-${runs}-0`)),
  }
}

async function appendAll({ port }: Log, name: string): Promise<void> {
  const writer = await port.openWriter()
  const underWay: Promise<unknown>[] = []
  const newBatch = (): BatchBuilder =>
    new BatchBuilder({ initialBytes: batchBytes + 1024, memory: batchMemory })
  let batch = newBatch()
  for (let n = 0; n < records; n += 1) {
    batch.append(timestamp + n, null, value)
    if (batch.sizeBytes < batchBytes && n < records - 1) continue
    const appended = batch
    underWay.push(writer.append(name, 0, appended).then(() => appended.acknowledged()))
    batch = newBatch()
    if (underWay.length >= underWayMax) await underWay.shift()
  }
  await Promise.all(underWay)
  await writer.close()
}

function appendBaseline(folder: string): Side {
  return {
    name: 'encode, CRC, writeSync; fdatasync per MiB',
    async run() {
      mkdirSync(folder, { recursive: true })
      const file = openSync(join(folder, '0.log'), 'w')
      const batch = new BaselineBatch(batchBytes + 1024)
      let unsynced = 0
      for (let n = 0; n < records; n += 1) {
        batch.add(timestamp + n, value)
        if (batch.bytes < batchBytes && n < records - 1) continue
        unsynced += writeSync(file, batch.finish())
        if (unsynced < syncBytes) continue
        fdatasyncSync(file)
        unsynced = 0
      }
      fdatasyncSync(file)
      closeSync(file)
    },
    result: async () => sumOf(folder),
  }
}

/** Reads all records, and decodes none. */
async function walk({ port }: Log): Promise<Walked> {
  const walked = { records: 0, bytes: 0 }
  await readAll(port, ({ batch }) => {
    for (const cursor = batch.records(); cursor.next();) {
      walked.records += 1
      walked.bytes += cursor.valueEnd - cursor.valueStart
    }
  })
  return walked
}

function walkByHand(folder: string): Walked {
  const walked = { records: 0, bytes: 0 }
  readRecords(folder, (_, start, end) => {
    walked.records += 1
    walked.bytes += end - start
  })
  return walked
}

interface Walked {
  records: number
  bytes: number
}

/** `decoded`: decodes batches. Default: a cursor and JSON.parse. */
async function read({ port }: Log, decoded?: DecodedBatch<unknown, Flight>): Promise<Sum> {
  const sum = { records: 0, delay: 0 }
  await readAll(port, fetched => {
    if (decoded) {
      decoded.load(fetched)
      sum.records += decoded.count
      for (let n = 0; n < decoded.count; n += 1) sum.delay += (decoded.values[n] as Flight).delay
      return
    }
    for (const cursor = fetched.batch.records(); cursor.next();) {
      const flight = JSON.parse(cursor.bytes.utf8Slice(cursor.valueStart, cursor.valueEnd)) as Flight
      sum.records += 1
      sum.delay += flight.delay
    }
  })
  return sum
}

async function readAll(port: LogPort, visit: (fetched: FetchedBatch) => void): Promise<void> {
  const reader = await port.openReader()
  reader.assign([{ topic: 'read', partition: 0, offset: 0 }])
  while (!reader.atEnd('read', 0)) {
    const fetched = reader.take('read', 0)
    if (fetched) visit(fetched)
    else await reader.wait()
  }
  await reader.close()
}

interface Sum {
  records: number
  delay: number
}

function sumOf(folder: string): Sum {
  const sum = { records: 0, delay: 0 }
  readRecords(folder, (buffer, start, end) => {
    sum.records += 1
    sum.delay += (JSON.parse(buffer.utf8Slice(start, end)) as Flight).delay
  })
  return sum
}

/** A side whose run returns the result itself. */
function sideOf(name: string, work: () => Promise<unknown>): Side {
  let last: unknown
  return {
    name,
    async run() {
      last = await work()
    },
    result: async () => last,
  }
}
