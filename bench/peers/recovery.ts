/**
 * The row of recovery: a broker is killed at the last acknowledge of a large log, whose end is not synced
 * yet. From its next start until a consumer has the last record.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { startOurs, startTheirs, type BenchBroker, type Start } from './brokers.ts'
import type { Comparison, Figures, Side } from './compare.ts'
import { createTopic, fetchFrom, produceAll, recordsIn, recordsPerBatch } from './raw-client.ts'
import { RawConnection } from './raw-connection.ts'

const batchBytes = 64 * 1024
const batchesPerGib = 2 ** 30 / batchBytes
/** So much less, and the last segment is almost full. */
const batchesLess = batchesPerGib / 32
const fetchedMsMax = 120_000
const topic = 'large'
const startOf: Readonly<Record<Side, Start>> = { ours: startOurs, theirs: startTheirs }

/** `gib`: the size of the log. */
export function recovery(gib: number): readonly Comparison[] {
  const batches = Math.round(gib * batchesPerGib - batchesLess)
  return [
    {
      name: `recovery of ${gib} GiB`,
      targets: [{ atMost: 0.2 }, { atMost: 0.7 }],
      run: side => killed(startOf[side], batches),
    },
  ]
}

async function killed(begin: Start, batches: number): Promise<Figures> {
  const work = { topic, partitions: 1, valueBytes: 200, batchBytes, batches, connections: 1, inFlight: 8 }
  const records = batches * recordsPerBatch(work)
  let broker = await begin('os')
  try {
    await createTopic(broker.address, work)
    await produceAll(broker.address, work)
    await broker.kill()
    broker = await begin('os', broker.folder)
    await fetchedFrom(broker, records - 1)
    const figures: Figures = [performance.now() - broker.begunMs, broker.cpuSeconds()]
    const found = await recordsIn(broker.address, work)
    if (found !== records) throw new Error(`${broker.name} has ${found} records of ${records}.`)
    return figures
  } finally {
    await broker.remove()
  }
}

/** Resolves once a consumer has the record at this offset. */
async function fetchedFrom(broker: BenchBroker, offset: number): Promise<void> {
  const connection = await RawConnection.open(broker.address)
  const deadlineMs = broker.begunMs + fetchedMsMax
  for (;;) {
    if (performance.now() > deadlineMs) throw new Error(`${broker.name} has not the record ${offset}.`)
    // In Apache Kafka the partition has a leader soon after the broker listens.
    const fetched = await fetchFrom(connection, topic, 0, offset).catch(() => undefined)
    if (fetched && fetched.bytes > 0) break
    await sleep(5)
  }
  connection.close()
}
