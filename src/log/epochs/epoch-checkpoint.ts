/**
 * The file of a partition's leader epochs (`leader-epoch-checkpoint`), in Apache Kafka's form, with a check
 * line at the end (checked-text.ts). To give the folder to Apache Kafka, take that line off.
 *
 * ```
 * 0                version
 * 2                number of lines that follow, but for the last
 * 0 0              epoch, offset at which it begins
 * 3 8839201
 * check 1c291ca3
 * ```
 * Derived data: a file that is missing or does not prove itself is made from the batches again
 * (epochs-of-log.ts). So it is not synced.
 */
import type { Disk } from '../../base/index.ts'
import { readChecked, withCheck } from '../files/checked-text.ts'
import { leaderEpochsName } from '../files/file-names.ts'
import { readFile, writeFile } from '../files/small-file.ts'
import type { EpochStart, LeaderEpochs } from './leader-epochs.ts'

/** Undefined: there is none that could be believed. */
export async function readEpochs(disk: Disk, folder: string): Promise<readonly EpochStart[] | undefined> {
  const bytes = await readFile(disk, `${folder}/${leaderEpochsName}`)
  if (!bytes) return undefined
  const content = readChecked(bytes)
  return content.state === 'bad' ? undefined : parse(content.text)
}

/** Saves the epochs, unless they are saved already. */
export async function saveEpochs(disk: Disk, folder: string, epochs: LeaderEpochs): Promise<void> {
  if (!epochs.isUnsaved) return
  const { entries } = epochs
  const lines = entries.map(({ epoch, startOffset }) => `${epoch} ${startOffset}\n`).join('')
  const bytes = withCheck(`0\n${entries.length}\n${lines}`)
  await writeFile(disk, `${folder}/${leaderEpochsName}`, bytes, 'unsynced')
  epochs.saved(entries)
}

function parse(text: string): readonly EpochStart[] | undefined {
  const [version, count, ...lines] = text.trimEnd().split('\n')
  const entries: EpochStart[] = []
  for (const line of lines) {
    const found = /^(\d+) (\d+)$/.exec(line)
    if (!found) return undefined
    const entry = { epoch: Number(found[1]), startOffset: Number(found[2]) }
    const before = entries.at(-1)
    if (before && (entry.epoch <= before.epoch || entry.startOffset <= before.startOffset)) return undefined
    entries.push(entry)
  }
  return version === '0' && Number(count) === entries.length ? entries : undefined
}
