/**
 * The indexes of a segment, loaded: from their files where the digest proves these, else made from the log.
 */
import type { Disk } from '../../base/index.ts'
import { segmentFile } from '../files/file-names.ts'
import type { OpenFiles } from '../files/open-files.ts'
import { readFile } from '../files/small-file.ts'
import { fits, type SegmentDigest } from './segment-digest.ts'
import { indexedTimestamp, SegmentIndexes } from './segment-indexes.ts'
import { scanSegment } from './segment-scan.ts'

/** The segment as it is now. */
export interface IndexedSegment {
  readonly folder: string
  readonly baseOffset: number
  readonly path: string
  readonly sizeBytes: number
  readonly indexIntervalBytes: number
}

interface Loaded {
  readonly indexes: SegmentIndexes
  /** `log`: the files were not what was saved, and these are complete. */
  readonly source: 'files' | 'log' | 'damaged log'
}

export async function loadIndexes(
  { disk, files }: { readonly disk: Disk; readonly files: OpenFiles },
  segment: IndexedSegment,
  digest: SegmentDigest | undefined,
): Promise<Loaded> {
  if (digest) {
    const { index, timeindex } = digest.files
    const read = async (extension: 'index' | 'timeindex', bytes: number): Promise<Buffer | undefined> =>
      bytes === 0
        ? undefined
        : await readFile(disk, `${segment.folder}/${segmentFile(segment.baseOffset, extension)}`)
    const offsets = await read('index', index.bytes)
    const times = await read('timeindex', timeindex.bytes)
    if (fits(offsets, index) && fits(times, timeindex)) {
      const found = { index: offsets ?? Buffer.alloc(0), timeindex: times ?? Buffer.alloc(0) }
      return { indexes: SegmentIndexes.of(segment.baseOffset, found, digest.logBytes), source: 'files' }
    }
  }
  return indexLog(files, segment)
}

/** Where the log is damaged the indexes end; a reader that comes there finds that out. */
async function indexLog(
  files: OpenFiles,
  { path, baseOffset, sizeBytes, indexIntervalBytes }: IndexedSegment,
): Promise<Loaded> {
  const indexes = new SegmentIndexes(baseOffset)
  const from = { position: 0, offset: baseOffset }
  const end = await files.use(path, 'read', file =>
    scanSegment(file, sizeBytes, from, { gapless: false }, (batch, position) =>
      indexes.add(batch.lastOffset, indexedTimestamp(batch), position, batch.sizeBytes, indexIntervalBytes),
    ),
  )
  return { indexes, source: end.problem === undefined ? 'log' : 'damaged log' }
}
