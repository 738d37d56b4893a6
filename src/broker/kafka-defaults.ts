/**
 * Kafka's defaults over a log that a program has filled under its own: they would delete records that it
 * keeps. So they have to be asked for by name, unless the log began with them.
 */
import { MillraceError } from '../base/index.ts'
import { itemsOf } from './configs/values.ts'
import type { Configs } from './configs/configs.ts'
import type { MetadataFile, StoredTopic } from './internal/metadata.ts'

/** Topics that the message names. */
const namedMax = 3

/**
 * Marks a new log as one that began with Kafka's defaults.
 * @throws MillraceError INVALID_CONFIG: topics keep all records only by the defaults of their program
 */
export async function takeKafkaDefaults(metadata: MetadataFile, configs: Configs): Promise<void> {
  const { topics, defaults } = metadata.current
  if (defaults === 'kafka') return
  const ofUsers = topics.filter(({ internal, app }) => !internal && app === undefined)
  if (ofUsers.length === 0)
    return metadata.update(current =>
      current.topics === topics ? { ...current, defaults: 'kafka' } : current,
    )
  const [retention] = configs.describeTopic({}).filter(({ name }) => name === 'retention.ms')
  if (retention!.source !== 'default') return
  const kept = ofUsers.filter(topic => isKeptByDefault(topic, configs)).map(({ name }) => `'${name}'`)
  if (kept.length === 0) return
  const named = kept.slice(0, namedMax).join(', ') + (kept.length > namedMax ? ', …' : '')
  throw new MillraceError(
    'INVALID_CONFIG',
    `A program has kept all records of ${kept.length === 1 ? 'topic' : `${kept.length} topics:`} ${named}. ` +
      "Kafka's defaults would delete those that are older than 7 days. Say which: log.retention.ms=-1 keeps all, log.retention.hours=168 is Kafka's.",
  )
}

function isKeptByDefault({ configs: own = {} }: StoredTopic, configs: Configs): boolean {
  return own['retention.ms'] === undefined && itemsOf(configs.value('cleanup.policy', own)).includes('delete')
}
