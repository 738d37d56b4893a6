/** Configs in the words of requests. */
import type { ConfigDescription, ConfigSource } from '../../port/index.ts'

/** By Kafka's codes (org.apache.kafka.common.requests.DescribeConfigsResponse.ConfigSource). */
export const sources = {
  topic: 1,
  /** Altered, of one broker: so it is told who asks for the broker by its id. */
  broker: 2,
  /** Altered, of all brokers. */
  allBrokers: 3,
  static: 4,
  default: 5,
} as const

/** By Kafka's codes (…ConfigType). */
export const configTypes = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 } as const

/** The code of a source, for who asks for a topic or for all brokers. */
export function sourceOf(source: ConfigSource): number {
  return source === 'broker' ? sources.allBrokers : sources[source]
}

/** What CreateTopics tells of a config. */
interface BriefConfig {
  readonly name: string
  readonly value: string | null
  readonly readOnly: boolean
  readonly configSource: number
  readonly isSensitive: boolean
}

/** What CreateTopics tells of the configs of a topic. */
export function briefConfig({ name, value, readOnly, source }: ConfigDescription): BriefConfig {
  return { name, value, readOnly, configSource: sourceOf(source), isSensitive: false }
}
