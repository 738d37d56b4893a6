/**
 * The configuration of a partition, in its folder (`config.json`). It also has the topic's id and partition
 * count, so that a changed list of topics is noticed.
 */
import type { Disk } from '../../base/index.ts'
import { readChecked, withCheck } from './checked-text.ts'
import { partitionConfigName } from './file-names.ts'
import { readFile } from './small-file.ts'

export interface PartitionConfig {
  /** The topic's own configs, by Kafka's names, as texts. The broker makes the settings of them. */
  readonly configs?: Readonly<Record<string, string>>
  /** Of the topic that the partition was made for. Unknown where millrace 0.1.0 or Apache Kafka made it. */
  readonly topicId?: string
  /** How many partitions that topic has. Unknown where millrace 0.1.0 or Apache Kafka made it. */
  readonly partitions?: number
  /** The app that the topic is internal to. */
  readonly app?: string
  /** A repair has cut acknowledged records here. */
  readonly cutAt?: number
  /** Tells this cut from others at the same offset. Versions before wrote none. */
  readonly cutId?: string
}

/** For a partition whose file is damaged: no default may delete records. */
const unknownConfig: PartitionConfig = {
  configs: { 'cleanup.policy': 'delete', 'retention.bytes': '-1', 'retention.ms': '-1' },
}

export function encodePartitionConfig(config: PartitionConfig): Uint8Array {
  return withCheck(`${JSON.stringify(config)}\n`)
}

/**
 * The configuration that the folder keeps; `isKnown` is false if its file has changed since it was written. A
 * folder without one has no configuration.
 */
export async function readPartitionConfig(
  disk: Disk,
  folder: string,
): Promise<{ readonly config: PartitionConfig; readonly isKnown: boolean }> {
  const bytes = await readFile(disk, `${folder}/${partitionConfigName}`)
  if (!bytes) return { config: {}, isKnown: true }
  const found = readChecked(bytes)
  const config = found.state === 'bad' ? undefined : parse(found.text)
  return config ? { config, isKnown: true } : { config: unknownConfig, isKnown: false }
}

function parse(text: string): PartitionConfig | undefined {
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof found !== 'object' || found === null || Array.isArray(found)) return undefined
  const { retentionBytes, segmentBytes, configs, ...rest } = found as Record<string, unknown>
  const { topicId, partitions, app, cutAt, cutId } = rest
  const isCount = (value: unknown): boolean => value === undefined || Number.isSafeInteger(value)
  if (!isCount(retentionBytes) || !isCount(segmentBytes) || !isCount(partitions) || !isCount(cutAt))
    return undefined
  const isText = (value: unknown): boolean => value === undefined || typeof value === 'string'
  if (!isText(topicId) || !isText(app) || !isText(cutId)) return undefined
  if (configs !== undefined && !isTexts(configs)) return undefined
  const own = configs ?? configsOfSizes({ retentionBytes, segmentBytes })
  return { ...rest, ...(own === undefined ? {} : { configs: own }) }
}

/** The two sizes of a topic that versions up to 0.1.0 kept, as configs. */
export function configsOfSizes(sizes: {
  readonly retentionBytes?: unknown
  readonly segmentBytes?: unknown
}): Readonly<Record<string, string>> | undefined {
  const { retentionBytes, segmentBytes } = sizes
  if (retentionBytes === undefined && segmentBytes === undefined) return undefined
  return {
    ...(retentionBytes === undefined ? {} : { 'retention.bytes': `${retentionBytes as number}` }),
    ...(segmentBytes === undefined ? {} : { 'segment.bytes': `${segmentBytes as number}` }),
  }
}

export function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every(text => typeof text === 'string')
  )
}
