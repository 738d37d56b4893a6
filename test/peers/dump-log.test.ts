/** The peers themselves: what Apache Kafka wrote, its own DumpLogSegments reads, and what it says is parsed in full. */
import assert from 'node:assert/strict'
import { appendFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { dumpLog, type DumpedRecord } from './dump-log.ts'
import { writeKafkaTopics, type KafkaTopics } from './kafka-topics.ts'

describe('DumpLogSegments on what Apache Kafka wrote', () => {
  let topics: KafkaTopics
  before(async () => {
    topics = await writeKafkaTopics()
  })
  after(() => topics.remove())

  for (const compression of ['none', 'gzip', 'zstd'])
    it(`prints every record of plain and transactional topics, ${compression}`, async () => {
      for (const [partition, expected] of topics.partitions) {
        if (!partition.includes(compression)) continue
        const dumped = new Map<number, DumpedRecord>()
        const markers: string[] = []
        const complaints = await dumpLog(segments(join(topics.logDirectory, partition)), batch => {
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

  it('complains about bytes that are no batch', async () => {
    const [log] = segments(join(topics.logDirectory, 'plain-none-0')).filter(file => file.endsWith('.log'))
    assert(log)
    appendFileSync(log, 'not a batch')
    assert.notDeepEqual(await dumpLog([log], () => {}), [])
  })
})

function segments(folder: string): string[] {
  return readdirSync(folder)
    .filter(name => /\.(log|index|timeindex)$/.test(name))
    .map(name => join(folder, name))
}
