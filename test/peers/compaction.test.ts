/**
 * Compacted segments in both directions: millrace reads what Apache Kafka's log cleaner wrote, Apache Kafka's
 * tools and its broker read what millrace's cleaner wrote.
 */
import assert from 'node:assert/strict'
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { after, describe, it } from 'node:test'
import { compressions, nodeDisk, systemClock } from '../../src/base/index.ts'
import { LogDirectory, type Partition } from '../../src/log/index.ts'
import { AbortedFilter } from '../../src/port/index.ts'
import { BatchBuilder, readBatches } from '../../src/wire/index.ts'
import { dumpLog } from './dump-log.ts'
import { java } from './java.ts'
import { startKafka, type KafkaBroker } from './kafka-broker.ts'

interface Found {
  offset: number
  timestamp: number
  key: string | null
  value: string | null
}

const program = join(import.meta.dirname, 'java/CompactedTopic.java')
const cleanedMsMax = 60_000
const keyCount = 100

describe('compacted segments', () => {
  let broker: KafkaBroker | undefined
  let folder: string | undefined
  after(async () => {
    await broker?.remove()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  it('of Apache Kafka’s cleaner are read by millrace as by a consumer', async () => {
    broker = await startKafka({ 'log.cleaner.backoff.ms': '200' })
    await java(program, ['write', broker.brokers, 'theirs'])
    await java(program, ['create', broker.brokers, 'ours'])
    await cleaned(broker.logDirectory, 'theirs')
    const expected = await consumed(broker, 'theirs')
    await broker.stop()
    const log = await LogDirectory.open(broker.logDirectory, {
      disk: nodeDisk,
      clock: systemClock,
      readOnly: true,
    })
    const found = await readAll(log.partition('theirs', 0)!)
    await log.close()
    assert.deepEqual(found, expected)
    assert(horizonsIn(join(broker.logDirectory, 'theirs-0')) > 0, 'tombstones have their delete horizon')
  })

  it('of millrace are read by DumpLogSegments, indexes included, and served by Apache Kafka', async () => {
    assert(broker)
    folder = mkdtempSync(join(broker.folder, '..', 'run-compacted-'))
    const expected = await writeOurs(folder)
    const ours = join(folder, 'ours-0')
    const files = readdirSync(ours)
      .filter(name => /\.(log|index|timeindex)$/.test(name))
      .sort()
      .map(name => join(ours, name))
    assert.deepEqual(await dumpLog(files, batch => assert(batch.valid)), [])
    assert(horizonsIn(ours) > 0, 'tombstones have their delete horizon')

    const theirs = join(broker.logDirectory, 'ours-0')
    for (const name of readdirSync(theirs)) if (/^\d{20}\./.test(name)) rmSync(join(theirs, name))
    for (const name of readdirSync(ours))
      if (/\.(log|index|timeindex|txnindex|snapshot)$/.test(name))
        cpSync(join(ours, name), join(theirs, name))
    // As after an unclean stop: it reads every batch, and makes its own indexes.
    rmSync(join(broker.logDirectory, '.kafka_cleanshutdown'), { force: true })
    broker = await startKafka({ 'log.cleaner.enable': 'false' }, broker.folder)
    assert.deepEqual(await consumed(broker, 'ours'), expected)
  })
})

/** Resolves when the cleaner has been through most of the topic. */
async function cleaned(logDirectory: string, topic: string): Promise<void> {
  const deadline = performance.now() + cleanedMsMax
  for (;;) {
    const checkpoint = tryRead(join(logDirectory, 'cleaner-offset-checkpoint'))
    const [, offset] = new RegExp(`^${topic} 0 (\\d+)$`, 'm').exec(checkpoint) ?? []
    if (Number(offset ?? 0) > 1000) return
    assert(performance.now() < deadline, `the cleaner comes to ${topic}: ${checkpoint}`)
    await sleep(200)
  }
}

function tryRead(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

async function consumed({ brokers }: KafkaBroker, topic: string): Promise<Found[]> {
  const printed = await java(program, ['read', brokers, topic])
  return printed
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as Found)
}

/** Batches with a delete horizon. */
function horizonsIn(partition: string): number {
  return readdirSync(partition)
    .filter(name => name.endsWith('.log'))
    .flatMap(name => readBatches(readFileSync(join(partition, name))))
    .filter(({ deleteHorizonMs }) => deleteHorizonMs !== undefined).length
}

async function readAll(partition: Partition): Promise<Found[]> {
  const found: Found[] = []
  for (let offset = partition.logStartOffset; offset < partition.lastStableOffset;) {
    const result = await partition.read(offset, { maxBytes: 1 << 20, isolation: 'read_committed' })
    const filter = new AbortedFilter(result.abortedTransactions)
    for (const batch of readBatches(result.batches)) {
      if (!filter.admits(batch)) continue
      for (const cursor = batch.records(); cursor.next();) {
        const { offset: at, timestamp } = cursor
        if (at >= offset)
          found.push({ offset: at, timestamp, key: text(cursor.key()), value: text(cursor.value()) })
      }
    }
    if (result.nextOffset === offset) break
    offset = result.nextOffset
  }
  return found
}

/** A compacted partition of every codec, with aborts and tombstones; gives what a reader finds in it. */
async function writeOurs(path: string): Promise<Found[]> {
  const log = await LogDirectory.open(path, {
    disk: nodeDisk,
    clock: systemClock,
    segmentBytes: 60_000,
    compact: true,
  })
  const partition = await log.createPartition('ours', 0)
  const producer = { producerId: 7, producerEpoch: 0 }
  const latest = new Map<string, Found>()
  let sequence = 0
  for (let n = 0; n < 400; n += 1) {
    const builder = new BatchBuilder({ compression: compressions[n % compressions.length]! })
    const records: Found[] = []
    for (let i = 0; i < 10; i += 1) {
      const number = n * 10 + i
      const key = `key-${(number * 7) % keyCount}`
      const value = number % 9 === 4 ? null : `${number}-${(number * 0x9e3779b1).toString(16).repeat(40)}`
      const timestamp = 1_700_000_000_000 + number
      builder.append(timestamp, key, value)
      records.push({ offset: partition.logEndOffset + i, timestamp, key, value })
    }
    const aborts = n % 4 === 1
    partition.append(builder.build({ ...producer, baseSequence: sequence, transactional: true }))
    sequence += 10
    partition.appendMarker({ type: aborts ? 'abort' : 'commit', ...producer, coordinatorEpoch: 0 })
    if (!aborts) for (const record of records) latest.set(record.key!, record)
    if (n % 50 === 0) await partition.sync()
    if (n % 100 === 99) await partition.compaction.clean()
  }
  await partition.sync()
  await partition.compaction.clean()
  const { cleanedTo } = partition.compaction
  const found = await readAll(partition)
  const isClean = found.filter(({ offset }) => offset < cleanedTo)
  assert(isClean.length <= keyCount && cleanedTo > 1000, `${isClean.length} below ${cleanedTo}`)
  for (const record of latest.values())
    assert.deepEqual(
      found.find(({ offset }) => offset === record.offset),
      record,
    )
  await log.close()
  return found
}

const text = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString()
