/** Topics of any broker, over Kafka's protocol: made, written and read. */
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeNet } from '../../src/base/index.ts'
import { RawClient } from '../../src/broker/server/raw-client.test-support.ts'
import { BatchBuilder, messages, readBatches } from '../../src/wire/index.ts'

export interface RawRecord {
  readonly key: string | null
  readonly value: string | null
}

const versions = { createTopics: 5, produce: 9, fetch: 11 }
/** A new topic has a leader soon. */
const retryMs = 200
const notYet: readonly number[] = [3, 5, 6]

/** Makes a topic with one partition, and writes the records. */
export async function writeRawTopic(
  port: number,
  topic: string,
  records: readonly RawRecord[],
): Promise<void> {
  const client = await RawClient.connect(nodeNet, { port })
  try {
    await client.ask(messages.createTopics, versions.createTopics, {
      topics: [{ name: topic, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
      timeoutMs: 30_000,
    })
    const builder = new BatchBuilder()
    for (const { key, value } of records) builder.append(Date.now(), key, value)
    const batch = builder.build()
    for (;;) {
      const { responses } = await client.ask(messages.produce, versions.produce, {
        acks: -1,
        timeoutMs: 30_000,
        topicData: [{ name: topic, partitionData: [{ index: 0, records: batch }] }],
      })
      const { errorCode } = responses[0]!.partitionResponses[0]!
      if (errorCode === 0) return
      if (!notYet.includes(errorCode)) throw new Error(`The records were refused with code ${errorCode}.`)
      await sleep(retryMs)
    }
  } finally {
    client.close()
  }
}

/** What a topic with one partition has; nothing while it does not exist. */
export async function readRawTopic(port: number, topic: string): Promise<RawRecord[]> {
  const client = await RawClient.connect(nodeNet, { port })
  const found: RawRecord[] = []
  try {
    for (let fetchOffset = 0; ;) {
      const { responses } = await client.ask(messages.fetch, versions.fetch, {
        maxWaitMs: 100,
        minBytes: 1,
        isolationLevel: 1,
        topics: [{ topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }] }],
      })
      const { errorCode, records } = responses[0]!.partitions[0]!
      if (errorCode !== 0 || !records || records.length === 0) return found
      for (const batch of readBatches(records)) {
        fetchOffset = batch.nextOffset
        if (batch.isControl) continue
        for (const cursor = batch.records(); cursor.next();)
          found.push({
            key: cursor.keyStart >= 0 ? cursor.bytes.utf8Slice(cursor.keyStart, cursor.keyEnd) : null,
            value: cursor.valueStart >= 0 ? cursor.bytes.utf8Slice(cursor.valueStart, cursor.valueEnd) : null,
          })
      }
    }
  } finally {
    client.close()
  }
}
