/** Names of internal topics: those of the log, and those of apps. */

/** Topics that the broker keeps for itself. */
export const offsetsTopic = '__consumer_offsets'
export const transactionsTopic = '__transaction_state'
export const internalTopics: readonly string[] = [offsetsTopic, transactionsTopic]

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
