/**
 * The configs of topics: for each the topic's own value, else the broker's default that was altered last,
 * else the static one, else Kafka's default (KIP-226). What a partition needs of them are its settings.
 */
import type { PartitionSettings } from '../../log/index.ts'
import type {
  ConfigDescription,
  ConfigResource,
  ConfigSource,
  ConfigSynonym,
  TopicConfigName,
} from '../../port/index.ts'
import { brokerOnlyConfigs, brokerSynonyms, inTopicUnits } from './broker-configs.ts'
import { invalid, isTrue, itemsOf, numberOf, type ConfigTexts } from './values.ts'
import { topicConfigNames, topicConfigs } from './topic-configs.ts'

/** See `LogAdmin.describeConfigs`; `ownOf`: the own configs of a topic, or it throws UNKNOWN_TOPIC. */
export function describedConfigs(
  configs: Configs,
  resource: ConfigResource,
  names: readonly string[] | undefined,
  ownOf: (topic: string) => ConfigTexts | undefined,
): ConfigDescription[] {
  const all =
    resource.type === 'topic' ? configs.describeTopic(ownOf(resource.name) ?? {}) : configs.describeBroker()
  return names ? all.filter(({ name }) => names.includes(name)) : all
}

/** A value by one of the names of a config, and as the topic has it. */
type Value = ConfigSynonym & { readonly inTopic: string }

function shown({ name, value, source }: Value): ConfigSynonym {
  return { name, value, source }
}

/** Different sets of own configs whose settings are kept. */
const settingsMax = 1000

export class Configs {
  readonly #statics: ConfigTexts
  #altered: ConfigTexts
  /** By the topic's own configs, as JSON: most topics share theirs. */
  readonly #settings = new Map<string, PartitionSettings>()

  /** `statics`: checked, with what a log in process adds; `altered`: kept in the metadata. */
  constructor(statics: ConfigTexts, altered: ConfigTexts) {
    this.#statics = statics
    this.#altered = altered
  }

  /** The broker's defaults that were altered while a log was open. */
  get altered(): ConfigTexts {
    return this.#altered
  }

  /** Replaces them. */
  alter(altered: ConfigTexts): void {
    this.#altered = altered
    this.#settings.clear()
  }

