/**
 * What the apps that run over a log declare of its topics' partition counts. So the app that starts first
 * makes a topic as another app declares it.
 *
 * An app is known from the call that starts it. If two apps are started without waiting in between, each
 * knows what the other declares.
 */
import { MillraceError } from '../../base/index.ts'
import { asDeclared, type DeclaredTopic, type LogPort } from '../../port/index.ts'
import type { Plan } from './plan.ts'

/** A topic that an app reads or writes. */
interface TopicUse {
  readonly app: string
  readonly topic: DeclaredTopic
}

const usesOf = new WeakMap<LogPort, Set<readonly TopicUse[]>>()

/** Registers the topics of an app that starts to run over a log. Returns the function that removes them. */
export function announceUses(port: LogPort, app: string, plan: Plan): () => void {
  const uses: TopicUse[] = []
  for (const topic of plan.globals) uses.push({ app, topic })
  for (const { sources, nodes } of plan.stages) {
    for (const { topic } of sources) uses.push({ app, topic })
    for (const node of nodes) if (node.kind === 'sink') uses.push({ app, topic: node.topic })
  }
  const all = usesOf.get(port) ?? new Set()
  usesOf.set(port, all.add(uses))
  return () => all.delete(uses)
}

/** The partition count for a new topic, as this app or another app of the log states it. */
export function statedCount(port: LogPort, { name, partitions }: DeclaredTopic): number | undefined {
  if (partitions !== undefined) return partitions
  return find(port, ({ topic }) => topic.name === name && topic.partitions !== undefined)?.topic.partitions
}

/**
 * The partition count of a topic, as {@link asDeclared} gives it. A refusal names the app that uses the topic
 * with that count.
 * @throws MillraceError PARTITION_COUNT_CHANGED
 */
export function agreedCount(port: LogPort, app: string, topic: DeclaredTopic, found: number): number {
  const { name, partitions } = topic
  if (partitions === undefined || partitions === found) return found
  const other = find(
    port,
    use => use.app !== app && use.topic.name === name && (use.topic.partitions ?? found) === found,
  )
  if (!other) return asDeclared(topic, found)
  const says = other.topic.partitions === undefined ? 'declares no count' : `declares ${found}, too`
  throw new MillraceError(
    'PARTITION_COUNT_CHANGED',
    `The app '${app}' declares topic '${name}' with ${partitions} partitions, but it has ${found}, and the app '${other.app}', which runs over it, ${says}. ` +
      `A topic keeps its count. Declare ${found}, or give both apps a new topic, with its partitions in one declaration that both use.`,
  )
}

function find(port: LogPort, isIt: (use: TopicUse) => boolean): TopicUse | undefined {
  for (const uses of usesOf.get(port) ?? []) for (const use of uses) if (isIt(use)) return use
  return undefined
}
