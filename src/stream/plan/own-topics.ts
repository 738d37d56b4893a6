/** The topics that an app keeps for itself, by name. Its changelogs are named in state/changelog.ts. */
import type { LogPort } from '../../port/index.ts'

/**
 * The topic that holds the app's plans (plan-topic.ts). An operator's changelog cannot have this name, since
 * that has the operator and a state in it.
 */
export function planTopic(app: string): string {
  return `${app}-plan-changelog`
}

/** The topic between two stages, by the exchange's name. */
export function exchangeTopic(app: string, { name }: { readonly name: string }): string {
  return `${app}-${name}-repartition`
}

/** All of them that are there, changelogs too. */
export async function topicsOfApp(port: LogPort, app: string): Promise<string[]> {
  const topics = await port.listTopics({ internal: true })
  return topics.filter(({ config }) => config.app === app).map(({ name }) => name)
}
