/**
 * The broker's metadata beside the log: its topics, and the producer ids given out.
 *
 * One small file, `metadata.json` in the data directory: a JSON object, and a line that proves it. It is
 * replaced as a whole, so that after a crash it holds the old content or the new. Writes are queued.
 *
 * An older copy of the file proves itself as well. So a start compares it with the topic that each partition
 * states (`log/files/partition-config.ts`): see topic-recovery.ts. millrace 0.1.0 wrote format 1, which has
 * no proof. Format 2 had two sizes in place of the configs of a topic.
 */
import { assert, SerialQueue, MillraceError, type Disk } from '../../base/index.ts'
import {
  configsOfSizes,
  diskError,
  isTexts,
  readChecked,
  readFile,
  replaceFile,
  withCheck,
} from '../../log/index.ts'
import type { ConfigTexts } from '../configs/values.ts'
import { keptWhole, mayBeOfApp } from './topic-names.ts'

/** A topic as it is stored. */
export interface StoredTopic {
  readonly name: string
  /**
   * 16 random bytes in base64url, as Kafka's topic ids: tells a topic from an earlier one of the same name.
   */
  readonly id: string
  readonly partitions: number
  /** Its own configs, by Kafka's names. */
  readonly configs?: ConfigTexts
  /** It is internal to the log. */
  readonly internal?: true
  /** The app that the topic is internal to. */
  readonly app?: string
  /** Its name is as of an app's topic, and 0.1.0 made it, which did not say so: the app may claim it. */
  readonly unclaimed?: true
  /** Set while the partitions are being made; an interrupted creation is undone at start. */
  readonly creating?: true
  /** Set while partitions are being added, to so many; an interrupted growth is undone at start. */
  readonly growingTo?: number
  /** Set while the partitions are being removed; an interrupted deletion continues at start. */
  readonly deleting?: true
}

export interface Metadata {
  /** Of the log, as Kafka's cluster id. Given when it is first asked for. */
  readonly clusterId?: string
  /** Producer ids below this one may have been given out. */
  readonly nextProducerId: number
  /** No two of one name. */
  readonly topics: readonly StoredTopic[]
  /** The defaults of all topics that were altered, by Kafka's names for brokers. */
  readonly brokerConfigs: ConfigTexts
  /** The log began with Kafka's defaults: they delete nothing that its programs keep by theirs. */
  readonly defaults?: 'kafka'
  /** Apps that are being deleted, with their topics, offsets and transactional ids; continued at start. */
  readonly deletingApps: readonly string[]
  /** The last cut of the committed offsets, and the groups whose offsets were set since. */
  readonly offsetsCut?: {
    readonly at: number
    readonly settled: readonly string[]
    /** The cut that the partition stated then, of a repair. */
    readonly stated?: number
    /** The id of that cut. */
    readonly statedId?: string
  }
}

const fileName = 'metadata.json'
const format = 3
const empty: Metadata = { nextProducerId: 0, topics: [], brokerConfigs: {}, deletingApps: [] }

/** Where the content came from: `new`, there was no file; `unproved`, millrace 0.1.0 wrote it. */
export type MetadataOrigin = 'new' | 'unproved' | 'proved'

export class MetadataFile {
  readonly #disk: Disk
  readonly #folder: string
  #current: Metadata
  readonly #updates = new SerialQueue()
  readonly origin: MetadataOrigin

  private constructor(disk: Disk, folder: string, current: Metadata, origin: MetadataOrigin) {
    this.origin = origin
    this.#disk = disk
    this.#folder = folder
    this.#current = current
  }

  /** Throws DATA_DIR_UNREADABLE if the file exists and has changed since it was written. */
  static async open(disk: Disk, folder: string): Promise<MetadataFile> {
    const path = `${folder}/${fileName}`
    const bytes = await readFile(disk, path)
    if (!bytes) return new MetadataFile(disk, folder, empty, 'new')
    const content = readChecked(bytes)
    if (content.state === 'bad') throw unreadable(path, 'its content has changed since it was written')
    const isProved = content.state === 'good'
    return new MetadataFile(
      disk,
      folder,
      parse(content.text, path, isProved),
      isProved ? 'proved' : 'unproved',
    )
  }

  get current(): Metadata {
    return this.#current
  }

