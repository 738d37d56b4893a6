/**
 * A log directory that Apache Kafka wrote (see java/WriteTopics.java for what is in it), and what a reader of
 * it must find.
 */
import { join } from 'node:path'
import { java } from './java.ts'
import { startKafka } from './kafka-broker.ts'

export interface WrittenRecord {
  topic: string
  partition: number
  offset: number
  timestamp: number
  key: string | null
  value: string | null
  /** Whether it has the two headers `source: kafka` and `empty: null`. */
  headers: boolean
  /** False where its transaction was aborted. */
  visible: boolean
}

export interface KafkaTopics {
  logDirectory: string
  /** By partition folder (`plain-gzip-0`), in offset order: every record but the markers. */
  partitions: ReadonlyMap<string, readonly WrittenRecord[]>
  remove(): Promise<void>
}

/** Starts Apache Kafka, has it write the topics, and stops it. */
export async function writeKafkaTopics(): Promise<KafkaTopics> {
  const broker = await startKafka()
  try {
    const output = await java(join(import.meta.dirname, 'java/WriteTopics.java'), [broker.brokers])
    await broker.stop()
    const records = output
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as WrittenRecord)
    const partitions = Map.groupBy(records, ({ topic, partition }) => `${topic}-${partition}`)
    for (const written of partitions.values()) written.sort((a, b) => a.offset - b.offset)
    return { logDirectory: broker.logDirectory, partitions, remove: () => broker.remove() }
  } catch (error) {
    await broker.remove()
    throw error
  }
}
