/** The rows of `npm run bench:peers`: what is asked of both brokers, and what the ratios must reach. */
import type { BenchBroker, Durability } from './brokers.ts'
import { consumeByJava, produceByJava, type JavaRun } from './java-clients.ts'
import { createTopic, fetchAll, produceAll, recordsIn, recordsPerBatch, type Work } from './raw-client.ts'

export interface Row {
  readonly name: string
  /** What is counted, by the second and by CPU second. */
  readonly unit: 'MiB' | 'k records'
  readonly durability: Durability
  /**
   * Of the speed, ours over theirs, at least; of the broker's CPU per unit, ours over theirs, at the most.
   */
  readonly speedMin: number
  readonly cpuMax: number
  /** Does the work in a new topic, and checks the result. */
  run(broker: BenchBroker, topic: string): Promise<Run>
}

export interface Run {
  readonly units: number
  readonly seconds: number
  /** Of the broker's process. */
  readonly cpuSeconds: number
}

const kib = 1024
const mib = 1024 * kib
const os = 'os' as const
const synced = 'sync' as const

/** Full batches of 64 KiB, so many that a run writes `bytes`. */
function full(valueBytes: number, bytes: number, more: Partial<Work> = {}): Omit<Work, 'topic'> {
  const batchBytes = 64 * kib
  const batches = Math.round(bytes / batchBytes)
  return { partitions: 1, valueBytes, batchBytes, batches, connections: 1, inFlight: 8, ...more }
}

/** Without a client's cost: see raw-client.ts. */
function rawProduce(of: Omit<Work, 'topic'>): Row['run'] {
  return async (broker, topic) => {
    const work = { ...of, topic }
    await createTopic(broker.address, work)
    const { result: bytes, ...times } = await timed(broker, () => produceAll(broker.address, work))
    await checkStored(broker, work)
    return { units: bytes / mib, ...times }
  }
}

function rawFetch(of: Omit<Work, 'topic'>): Row['run'] {
  return async (broker, topic) => {
    const work = { ...of, topic }
    await createTopic(broker.address, work)
    await produceAll(broker.address, work)
    const { result, ...times } = await timed(broker, () => fetchAll(broker.address, work))
    check(broker, 'fetched', result.records, work.batches * recordsPerBatch(work))
    return { units: result.bytes / mib, ...times }
  }
}

function javaProduce(records: number, recordBytes: number, transactionMs?: number): Row['run'] {
  return async (broker, topic) => {
    await createTopic(broker.address, { topic, partitions: 1 })
    const transactions = transactionMs === undefined ? {} : { transactionMs }
    const work = { topic, records, recordBytes, ...transactions }
    return byJava(broker, () => produceByJava(broker.address, work))
  }
}

function javaConsume(of: Omit<Work, 'topic'>): Row['run'] {
  return async (broker, topic) => {
    const work = { ...of, topic }
    await createTopic(broker.address, work)
    await produceAll(broker.address, work)
    return byJava(broker, () => consumeByJava(broker.address, topic, work.batches * recordsPerBatch(work)))
  }
}

const raw = { unit: 'MiB', durability: os, cpuMax: 0.7 } as const
const byJavaClient = { unit: 'k records', durability: os, speedMin: 0.95, cpuMax: 0.7 } as const
const one = { partitions: 1, valueBytes: 100, batchBytes: 0, batches: 60_000, connections: 1, inFlight: 16 }

export const rows: readonly Row[] = [
  { name: 'produce 100 B', ...raw, speedMin: 1.5, run: rawProduce(full(100, 768 * mib)) },
  { name: 'produce 200 B', ...raw, speedMin: 1.5, run: rawProduce(full(200, 768 * mib)) },
  { name: 'produce 1 KiB', ...raw, speedMin: 1.5, run: rawProduce(full(1000, 768 * mib)) },
  {
    name: 'produce 200 B, 6 partitions',
    ...raw,
    speedMin: 1.5,
    run: rawProduce(full(200, 768 * mib, { partitions: 6 })),
  },
  { name: 'produce 100 B, one a batch', ...raw, speedMin: 1.5, run: rawProduce(one) },
  {
    name: 'produce, 200 connections',
    ...raw,
    speedMin: 1.5,
    run: rawProduce(full(200, 512 * mib, { connections: 200, inFlight: 1, partitions: 6 })),
  },
  { name: 'fetch 200 B', ...raw, speedMin: 1, run: rawFetch(full(200, 768 * mib)) },
  {
    name: 'fetch 1 KiB, 6 partitions',
    ...raw,
    speedMin: 1,
    run: rawFetch(full(1000, 768 * mib, { partitions: 6 })),
  },
  { name: 'Java produce 200 B', ...byJavaClient, run: javaProduce(2_000_000, 200) },
  { name: 'Java consume 200 B', ...byJavaClient, run: javaConsume(full(200, 400 * mib)) },
  { name: 'Java transactions, 100 ms', ...byJavaClient, speedMin: 1, run: javaProduce(2_000_000, 200, 100) },
  {
    name: 'produce 200 B, synced',
    unit: 'MiB',
    durability: synced,
    speedMin: 2.4,
    cpuMax: 1,
    run: rawProduce(full(200, 128 * mib)),
  },
]

async function byJava(broker: BenchBroker, work: () => Promise<JavaRun>): Promise<Run> {
  const { result, cpuSeconds } = await timed(broker, work)
  return { units: result.records / 1000, seconds: result.seconds, cpuSeconds }
}

async function timed<T>(
  broker: BenchBroker,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly seconds: number; readonly cpuSeconds: number }> {
  const before = broker.cpuSeconds()
  const start = performance.now()
  const result = await work()
  return { result, seconds: (performance.now() - start) / 1000, cpuSeconds: broker.cpuSeconds() - before }
}

async function checkStored(broker: BenchBroker, work: Work): Promise<void> {
  check(broker, 'stored', await recordsIn(broker.address, work), work.batches * recordsPerBatch(work))
}

function check({ name }: BenchBroker, what: string, records: number, expected: number): void {
  if (records !== expected) throw new Error(`${name} has ${what} ${records} records, and not ${expected}.`)
}
