/**
 * How far a partition was compacted (`cleaner-checkpoint` in its folder), as text with a check line:
 *
 * ```
 * cleaner 1             version
 * cleaned 4711          keys of records below were compacted; the next pass begins here
 * gaps 4800             segments below may have gaps in their offsets
 * merged 0 4800         the last segment written: base offset, and the offset after it
 * check 1c291ca3
 * ```
 * `gaps` and `merged` are durable before a cleaned segment takes its place, `cleaned` after the last one of a
 * pass did. So a crash in between leaves a log that is compacted in part, which is sound: `gaps` covers it,
 * and the next pass begins where this one did. A gap at or above `gaps` is damage.
 *
 * `merged` tells recovery that the files of other segments in that range are left over, if the segment at its
 * base ends where it says.
 */
import type { Disk } from '../../base/index.ts'
import { readChecked, withCheck } from '../files/checked-text.ts'
import { cleanerCheckpointName } from '../files/file-names.ts'
import { readFile, replaceFile } from '../files/small-file.ts'

export interface CleanerCheckpoint {
  readonly cleanedTo: number
  readonly gapsBelow: number
  readonly merged: { readonly baseOffset: number; readonly endOffset: number } | undefined
}

/** Of a partition that was never compacted. */
export const neverCleaned: CleanerCheckpoint = { cleanedTo: 0, gapsBelow: 0, merged: undefined }

/**
 * For a partition whose checkpoint is damaged: it was compacted, and any gap may be of that. Everything is
 * compacted again.
 */
const unknown: CleanerCheckpoint = { cleanedTo: 0, gapsBelow: Infinity, merged: undefined }

export async function readCleanerCheckpoint(disk: Disk, folder: string): Promise<CleanerCheckpoint> {
  const bytes = await readFile(disk, `${folder}/${cleanerCheckpointName}`)
  if (!bytes) return neverCleaned
  const found = readChecked(bytes)
  return (found.state === 'good' ? parse(found.text) : undefined) ?? unknown
}

/** Replaces the file. Durable when this resolves. */
export async function writeCleanerCheckpoint(
  disk: Disk,
  folder: string,
  { cleanedTo, gapsBelow, merged }: CleanerCheckpoint,
): Promise<void> {
  const last = merged ? `${merged.baseOffset} ${merged.endOffset}` : '0 0'
  const text = `cleaner 1\ncleaned ${cleanedTo}\ngaps ${gapsBelow}\nmerged ${last}\n`
  await replaceFile(disk, folder, cleanerCheckpointName, withCheck(text))
}

/** Of a log that ends at `endOffset`: offsets from there on are given again, and are not compacted. */
export function cutCheckpoint(checkpoint: CleanerCheckpoint, endOffset: number): CleanerCheckpoint {
  const { cleanedTo, gapsBelow } = checkpoint
  if (cleanedTo <= endOffset && gapsBelow <= endOffset) return checkpoint
  return {
    cleanedTo: Math.min(cleanedTo, endOffset),
    gapsBelow: Math.min(gapsBelow, endOffset),
    merged: undefined,
  }
}

function parse(text: string): CleanerCheckpoint | undefined {
  const found = /^cleaner 1\ncleaned (\d+)\ngaps (\d+)\nmerged (\d+) (\d+)\n$/.exec(text)
  if (!found) return undefined
  const [cleanedTo, gapsBelow, baseOffset, endOffset] = found.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
  ]
  return { cleanedTo, gapsBelow, merged: endOffset > 0 ? { baseOffset, endOffset } : undefined }
}
