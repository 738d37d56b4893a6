/** The topics that an app keeps for itself, by name. Its changelogs are named in state/changelog.ts. */
import type { LogPort } from '../../port/index.ts'

/**
 * The topic that holds the app's plans (plan-topic.ts). No operator's changelog can have this name, since the
 * name of a changelog contains the operator and a state.
 */
export function planTopic(app: string): string {
  return `${app}-plan-changelog`
}

/** The topic between two stages, by the exchange's name. */
export function exchangeTopic(app: string, { name }: { readonly name: string }): string {
  return `${app}-${name}-repartition`
}

/** All topics of the app that exist, changelogs too. */
export async function topicsOfApp(port: LogPort, app: string): Promise<string[]> {
  const topics = await port.listTopics({ internal: true })
  return topics.filter(({ config }) => config.app === app).map(({ name }) => name)
}
