/** The segments that recovery finds in a partition's folder, and their proofs. */
import type { Disk } from '../../base/index.ts'
import { parseSegmentFile, segmentFile } from '../files/file-names.ts'
import { readFile } from '../files/small-file.ts'
import { parseAborted } from '../segment/abort-index.ts'
import { emptyDigest, fits, parseDigest, type SegmentDigest } from '../segment/segment-digest.ts'
import type { Segment } from '../segment/segment.ts'

export interface FoundSegment {
  readonly segment: Segment
  readonly sizeBytes: number
  /** The digest of an earlier state of the segment: a part of the present one, unless it is sealed. */
  readonly digest: SegmentDigest | undefined
  /** Read from end to end. */
  rebuild: boolean
}

/** The digests in a folder that are whole, by the base offset of their segment. */
export async function readDigests(
  disk: Disk,
  folder: string,
  names: readonly string[],
): Promise<Map<number, SegmentDigest>> {
  const digests = new Map<number, SegmentDigest>()
  for (const name of names) {
    const file = parseSegmentFile(name)
    if (file?.extension !== 'digest') continue
    const bytes = await readFile(disk, `${folder}/${name}`)
    const digest = bytes && parseDigest(bytes)
    if (digest) digests.set(file.offset, digest)
  }
  return digests
}

/** Takes a segment as in its digest. False if the segment, or its aborted transactions, have changed. */
export async function seal(disk: Disk, found: FoundSegment): Promise<boolean> {
  const { segment, sizeBytes } = found
  const digest = found.digest ?? (sizeBytes === 0 ? emptyDigest(segment.baseOffset) : undefined)
  if (digest?.logBytes !== sizeBytes) return false
  const { txnindex } = digest.files
  const path = `${segment.folder}/${segmentFile(segment.baseOffset, 'txnindex')}`
  const bytes = txnindex.bytes === 0 ? undefined : await readFile(disk, path)
  const aborted = fits(bytes, txnindex) ? parseAborted(bytes ?? Buffer.alloc(0)) : undefined
  if (aborted) segment.seal(digest, aborted)
  return aborted !== undefined
}
