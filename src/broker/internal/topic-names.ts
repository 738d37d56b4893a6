/** Internal topics, of the log and of apps: their names, and their configs. */
import { type ConfigTexts, unlimited } from '../configs/values.ts'

/** Topics that the broker keeps for itself. */
export const offsetsTopic = '__consumer_offsets'
export const transactionsTopic = '__transaction_state'
export const internalTopics: readonly string[] = [offsetsTopic, transactionsTopic]

/**
 * Apache Kafka keeps the metadata of a cluster in a log of this name, in the same folder as those of topics,
 * and lets no client create it.
 */
export const clusterMetadataTopic = '__cluster_metadata'

/**
 * The own configs of a topic that the log or an app needs whole and unchanged, whatever the defaults of other
 * topics are.
 */
export const keptWhole: Readonly<Record<string, string>> = {
  'cleanup.policy': 'delete',
  'compression.type': 'producer',
  'max.message.bytes': '2147483647',
  'message.timestamp.after.max.ms': unlimited,
  'message.timestamp.before.max.ms': unlimited,
  'message.timestamp.type': 'CreateTime',
  'retention.bytes': '-1',
  'retention.ms': '-1',
}

/** Those of an app's topic that nobody may change: its records would be lost, or get other times. */
export function appNeeds(name: string): ConfigTexts {
  // A changelog may be compacted. What is between stages has many records of a key, and a plan has no key.
  const mayBeCompacted = !/-(repartition|plan-changelog)$/.test(name)
  const free = ['compression.type', 'max.message.bytes', ...(mayBeCompacted ? ['cleanup.policy'] : [])]
  return Object.fromEntries(Object.entries(keptWhole).filter(([config]) => !free.includes(config)))
}

/** Whether a topic that 0.1.0 made, which marked none, may be an app's: by its name. */
export function mayBeOfApp({ name, app }: { readonly name: string; readonly app?: string }): boolean {
  return app === undefined && /.-(changelog|repartition)$/.test(name)
}

/** The names of an app's topics: `<app>-<operator>-changelog`, `<app>-<operator>-repartition`. */
export function isNamedAsOfApp(topic: string, app: string): boolean {
  return topic.startsWith(`${app}-`) && /-(changelog|repartition)$/.test(topic)
}

/**
 * Whether a name, as `<app>-0`, is of this app, and not of another one whose name is longer: `<app>-jobs-0`
 * of `<app>-jobs`.
 */
export function isNameOfApp(name: string, app: string, apps: Iterable<string>): boolean {
  if (!name.startsWith(`${app}-`)) return false
  for (const other of apps)
    if (other.length > app.length && other.startsWith(`${app}-`) && name.startsWith(`${other}-`)) return false
  return true
}
