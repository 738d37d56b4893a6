/**
 * The sizes and checksums of a segment and its indexes when the indexes were saved (`<offset>.digest`), as
 * text with a check line:
 *
 * ```
 * segment 1                    version
 * log 1073738201 88402         size of the .log file, and the offset after its last batch: all of it was synced
 * index 262144 9f02a1c4        size and CRC-32C of each index file
 * timeindex 393216 01c2bb90
 * txnindex 0 00000000
 * producers 4711               the largest producer id that the partition had seen; -1: none
 * times 1767225600000 1767229200000 1767229201000
 *                              the machine's time of its first append, the largest timestamp of its records
 *                              (-1: none), the time of its last append; older versions wrote no such line
 * check 1c291ca3
 * ```
 * Kafka's index files have no room for a check value, so this file of millrace's holds it. A segment whose
 * log file has the size in its digest is **sealed**: it holds what was synced, and its indexes count if their
 * checksums fit. In any other case, and if the digest is missing or damaged, the indexes are made from the
 * log. A digest also proves how far a segment was synced once, whatever the checkpoint says.
 */
import { crc32c } from '../../base/index.ts'
import { readChecked, withCheck } from '../files/checked-text.ts'

export const digestedFiles = ['index', 'timeindex', 'txnindex'] as const
export type DigestedFile = (typeof digestedFiles)[number]

export interface FileDigest {
  readonly bytes: number
  readonly crc: number
}

/** Times of a segment, in ms since the epoch, by which it is rolled and dropped. */
export interface SegmentTimes {
  /** The machine's time of its first append. */
  readonly firstAppend: number
  /** The largest timestamp of its records; -1: none. */
  readonly largest: number
  /** The machine's time of its last append. */
  readonly lastAppend: number
}

export interface SegmentDigest {
  readonly logBytes: number
  readonly nextOffset: number
  readonly files: Readonly<Record<DigestedFile, FileDigest>>
  readonly largestProducerId: number
  readonly times?: SegmentTimes
}

export function digestOf(bytes: Uint8Array): FileDigest {
  return { bytes: bytes.length, crc: crc32c(bytes) }
}

/** Of a segment that was never written to: it needs no file. */
export function emptyDigest(baseOffset: number): SegmentDigest {
  const empty = digestOf(new Uint8Array(0))
  const files = { index: empty, timeindex: empty, txnindex: empty }
  return { logBytes: 0, nextOffset: baseOffset, files, largestProducerId: -1 }
}

/** Whether the file has the content that was digested. Undefined: the file is missing. */
export function fits(bytes: Uint8Array | undefined, { bytes: size, crc }: FileDigest): boolean {
  const length = bytes?.length ?? 0
  return length === size && (length === 0 || crc32c(bytes!) === crc)
}

export function encodeDigest(digest: SegmentDigest): Uint8Array {
  const { logBytes, nextOffset, files, largestProducerId, times } = digest
  const lines = digestedFiles.map(name => {
    const { bytes, crc } = files[name]
    return `${name} ${bytes} ${crc.toString(16).padStart(8, '0')}\n`
  })
  const last = times ? `times ${times.firstAppend} ${times.largest} ${times.lastAppend}\n` : ''
  return withCheck(
    `segment 1\nlog ${logBytes} ${nextOffset}\n${lines.join('')}producers ${largestProducerId}\n${last}`,
  )
}

const pattern =
  /^segment 1\nlog (\d+) (\d+)\nindex (\d+) ([0-9a-f]{8})\ntimeindex (\d+) ([0-9a-f]{8})\ntxnindex (\d+) ([0-9a-f]{8})\nproducers (-?\d+)\n(?:times (-?\d+) (-?\d+) (-?\d+)\n)?$/

/** Undefined if the file has changed since it was written: it then proves nothing. */
export function parseDigest(bytes: Uint8Array): SegmentDigest | undefined {
  const checked = readChecked(bytes)
  const found = checked.state === 'good' ? pattern.exec(checked.text) : null
  if (!found) return undefined
  const file = (at: number): FileDigest => ({
    bytes: Number(found[at]),
    crc: Number.parseInt(found[at + 1]!, 16),
  })
  return {
    logBytes: Number(found[1]),
    nextOffset: Number(found[2]),
    files: { index: file(3), timeindex: file(5), txnindex: file(7) },
    largestProducerId: Number(found[9]),
    ...(found[10] === undefined
      ? {}
      : {
          times: {
            firstAppend: Number(found[10]),
            largest: Number(found[11]),
            lastAppend: Number(found[12]),
          },
        }),
  }
}
