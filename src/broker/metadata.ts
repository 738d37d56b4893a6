/**
 * What the broker knows beside the log itself: its topics and which producer ids were given out.
 *
 * One small JSON file, `metadata.json` in the data directory, replaced as a whole: after a crash it holds the old content or the new.
 * Writes queue up one behind the other.
 */
import { fromUtf8, InTurn, MillraceError, utf8, type Disk } from '../base/index.ts'
import { readFile, replaceFile } from '../log/index.ts'

/** A topic as it is stored. */
export interface StoredTopic {
  readonly name: string
  /** 16 random bytes in base64url, as Kafka's topic ids: tells a topic from an earlier one of the same name. */
  readonly id: string
  readonly partitions: number
  readonly retentionBytes?: number
  readonly segmentBytes?: number
  readonly internal?: true
  /** Set while the partitions are being removed; an interrupted deletion goes on at start. */
  readonly deleting?: true
}

export interface Metadata {
  readonly format: 1
  /** Producer ids below this one may have been given out. */
  readonly nextProducerId: number
  readonly topics: readonly StoredTopic[]
}

const fileName = 'metadata.json'
const empty: Metadata = { format: 1, nextProducerId: 0, topics: [] }

export class MetadataFile {
  readonly #disk: Disk
  readonly #folder: string
  #current: Metadata
  readonly #updates = new InTurn()
  /** There was no file: the folder is new, or was filled by somebody else. */
  readonly isNew: boolean

  private constructor(disk: Disk, folder: string, current: Metadata, isNew: boolean) {
    this.isNew = isNew
    this.#disk = disk
    this.#folder = folder
    this.#current = current
  }

  /** DATA_DIR_UNREADABLE when the file is there and makes no sense. */
  static async open(disk: Disk, folder: string): Promise<MetadataFile> {
    const path = `${folder}/${fileName}`
    const bytes = await readFile(disk, path)
    if (!bytes) return new MetadataFile(disk, folder, empty, true)
    return new MetadataFile(disk, folder, parse(utf8(bytes), path), false)
  }

  get current(): Metadata {
    return this.#current
  }

  /** Applies `change` to what is current once earlier updates are written; resolves when the result is durable. */
  update(change: (metadata: Metadata) => Metadata): Promise<void> {
    return this.#updates.run(async () => {
      const next = change(this.#current)
      const bytes = fromUtf8(`${JSON.stringify(next, undefined, 2)}\n`)
      await replaceFile(this.#disk, this.#folder, fileName, bytes)
      this.#current = next
    })
  }
}

function parse(text: string, path: string): Metadata {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (cause) {
    throw unreadable(path, 'it is not JSON', cause)
  }
  if (typeof parsed !== 'object' || parsed === null) throw unreadable(path, 'it is not a JSON object')
  const { format, nextProducerId, topics } = parsed as Record<string, unknown>
  if (format !== 1) throw unreadable(path, `its format is ${JSON.stringify(format)}, this version reads 1`)
  if (!Number.isSafeInteger(nextProducerId) || !Array.isArray(topics) || !topics.every(isTopic))
    throw unreadable(path, 'a field is missing or of the wrong kind')
  return { format, nextProducerId: nextProducerId as number, topics }
}

function isTopic(value: unknown): value is StoredTopic {
  if (typeof value !== 'object' || value === null) return false
  const { name, id, partitions } = value as Record<string, unknown>
  return (
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
