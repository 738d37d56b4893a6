/** The rows of throughput: what both brokers do in a second, and what CPU time a unit of it costs. */
import type { BenchBroker, Durability } from './brokers.ts'
import type { BrokerRow } from './broker-rows.ts'
import { consumeByJava, produceByJava, type JavaRun } from './java-clients.ts'
import { createTopic, fetchAll, produceAll, recordsIn, recordsPerBatch, type Work } from './raw-client.ts'

/** What a run did, and what it cost. */
interface Run {
  readonly units: number
  readonly seconds: number
  /** Of the broker's process. */
  readonly cpuSeconds: number
}

type DoWork = (broker: BenchBroker, topic: string) => Promise<Run>

const kib = 1024
const mib = 1024 * kib
/** All is fetched so often: once takes a broker only 15 of the ticks in which its CPU time is counted. */
const fetchRuns = 4

/** Full batches of 64 KiB, so many that a run writes `bytes`. */
function full(valueBytes: number, bytes: number, more: Partial<Work> = {}): Omit<Work, 'topic'> {
  const batchBytes = 64 * kib
  const batches = Math.round(bytes / batchBytes)
  return { partitions: 1, valueBytes, batchBytes, batches, connections: 1, inFlight: 8, ...more }
}

/** Without a client's cost: see raw-client.ts. */
function rawProduce(of: Omit<Work, 'topic'>): DoWork {
  return async (broker, topic) => {
    const work = { ...of, topic }
    await createTopic(broker.address, work)
    const { result: bytes, ...times } = await timed(broker, () => produceAll(broker.address, work))
    await checkStored(broker, work)
    return { units: bytes / mib, ...times }
  }
}

function rawFetch(of: Omit<Work, 'topic'>): DoWork {
  return async (broker, topic) => {
    const work = { ...of, topic }
    await createTopic(broker.address, work)
    await produceAll(broker.address, work)
    const { result, ...times } = await timed(broker, async () => {
      let bytes = 0
      for (let n = 0; n < fetchRuns; n += 1) {
        const fetched = await fetchAll(broker.address, work)
        check(broker, 'fetched', fetched.records, work.batches * recordsPerBatch(work))
        bytes += fetched.bytes
      }
      return bytes
    })
    return { units: result / mib, ...times }
  }
}

function javaProduce(records: number, recordBytes: number, transactionMs?: number): DoWork {
  return async (broker, topic) => {
    await createTopic(broker.address, { topic, partitions: 1 })
    const transactions = transactionMs === undefined ? {} : { transactionMs }
    const work = { topic, records, recordBytes, ...transactions }
    return byJava(broker, () => produceByJava(broker.address, work))
  }
}

function javaConsume(of: Omit<Work, 'topic'>): DoWork {
  return async (broker, topic) => {
    const work = { ...of, topic }
    await createTopic(broker.address, work)
    await produceAll(broker.address, work)
    return byJava(broker, () => consumeByJava(broker.address, topic, work.batches * recordsPerBatch(work)))
  }
}

interface Unit {
  readonly unit: 'MiB' | 'k records'
  readonly durability: Durability
  /** Of the speed, ours over theirs. */
  readonly atLeast: number
  /** Of the broker's CPU time for a unit, ours over theirs. */
  readonly cpuAtMost: number
}

function row(name: string, { unit, durability, atLeast, cpuAtMost }: Unit, work: DoWork): BrokerRow {
  return {
    name: `${name}, ${unit}`,
    durability,
    targets: [{ atLeast }, { atMost: cpuAtMost }],
    async run(broker, topic) {
      const { units, seconds, cpuSeconds } = await work(broker, topic)
      return [units / seconds, (cpuSeconds * 1000) / units]
    },
  }
}

const produce: Unit = { unit: 'MiB', durability: 'os', atLeast: 1.5, cpuAtMost: 0.7 }
const fetch: Unit = { ...produce, atLeast: 1 }
const synced: Unit = { ...produce, durability: 'sync', atLeast: 2.4, cpuAtMost: 1 }
const java: Unit = { unit: 'k records', durability: 'os', atLeast: 0.95, cpuAtMost: 0.7 }
const javaTransactions: Unit = { ...java, atLeast: 1 }

const one = { partitions: 1, valueBytes: 100, batchBytes: 0, batches: 60_000, connections: 1, inFlight: 16 }
const many = { connections: 200, inFlight: 1, partitions: 6 }
const six = { partitions: 6 }
const size = 768 * mib

export const throughput: readonly BrokerRow[] = [
  row('produce 100 B', produce, rawProduce(full(100, size))),
  row('produce 200 B', produce, rawProduce(full(200, size))),
  row('produce 1 KiB', produce, rawProduce(full(kib, size))),
  row('produce 200 B, 6 partitions', produce, rawProduce(full(200, size, six))),
  row('produce 100 B, one a batch', produce, rawProduce(one)),
  row('produce, 200 connections', produce, rawProduce(full(200, 512 * mib, many))),
  row('fetch 200 B', fetch, rawFetch(full(200, size))),
  row('fetch 1 KiB, 6 partitions', fetch, rawFetch(full(kib, size, six))),
  row('Java produce 100 B', java, javaProduce(3_000_000, 100)),
  row('Java produce 200 B', java, javaProduce(2_000_000, 200)),
  row('Java produce 1 KiB', java, javaProduce(500_000, kib)),
  row('Java consume 100 B', java, javaConsume(full(100, 400 * mib))),
  row('Java consume 200 B', java, javaConsume(full(200, 400 * mib))),
  row('Java consume 1 KiB', java, javaConsume(full(kib, 800 * mib))),
  row('Java transactions, 100 ms', javaTransactions, javaProduce(2_000_000, 200, 100)),
  row('produce 200 B, synced', synced, rawProduce(full(200, 128 * mib))),
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
