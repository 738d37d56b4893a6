/**
 * A log directory that Apache Kafka wrote: transactions that commit and abort, gzip, zstd, null keys, tombstones, headers, several
 * segments. Its own DumpLogSegments reads it, which shows that the peers and the parser here work, and so does millrace.
 */
import assert from 'node:assert/strict'
import { appendFileSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { controlMarkerOf, readBatches } from '../../src/wire/index.ts'
import { dumpLog, type DumpedRecord } from './dump-log.ts'
import { writeKafkaTopics, type KafkaTopics, type WrittenRecord } from './kafka-topics.ts'

describe('a log that Apache Kafka wrote', () => {
  let topics: KafkaTopics
  before(async () => {
    topics = await writeKafkaTopics()
  })
  after(() => topics.remove())

  for (const compression of ['none', 'gzip', 'zstd']) {
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
  }

  it('is complained about by DumpLogSegments when it ends in bytes that are no batch', async () => {
    const [log] = files(join(topics.logDirectory, 'plain-none-0')).filter(file => file.endsWith('.log'))
    assert(log)
    appendFileSync(log, 'not a batch')
    assert.notDeepEqual(await dumpLog([log], () => {}), [])
  })
})

type Comparable = Omit<WrittenRecord, 'topic' | 'partition'>

const comparable = ({ offset, timestamp, key, value, headers, visible }: WrittenRecord): Comparable => ({
  offset,
  timestamp,
  key,
  value,
  headers,
  visible,
})

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
        const headers = cursor
          .headers()
          .map(({ key, value }) => `${key}=${value === null ? 'null' : text(value)}`)
        const record = {
          offset: cursor.offset,
          timestamp: cursor.timestamp,
          key: text(cursor.key()),
          value: text(cursor.value()),
          headers: headers.join() === 'source=kafka,empty=null',
          visible: !batch.isTransactional,
        }
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
