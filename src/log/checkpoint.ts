/**
 * Checkpoint files: an offset per partition, in Apache Kafka's form.
 *
 * ```
 * 0                        version
 * 2                        number of lines that follow
 * flights 0 8839201        topic, partition, offset
 * flights 1 8840022
 * ```
 * `recovery-point-offset-checkpoint` holds offsets that are known to be synced, `log-start-offset-checkpoint` those that partitions were made to
 * start at. Each is replaced as a whole: after a crash it is the old one or the new one, and both are true, because the offsets only grow.
 */
import { fromUtf8, MillraceError, utf8, type Disk } from '../base/index.ts'
import { readFile, replaceFile } from './small-file.ts'

export const recoveryPointsName = 'recovery-point-offset-checkpoint'
export const logStartsName = 'log-start-offset-checkpoint'

/** Offsets by partition folder (`flights-0`). */
export type Offsets = ReadonlyMap<string, number>

interface Line {
  readonly topic: string
  readonly index: number
  readonly offset: number
}

/** What the file says; nothing where it is not there. DATA_DIR_UNREADABLE when it makes no sense. */
export async function readCheckpoint(disk: Disk, directory: string, name: string): Promise<Offsets> {
  const bytes = await readFile(disk, `${directory}/${name}`)
  if (!bytes) return new Map()
  const [version, count, ...lines] = utf8(bytes).trimEnd().split('\n')
  const offsets = new Map<string, number>()
  for (const line of lines) {
    const found = /^(\S+) (\d+) (\d+)$/.exec(line)
    if (!found) throw unreadable(directory, name)
    offsets.set(`${found[1]}-${found[2]}`, Number(found[3]))
  }
  if (version !== '0' || Number(count) !== lines.length) throw unreadable(directory, name)
  return offsets
}

/** Replaces the file. Durable when this resolves. */
export async function writeCheckpoint(
  disk: Disk,
  directory: string,
  name: string,
  lines: readonly Line[],
): Promise<void> {
  const text = lines.map(({ topic, index, offset }) => `${topic} ${index} ${offset}\n`).join('')
  await replaceFile(disk, directory, name, fromUtf8(`0\n${lines.length}\n${text}`))
}

function unreadable(directory: string, name: string): MillraceError {
  return new MillraceError(
    'DATA_DIR_UNREADABLE',
    `${directory}/${name} is damaged. Restore it, or remove it: then all of the log counts as unsynced, and is cut at the first bad batch.`,
  )
}
