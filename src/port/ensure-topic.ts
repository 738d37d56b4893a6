/** Creates topics at their first use, and checks that they are as the program declares. */
import { isMillraceError, MillraceError } from '../base/index.ts'
import type { LogPort, TopicConfig, TopicDescription } from './log-port.ts'

/** How often the partitions of a topic in use are counted again: Kafka's `metadata.max.age.ms`. */
export const countAgainMs: number = 5 * 60_000

/** A program's declaration of a topic. */
export interface DeclaredTopic {
  readonly name: string
  readonly partitions: number | undefined
}

/**
 * The topic as it is on the log. A missing one is created, with its declared partition count or 1.
 * @throws MillraceError PARTITION_COUNT_CHANGED if it declares another count than it has; INVALID_ARGUMENT
 *   for an internal topic
 */
export async function ensureTopic(port: LogPort, topic: DeclaredTopic): Promise<TopicDescription> {
  const { name, partitions = 1 } = topic
  const found = (await port.describeTopic(name)) ?? (await create(port, name, { partitions }))
  checkPublic(found)
  asDeclared(topic, found.partitions)
  return found
}

/** Another caller may be faster, or delete it at once: then it is missing. */
async function create(port: LogPort, name: string, config: TopicConfig): Promise<TopicDescription> {
  await createIfMissing(port, name, config)
  const created = await port.describeTopic(name)
  if (!created) throw missingTopic(name)
  return created
}

/** Creates a topic. Returns false if it exists already: another caller may have been faster. */
export async function createIfMissing(port: LogPort, name: string, config: TopicConfig): Promise<boolean> {
  try {
    await port.createTopic(name, config)
    return true
  } catch (error) {
    if (isMillraceError(error, 'TOPIC_EXISTS')) return false
    throw error
  }
}

/** How a topic is read. */
export interface TopicReading {
  /** Its reader, for the message: `which the app 'a' reads`. */
  readonly needs?: string
  /** Whether it may be internal to the log or an app. Default false. */
  readonly mayBeInternal?: boolean
}

/**
 * The topic, for a reader. A missing topic that declares its partitions is created: its writer may come
 * later.
 * @throws MillraceError UNKNOWN_TOPIC for any other missing topic; the errors of {@link ensureTopic}
 */
export async function topicToRead(
  port: LogPort,
  topic: DeclaredTopic,
  { needs, mayBeInternal = false }: TopicReading = {},
): Promise<TopicDescription> {
  const { name, partitions } = topic
  let found = await port.describeTopic(name)
  if (!found && partitions !== undefined) found = await create(port, name, { partitions })
  if (!found) throw missingTopic(name, { needs })
  if (!mayBeInternal) checkPublic(found)
  asDeclared(topic, found.partitions)
  return found
}

/** The parts of the message for a missing topic, beside its name. */
export interface MissingTopic {
  /** Its user: `which the app 'a' reads`. */
  readonly needs?: string | undefined
  /** The topics that the log has instead, as a sentence. */
  readonly others?: string
  /** Default: how it can be made. */
  readonly advice?: string
}

const missingAdvice =
  'Check the name, publish to it first, or declare its partitions so that it can be created.'

/** The one wording for a topic that does not exist. */
export function missingTopic(
  name: string,
  { needs, others = '', advice = missingAdvice }: MissingTopic = {},
): MillraceError {
  const who = needs === undefined ? '' : `, ${needs},`
  return new MillraceError('UNKNOWN_TOPIC', `Topic '${name}'${who} does not exist. ${others}${advice}`)
}

/**
 * Checks the partition count of a topic. With different counts, writer and reader would look for a key in
 * different partitions.
 * @throws MillraceError PARTITION_COUNT_CHANGED if the topic declares another count
 */
export function asDeclared({ name, partitions }: DeclaredTopic, found: number): number {
  if (partitions === undefined || partitions === found) return found
  throw new MillraceError(
    'PARTITION_COUNT_CHANGED',
    `The topic '${name}' has ${found} partitions, the program declares ${partitions}. Declare ${found}, or use a new topic: with another count keys would move.`,
  )
}

/**
 * Refuses internal topics: they change without notice, and are deleted with their app.
 * @throws MillraceError INVALID_ARGUMENT
 */
export function checkPublic({ name, internal, config: { app } }: TopicDescription): void {
  if (!internal) return
  throw new MillraceError(
    'INVALID_ARGUMENT',
    app === undefined
      ? `Topic '${name}' is internal to the log. Use another topic.`
      : `Topic '${name}' is internal to the app '${app}', which alone reads and writes it. Use another topic, which the app writes by to().`,
  )
}
