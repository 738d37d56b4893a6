/** Checks of a topic's name and configuration. */
import { checkTopicName, MillraceError } from '../../base/index.ts'
import type { TopicConfig, TopicConfigs } from '../../port/index.ts'
import { checkTopicConfig } from '../configs/broker-configs.ts'
import { textOf, type ConfigTexts } from '../configs/values.ts'
import type { StoredTopic } from '../internal/metadata.ts'
import { isNamedAsOfApp } from '../internal/topic-names.ts'

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
export function checkPartitionCount(name: string, partitions: number): void {
  if (!Number.isSafeInteger(partitions) || partitions < 1 || partitions > partitionsMax)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `Topic '${name}': partitions must be a whole number from 1 to ${partitionsMax}, not ${partitions}.`,
    )
}

/** The configs of a new topic, as texts. INVALID_CONFIG. */
export function checkedConfigs(configs: TopicConfigs = {}): ConfigTexts {
  const texts: Record<string, string> = {}
  for (const [name, value] of Object.entries(configs)) {
    texts[name] = textOf(name, value)
    checkTopicConfig(name, texts[name])
  }
  return texts
}

/** Whether 0.1.0 made the topic for the app that asks for it. */
export function canBeClaimed({ name, app, partitions }: StoredTopic, config: TopicConfig): boolean {
  return (
    app === undefined &&
    config.app !== undefined &&
    isNamedAsOfApp(name, config.app) &&
    partitions === config.partitions
  )
}
