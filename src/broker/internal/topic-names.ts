/** Internal topics, of the log and of apps: their names, and their configs. */
import { unlimited } from '../configs/values.ts'

/** Topics that the broker keeps for itself. */
export const offsetsTopic = '__consumer_offsets'
export const transactionsTopic = '__transaction_state'
export const internalTopics: readonly string[] = [offsetsTopic, transactionsTopic]

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

/**
 * The names of app topics in millrace 0.1.0, which did not mark them: `<app>-<operator>-changelog`,
 * `<app>-<operator>-repartition`.
 */
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
