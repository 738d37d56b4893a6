/**
 * The index of aborted transactions of a segment (`.txnindex`): one entry per abort marker in the segment.
 *
 * ```
 * entry, 34 bytes, big-endian:   0 version           int16   0
 *                                2 producerId        int64
 *                               10 firstOffset       int64   of the transaction; may lie in an earlier segment
 *                               18 lastOffset        int64   of its abort marker
 *                               26 lastStableOffset  int64   once the marker was there
 * ```
 * Entries ascend by lastOffset. A reader of [from, to) needs those with firstOffset < to and lastOffset >=
 * from, of its segment and later ones; it can stop after an entry with lastStableOffset >= to, because a
 * transaction that ends later began at or after it.
 */
import { firstWhere } from '../../base/index.ts'
import { readInt64, writeInt64 } from '../../wire/index.ts'

const entryBytes = 34
const version = 0

export interface AbortedTransaction {
  readonly producerId: number
  readonly firstOffset: number
  readonly lastOffset: number
  readonly lastStableOffset: number
}

export function encodeAborted(entries: readonly AbortedTransaction[]): Uint8Array {
  const bytes = Buffer.alloc(entries.length * entryBytes)
  entries.forEach((entry, n) => {
    const at = n * entryBytes
    bytes.writeInt16BE(version, at)
    writeInt64(bytes, entry.producerId, at + 2)
    writeInt64(bytes, entry.firstOffset, at + 10)
    writeInt64(bytes, entry.lastOffset, at + 18)
    writeInt64(bytes, entry.lastStableOffset, at + 26)
  })
  return bytes
}

/** The entries of a file; undefined where it makes no sense and must be rebuilt. */
export function parseAborted(bytes: Buffer): AbortedTransaction[] | undefined {
  if (bytes.length % entryBytes !== 0) return undefined
  const entries: AbortedTransaction[] = []
  for (let at = 0; at < bytes.length; at += entryBytes) {
    const entry = {
      producerId: readInt64(bytes, at + 2),
      firstOffset: readInt64(bytes, at + 10),
      lastOffset: readInt64(bytes, at + 18),
      lastStableOffset: readInt64(bytes, at + 26),
    }
    const ascends = entry.lastOffset > (entries.at(-1)?.lastOffset ?? -1)
    if (bytes.readInt16BE(at) !== version || !ascends || entry.firstOffset > entry.lastOffset)
      return undefined
    entries.push(entry)
  }
  return entries
}

/**
 * Adds to `found` the entries of one segment that a reader of the offsets [from, to) needs. False: later
 * segments have no more.
 */
export function collectAborted(
  entries: readonly AbortedTransaction[],
  from: number,
  to: number,
  found: AbortedTransaction[],
): boolean {
  // From the first entry whose marker is not before the reader.
  for (
    let n = firstWhere(entries.length, at => entries[at]!.lastOffset >= from);
    n < entries.length;
    n += 1
  ) {
    const entry = entries[n]!
    if (entry.firstOffset < to) found.push(entry)
    if (entry.lastStableOffset >= to) return false
  }
  return true
}
