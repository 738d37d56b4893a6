/**
 * The rows of start and size: from the start of a process to its first acknowledge, and the memory that it
 * holds.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { startInProcess, startOurs, startTheirs, type BenchBroker, type Start } from './brokers.ts'
import type { Comparison, Figures, Side } from './compare.ts'
import { createTopic, fetchAll, produceAll, recordsIn, recordsPerBatch } from './raw-client.ts'

const mib = 2 ** 20
const topic = 'first'
const one = { topic, partitions: 1, valueBytes: 100, batchBytes: 0, batches: 1, connections: 1, inFlight: 1 }
const load = { ...one, batchBytes: 64 * 1024, batches: 8192, inFlight: 8 }
/** A broker that has just started is not idle yet. */
const idleAfterMs = 1000
const targets = [{ atMost: 0.1 }, { atMost: 0.3 }] as const
const brokers: Readonly<Record<Side, Start>> = { ours: startOurs, theirs: startTheirs }
const inProcess: Readonly<Record<Side, Start>> = { ours: startInProcess, theirs: startTheirs }

export const start: readonly Comparison[] = [
  { name: 'start, MiB idle', targets, run: side => firstStart(brokers[side]) },
  { name: 'startBroker, MiB idle', targets, run: side => firstStart(inProcess[side]) },
  { name: 'start again, MiB after 512 MiB', targets, run: side => nextStart(brokers[side]) },
]

/** In a new folder: a topic is created as well. */
async function firstStart(begin: Start): Promise<Figures> {
  const broker = await begin('os')
  try {
    await createTopic(broker.address, one)
    const firstMs = await firstAcknowledge(broker)
    await checkStored(broker, 1)
    await sleep(idleAfterMs)
    return [firstMs, broker.residentBytes() / mib]
  } finally {
    await broker.remove()
  }
}

/** Over what was written and read before, after a clean stop. */
async function nextStart(begin: Start): Promise<Figures> {
  let broker = await begin('os')
  try {
    await createTopic(broker.address, load)
    await produceAll(broker.address, load)
    await fetchAll(broker.address, load)
    const resident = broker.residentBytes()
    await broker.stop()
    broker = await begin('os', broker.folder)
    const firstMs = await firstAcknowledge(broker)
    await checkStored(broker, load.batches * recordsPerBatch(load) + 1)
    return [firstMs, resident / mib]
  } finally {
    await broker.remove()
  }
}

/** Milliseconds from the start of the process until it has acknowledged a record. */
async function firstAcknowledge(broker: BenchBroker): Promise<number> {
  // A partition has a leader in Apache Kafka soon after it listens.
  while (!(await recordsIn(broker.address, one).then(records => records >= 0))) await sleep(5)
  await produceAll(broker.address, one)
  return performance.now() - broker.begunMs
}

async function checkStored(broker: BenchBroker, expected: number): Promise<void> {
  const records = await recordsIn(broker.address, one)
  if (records !== expected)
    throw new Error(`${broker.name} has stored ${records} records, and not ${expected}.`)
}
