/**
 * What topics may be: names that Apache Kafka allows, so that a program which runs here runs on a cluster;
 * and how many partitions.
 */
import { MillraceError } from './errors.ts'

/** Kafka's limit: with the partition's number the folder's name stays within 255 bytes. */
const topicNameMax = 249

/** Of a topic: a bound against typing errors. Kafka has none, and opens a file or three for each. */
export const partitionsMax = 10_000

/** @throws MillraceError INVALID_ARGUMENT unless `topic` is a name that Kafka allows */
export function checkTopicName(topic: string): void {
  if (isTopicName(topic)) return
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `Invalid topic name ${JSON.stringify(topic)}: use 1 to ${topicNameMax} of the characters a-z, A-Z, 0-9, '.', '_' and '-', other than '.' and '..'.`,
  )
}

/** Whether Kafka allows a topic of that name. */
export function isTopicName(topic: string): boolean {
  return /^[a-zA-Z0-9._-]+$/.test(topic) && topic.length <= topicNameMax && topic !== '.' && topic !== '..'
}
