/** Checks of a topic's name and configuration. */
import { checkTopicName, MillraceError } from '../base/index.ts'
import { segmentBytesMax, segmentBytesMin } from '../log/index.ts'
import type { TopicConfig } from '../port/index.ts'

/** A bound against typing errors; Kafka has none, and opens a file or three for each. */
const partitionsMax = 10_000

/** Kafka's rules for names, so that a program that runs here runs on a cluster. INVALID_ARGUMENT. */
export function checkName(name: string, existing: Iterable<string>): void {
  checkTopicName(name)
  // A cluster's metrics replace dots, so Kafka refuses two names that differ only in that.
  const flat = (text: string): string => text.replaceAll('.', '_')
  for (const other of existing)
    if (other !== name && flat(other) === flat(name))
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `Topic '${name}' differs from '${other}' only in '.' and '_', which Kafka refuses.`,
      )
}

/** INVALID_ARGUMENT. */
export function checkConfig(name: string, { partitions, retentionBytes, segmentBytes }: TopicConfig): void {
  const check = (what: string, value: number | undefined, min: number, max: number): void => {
    if (value !== undefined && (!Number.isSafeInteger(value) || value < min || value > max))
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `Topic '${name}': ${what} must be a whole number from ${min} to ${max}, not ${value}.`,
      )
  }
  check('partitions', partitions, 1, partitionsMax)
  check('retentionBytes', retentionBytes, -1, Number.MAX_SAFE_INTEGER)
  check('segmentBytes', segmentBytes, segmentBytesMin, segmentBytesMax)
}
