/**
 * Why the cleaner leaves a partition alone, in `cleaner-refusal` in its folder; Kafka calls such a partition
 * uncleanable. For people: no start depends on it. A damaged file counts as missing.
 *
 * ```
 * refusal 1                                         version
 * {"code":"INVALID_RECORD","message":"…"}           the error
 * check 1c291ca3
 * ```
 */
import type { Disk } from '../../base/index.ts'
import { readChecked, withCheck } from '../files/checked-text.ts'
import { cleanerRefusalName } from '../files/file-names.ts'
import { readFile, removeIfThere, replaceFile } from '../files/small-file.ts'

export interface CleanerRefusal {
  readonly code: string
  readonly message: string
}

export async function readCleanerRefusal(disk: Disk, folder: string): Promise<CleanerRefusal | undefined> {
  const bytes = await readFile(disk, `${folder}/${cleanerRefusalName}`)
  const found = bytes && readChecked(bytes)
  const text = found?.state === 'good' ? /^refusal 1\n(.*)\n$/.exec(found.text)?.[1] : undefined
  return text === undefined ? undefined : (JSON.parse(text) as CleanerRefusal)
}

/** Replaces the file. */
export async function writeCleanerRefusal(
  disk: Disk,
  folder: string,
  { code, message }: CleanerRefusal,
): Promise<void> {
  const text = `refusal 1\n${JSON.stringify({ code, message })}\n`
  await replaceFile(disk, folder, cleanerRefusalName, withCheck(text))
}

/** The partition was compacted. */
export async function removeCleanerRefusal(disk: Disk, folder: string): Promise<void> {
  await removeIfThere(disk, `${folder}/${cleanerRefusalName}`)
}
