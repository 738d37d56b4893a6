/**
 * Checkpoint files: an offset per partition, in Apache Kafka's form, with a check line at the end
 * (checked-text.ts).
 *
 * ```
 * 0                        version
 * 2                        number of lines that follow, but for the last
 * flights 0 8839201        topic, partition, offset
 * flights 1 8840022
 * check d1ffc1a5
 * ```
 * `recovery-point-offset-checkpoint` holds offsets that are known to be synced, `log-start-offset-checkpoint`
 * those that partitions were made to start at. Each is replaced as a whole: after a crash it is the old one
 * or the new one, and both are true, because the offsets only grow. A damaged file counts as missing, and is
 * replaced at the next start. Files of millrace 0.1.0 and of Apache Kafka have no check line.
 */
import { fromUtf8, type Disk } from '../../base/index.ts'
import { readChecked, withCheck } from '../files/checked-text.ts'
import { readFile, replaceFile } from '../files/small-file.ts'

/** Offsets by partition folder (`flights-0`). */
export type Offsets = ReadonlyMap<string, number>

interface Line {
  readonly topic: string
  readonly index: number
  readonly offset: number
}

export interface Checkpoint {
  /** `unchecked`: the content may have changed since it was written. `damaged`: the content is not used. */
  readonly state: 'good' | 'unchecked' | 'missing' | 'damaged'
  readonly offsets: Offsets
}

export async function readCheckpoint(disk: Disk, directory: string, name: string): Promise<Checkpoint> {
  const bytes = await readFile(disk, `${directory}/${name}`)
  if (!bytes) return { state: 'missing', offsets: new Map() }
  const checked = readChecked(bytes)
  const offsets = checked.state === 'bad' ? undefined : parse(checked.text)
  if (checked.state === 'bad' || !offsets) return { state: 'damaged', offsets: new Map() }
  return { state: checked.state, offsets }
}

/**
 * Replaces the file. Durable when this resolves. `unchecked`: without a check line, since the content is not
 * proved.
 */
export async function writeCheckpoint(
  disk: Disk,
  directory: string,
  name: string,
  lines: readonly Line[],
  state: 'good' | 'unchecked' = 'good',
): Promise<void> {
  const text = lines.map(({ topic, index, offset }) => `${topic} ${index} ${offset}\n`).join('')
  const content = `0\n${lines.length}\n${text}`
  await replaceFile(disk, directory, name, state === 'good' ? withCheck(content) : fromUtf8(content))
}

function parse(text: string): Offsets | undefined {
  const [version, count, ...lines] = text.trimEnd().split('\n')
  const offsets = new Map<string, number>()
  for (const line of lines) {
    const found = /^(\S+) (\d+) (\d+)$/.exec(line)
    if (!found) return undefined
    offsets.set(`${found[1]}-${found[2]}`, Number(found[3]))
  }
  return version === '0' && Number(count) === lines.length ? offsets : undefined
}