  /** Those that `altered` would lead to. */
  with(altered: ConfigTexts): Configs {
    return new Configs(this.#statics, altered)
  }

  /** The number of a config that only the broker has. */
  brokerNumber(name: string): number {
    return Number(this.#statics[name] ?? brokerOnlyConfigs[name]!.default)
  }

  /** The flag of a config that only the broker has. */
  brokerFlag(name: string): boolean {
    return isTrue(this.#statics[name] ?? brokerOnlyConfigs[name]!.default)
  }

  /** The value of a topic config, given the topic's own configs. */
  value(name: TopicConfigName, own: ConfigTexts): string {
    return this.#values(name, own)[0]!.inTopic
  }

  /** The settings of the partitions of a topic with these configs. */
  settingsOf(own: ConfigTexts = {}): PartitionSettings {
    const key = JSON.stringify(own)
    const known = this.#settings.get(key)
    if (known) return known
    const settings = this.#settingsOf(own)
    if (this.#settings.size < settingsMax) this.#settings.set(key, settings)
    return settings
  }

  /** Throws INVALID_CONFIG for values that do not go together: of a topic, or without `own` of the broker. */
  checkTogether(own?: ConfigTexts): void {
    const { minCompactionLagMs, maxCompactionLagMs } = this.#settingsOf(own ?? {})
    if (minCompactionLagMs <= maxCompactionLagMs) return
    const nameOf = (name: TopicConfigName): string => (own ? name : topicConfigs[name].broker[0]!.name)
    throw invalid(
      nameOf('min.compaction.lag.ms'),
      `is ${minCompactionLagMs}, and must be at most ${nameOf('max.compaction.lag.ms')}, which is ${maxCompactionLagMs}`,
    )
  }

  describeTopic(own: ConfigTexts): ConfigDescription[] {
    return topicConfigNames.map(name => {
      const { kind, does, unused } = topicConfigs[name]
      const [first, ...others] = this.#values(name, own)
      return {
        name,
        value: first!.inTopic,
        source: first!.source,
        synonyms: [first!, ...others].map(shown),
        type: kind.type,
        readOnly: false,
        documentation: unused === undefined ? does : `${does} Takes only its default: ${unused}.`,
      }
    })
  }

  describeBroker(): ConfigDescription[] {
    const defaults = [...brokerSynonyms].map(
      ([name, { topicConfig, unitMs, isFirst }]): ConfigDescription => {
        const { kind, does, unused } = topicConfigs[topicConfig]
        const synonyms = this.#brokerValues(topicConfig)
        const own = synonyms.find(synonym => synonym.name === name)
        return {
          name,
          value: own?.value ?? null,
          source: own?.source ?? 'default',
          synonyms: synonyms.map(shown),
          type: unitMs === undefined ? kind.type : 'int',
          readOnly: !isFirst,
          documentation: `The default of ${topicConfig}. ${unused === undefined ? does : `Takes only its default: ${unused}.`}`,
        }
      },
    )
    const others = Object.entries(brokerOnlyConfigs).map(([name, definition]): ConfigDescription => {
      const value = this.#statics[name] ?? definition.default
      const source = this.#statics[name] === undefined ? 'default' : 'static'
      const { kind, does } = definition
      return {
        name,
        value,
        source,
        synonyms: [{ name, value, source }],
        type: kind.type,
        readOnly: true,
        documentation: does,
      }
    })
    return [...defaults, ...others].sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** All values by precedence, each also as the topic has it. The last one is Kafka's default. */
  #values(name: TopicConfigName, own: ConfigTexts): Value[] {
    const values = this.#brokerValues(name)
    const text = own[name]
    const source: ConfigSource = 'topic'
    return text === undefined ? values : [{ name, value: text, source, inTopic: text }, ...values]
  }

  #brokerValues(name: TopicConfigName): Value[] {
    const { broker, default: kafkas } = topicConfigs[name]
    const found: Value[] = []
    for (const [texts, source] of [
      [this.#altered, 'broker'],
      [this.#statics, 'static'],
    ] as const)
      for (const { name: synonym, unitMs } of broker) {
        const value = texts[synonym]
        if (value !== undefined)
          found.push({ name: synonym, value, source, inTopic: inTopicUnits(value, unitMs) })
      }
    const { name: last = name, unitMs } = broker.at(-1) ?? {}
    const value = unitMs === undefined ? kafkas : `${Number(kafkas) / unitMs}`
    found.push({ name: last, value, source: 'default', inTopic: kafkas })
    return found
  }

  #settingsOf(own: ConfigTexts): PartitionSettings {
    const text = (name: TopicConfigName): string => this.value(name, own)
    const number = (name: TopicConfigName): number => numberOf(text(name))
    const policy = itemsOf(text('cleanup.policy'))
    return {
      flushMessages: number('flush.messages'),
      flushMs: number('flush.ms'),
      retentionBytes: number('retention.bytes'),
      retentionMs: number('retention.ms'),
      segmentBytes: number('segment.bytes'),
      segmentMs: number('segment.ms'),
      segmentIndexBytes: number('segment.index.bytes'),
      indexIntervalBytes: number('index.interval.bytes'),
      compact: policy.includes('compact'),
      delete: policy.includes('delete'),
      deleteRetentionMs: number('delete.retention.ms'),
      minCompactionLagMs: number('min.compaction.lag.ms'),
      maxCompactionLagMs: number('max.compaction.lag.ms'),
      minCleanableDirtyRatio: Number(text('min.cleanable.dirty.ratio')),
      maxMessageBytes: number('max.message.bytes'),
      messageTimestampType:
        text('message.timestamp.type') === 'LogAppendTime' ? 'LogAppendTime' : 'CreateTime',
      messageTimestampBeforeMaxMs: number('message.timestamp.before.max.ms'),
      messageTimestampAfterMaxMs: number('message.timestamp.after.max.ms'),
      compressionType: text('compression.type') as PartitionSettings['compressionType'],
    }
  }
}