  /**
   * Applies `change` to the current content once earlier updates are written; resolves when the result is
   * durable.
   * @throws MillraceError DISK_FULL, DISK_FAILED, LIMIT_EXCEEDED: the current content is then unchanged
   */
  update(change: (metadata: Metadata) => Metadata): Promise<void> {
    return this.#updates.run(async () => {
      const next = change(this.#current)
      assert(
        new Set(next.topics.map(({ name }) => name)).size === next.topics.length,
        'no two topics have one name',
      )
      const bytes = withCheck(`${JSON.stringify({ format, ...next }, undefined, 2)}\n`)
      try {
        await replaceFile(this.#disk, this.#folder, fileName, bytes)
      } catch (error) {
        throw diskError(error, `writing ${this.#folder}/${fileName}`)
      }
      this.#current = next
    })
  }
}

function parse(text: string, path: string, isProved: boolean): Metadata {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw unreadable(path, 'it is not JSON', cause)
  }
  if (typeof parsed !== 'object' || parsed === null) throw unreadable(path, 'it is not a JSON object')
  const {
    format: found,
    clusterId,
    nextProducerId,
    topics,
    brokerConfigs = {},
    deletingApps = [],
    offsetsCut,
    defaults,
  } = parsed as Record<string, unknown>
  if (found !== format && found !== 2 && found !== 1)
    throw unreadable(path, `its format is ${JSON.stringify(found)}, this version reads 1 to ${format}`)
  if (found !== 1 && !isProved) throw unreadable(path, 'the line that proves its content is missing')
  if (
    !(clusterId === undefined || typeof clusterId === 'string') ||
    !Number.isSafeInteger(nextProducerId) ||
    !Array.isArray(topics) ||
    !topics.every(isTopic) ||
    !isTexts(brokerConfigs) ||
    !Array.isArray(deletingApps) ||
    !deletingApps.every(app => typeof app === 'string') ||
    !(offsetsCut === undefined || isCut(offsetsCut))
  )
    throw unreadable(path, 'a field is missing or of the wrong kind')
  return {
    ...(clusterId === undefined ? {} : { clusterId }),
    nextProducerId: nextProducerId as number,
    topics: oncePerName(topics)
      .map(topic => (found === format ? topic : withConfigs(topic)))
      .map(topic => (found === 1 && mayBeOfApp(topic) ? { ...topic, unclaimed: true } : topic)),
    brokerConfigs,
    deletingApps,
    ...(offsetsCut === undefined ? {} : { offsetsCut }),
    ...(defaults === 'kafka' ? { defaults } : {}),
  }
}

function isCut(value: unknown): value is NonNullable<Metadata['offsetsCut']> {
  if (typeof value !== 'object' || value === null) return false
  const { at, settled, stated, statedId } = value as Record<string, unknown>
  return (
    Number.isSafeInteger(at) &&
    (stated === undefined || Number.isSafeInteger(stated)) &&
    (statedId === undefined || typeof statedId === 'string') &&
    Array.isArray(settled) &&
    settled.every(each => typeof each === 'string')
  )
}

/**
 * 0.1.0 could leave a topic of a failed creation, and then create another of its name: the later one was
 * used.
 */
function oncePerName(topics: readonly StoredTopic[]): StoredTopic[] {
  return [...new Map(topics.map(topic => [topic.name, topic])).values()]
}

/** A topic of an earlier format, which had two sizes; what the log or an app needs was kept whole. */
function withConfigs(
  topic: StoredTopic & { readonly retentionBytes?: number; readonly segmentBytes?: number },
): StoredTopic {
  const { retentionBytes, segmentBytes, ...rest } = topic
  const isKeptWhole = rest.internal === true || rest.app !== undefined
  const sizes = configsOfSizes({ retentionBytes, segmentBytes })
  const configs = { ...sizes, ...(isKeptWhole ? keptWhole : {}) }
  return { ...rest, ...(Object.keys(configs).length === 0 ? {} : { configs }) }
}

function isTopic(value: unknown): value is StoredTopic {
  if (typeof value !== 'object' || value === null) return false
  const { name, id, partitions, configs, growingTo } = value as Record<string, unknown>
  return (
    (growingTo === undefined || Number.isSafeInteger(growingTo)) &&
    (configs === undefined || isTexts(configs)) &&
    typeof name === 'string' &&
    typeof id === 'string' &&
    Number.isInteger(partitions) &&
    (partitions as number) > 0
  )
}

function unreadable(path: string, why: string, cause?: unknown): MillraceError {
  return new MillraceError(
    'DATA_DIR_UNREADABLE',
    `${path} cannot be used: ${why}. Restore it from a backup, or move it away: topics are then found again by their partitions.`,
    { cause },
  )
}
