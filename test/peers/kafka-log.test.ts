/**
 * A log directory that Apache Kafka wrote: transactions that commit and abort, each codec, null keys,
 * tombstones, headers, several segments. Its own DumpLogSegments reads it, which shows that the peers and the
 * parser here work, and so does millrace.
 */
import assert from 'node:assert/strict'
import { appendFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { compressions, freshMemory, isMillraceError, nodeDisk, systemClock } from '../../src/base/index.ts'
import { InProcessReader } from '../../src/broker/reader.ts'
import { openLog } from '../../src/index.ts'
import { LogDirectory, type Partition } from '../../src/log/index.ts'
import type { Isolation, Reader } from '../../src/port/index.ts'
import { controlMarkerOf, readBatches, type RecordCursor } from '../../src/wire/index.ts'
import { dumpLog, type DumpedRecord } from './dump-log.ts'
import { writeKafkaTopics, type KafkaTopics, type WrittenRecord } from './kafka-topics.ts'

describe('a log that Apache Kafka wrote', () => {
  let topics: KafkaTopics
  before(async () => {
    topics = await writeKafkaTopics()
  })
  after(() => topics.remove())

  for (const compression of compressions) {
    const partitions = (): [string, readonly WrittenRecord[]][] =>
      [...topics.partitions].filter(([partition]) => partition.includes(compression))

    it(`is printed in full by DumpLogSegments, ${compression}`, async () => {
      for (const [partition, expected] of partitions()) {
        const dumped = new Map<number, DumpedRecord>()
        const markers: string[] = []
        const complaints = await dumpLog(files(join(topics.logDirectory, partition)), batch => {
          assert(batch.valid)
          for (const record of batch.records) {
            if (record.marker) markers.push(record.marker)
            else dumped.set(record.offset, record)
          }
        })
        assert.deepEqual(complaints, [])
        assert.equal(dumped.size, expected.length)
        for (const { offset, timestamp, key, value, headers } of expected)
          assert.deepEqual(dumped.get(offset), {
            offset,
            timestamp,
            key,
            value,
            headerKeys: headers ? ['source', 'empty'] : [],
            marker: undefined,
          })
        assert.equal(
          markers.includes('COMMIT') && markers.includes('ABORT'),
          partition.startsWith('transactions'),
        )
      }
    })

    it(`is read batch by batch by wire, ${compression}`, () => {
      for (const [partition, expected] of partitions())
        assert.deepEqual(readWithWire(join(topics.logDirectory, partition)), expected.map(comparable))
    })

    it(`is read by our log in place, ${compression}`, async () => {
      const log = await LogDirectory.open(topics.logDirectory, {
        disk: nodeDisk,
        clock: systemClock,
        readOnly: true,
      })
      const partition = (topic: string, index: number): Partition => {
        const found = log.partition(topic, index)
        assert(found)
        return found
      }
      const context = {
        clock: systemClock,
        memory: freshMemory,
        unrecovered: () => undefined,
        partition,
        closed: () => undefined,
      }
      for (const [name, expected] of partitions())
        for (const isolation of isolations) {
          const reader = new InProcessReader(context, { isolation })
          assert.deepEqual(await readAll(reader, name), visible(expected, isolation))
        }
      await log.close()
    })

    it(`is read through a broker that took it over, ${compression}`, async () => {
      const log = await openLog(await takeOver(topics.logDirectory))
      for (const [name, expected] of partitions())
        for (const isolation of isolations)
          assert.deepEqual(
            await readAll(await log.port.openReader({ isolation }), name),
            visible(expected, isolation),
          )
      await log.close()
    })
  }

  it('is not written to', async () => {
    await assert.rejects(openLog(topics.logDirectory), error => isMillraceError(error, 'DATA_DIR_FOREIGN'))
  })

  it('is complained about by DumpLogSegments when it ends in bytes that are not a batch', async () => {
    const [log] = files(join(topics.logDirectory, 'plain-none-0')).filter(file => file.endsWith('.log'))
    assert(log)
    appendFileSync(log, 'not a batch')
    assert.notDeepEqual(await dumpLog([log], () => {}), [])
  })
})

const isolations: readonly Isolation[] = ['read_committed', 'read_uncommitted']

type Comparable = Omit<WrittenRecord, 'topic' | 'partition'>
type Shown = Omit<Comparable, 'visible'>

const comparable = (record: WrittenRecord): Comparable => ({ ...shown(record), visible: record.visible })

const shown = ({ offset, timestamp, key, value, headers }: WrittenRecord): Shown => ({
  offset,
  timestamp,
  key,
  value,
  headers,
})

/** What a reader gets to see. */
const visible = (records: readonly WrittenRecord[], isolation: Isolation): Shown[] =>
  records.filter(record => record.visible || isolation === 'read_uncommitted').map(shown)

/**
 * A folder of millrace's with the partitions in it that Apache Kafka wrote, as after an unclean stop:
 * everything is read and indexed again.
 */
async function takeOver(logDirectory: string): Promise<string> {
  const folder = mkdtempSync(join(logDirectory, '..', 'taken-over-'))
  await (await openLog(folder)).close()
  rmSync(join(folder, '.kafka_cleanshutdown'))
  for (const name of readdirSync(logDirectory))
    if (/^(plain|transactions)-/.test(name))
      cpSync(join(logDirectory, name), join(folder, name), { recursive: true })
  return folder
}

/** All that the reader shows of a partition. */
async function readAll(reader: Reader, name: string): Promise<Shown[]> {
  const [topic, partition] = [name.slice(0, -2), Number(name.at(-1))]
  const records: Shown[] = []
  reader.assign([{ topic, partition, offset: 0 }])
  while (!reader.atEnd(topic, partition)) {
    const fetched = reader.take(topic, partition)
    if (!fetched) await reader.wait()
    else for (const cursor = fetched.batch.records(); cursor.next();) records.push(recordAt(cursor))
  }
  await reader.close()
  return records
}

function recordAt(cursor: RecordCursor): Shown {
  const headers = cursor.headers().map(({ key, value }) => `${key}=${value === null ? 'null' : text(value)}`)
  return {
    offset: cursor.offset,
    timestamp: cursor.timestamp,
    key: text(cursor.key()),
    value: text(cursor.value()),
    headers: headers.join() === 'source=kafka,empty=null',
  }
}

/** Every record of a partition folder but the markers; visible is what its producer's next marker says. */
function readWithWire(folder: string): Comparable[] {
  const records: Comparable[] = []
  /** By producer: what is not decided yet. */
  const open = new Map<number, Comparable[]>()
  for (const segment of files(folder).filter(file => file.endsWith('.log')))
    for (const batch of readBatches(readFileSync(segment))) {
      assert(batch.isValid())
      if (batch.isControl) {
        const marker = controlMarkerOf(batch)
        for (const record of open.get(batch.producerId) ?? []) record.visible = marker?.type === 'commit'
        open.delete(batch.producerId)
        continue
      }
      const cursor = batch.records()
      while (cursor.next()) {
        const record = { ...recordAt(cursor), visible: !batch.isTransactional }
        records.push(record)
        if (!batch.isTransactional) continue
        const undecided = open.get(batch.producerId)
        if (undecided) undecided.push(record)
        else open.set(batch.producerId, [record])
      }
    }
  assert.equal(open.size, 0, 'every transaction has its marker')
  return records
}

const text = (bytes: Uint8Array | null): string | null =>
  bytes === null ? null : Buffer.from(bytes).toString()

function files(folder: string): string[] {
  return readdirSync(folder)
    .filter(name => /\.(log|index|timeindex)$/.test(name))
    .sort()
    .map(name => join(folder, name))
}
