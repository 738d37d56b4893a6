/** Entries of a batch, for tests of serdes and codecs. */
import { Malformed, type Slices } from './serde.ts'

/**
 * The entries one after the other with other bytes in between, as keys and headers are; text is written as
 * UTF-8.
 */
export function slicesOf(entries: readonly (string | Uint8Array | null)[]): Slices {
  const parts: Uint8Array[] = []
  const starts = new Int32Array(entries.length)
  const ends = new Int32Array(entries.length)
  let at = 0
  const put = (bytes: Uint8Array): void => {
    parts.push(bytes)
    at += bytes.length
  }
  entries.forEach((entry, i) => {
    put(Uint8Array.of(0xff, 0x80, i))
    starts[i] = entry === null ? -1 : at
    if (entry !== null) put(Buffer.from(entry as string))
    ends[i] = entry === null ? -1 : at
  })
  return { bytes: Buffer.concat(parts), count: entries.length, starts, ends }
}

/** The decoded entries; a Malformed is shown as its reason in an object. */
export function decoded<T>(
  decode: (slices: Slices, into: (T | null | Malformed)[]) => void,
  entries: readonly (string | Uint8Array | null)[],
): (T | null | { malformed: string })[] {
  const into: (T | null | Malformed)[] = []
  decode(slicesOf(entries), into)
  return into.map(one => (one instanceof Malformed ? { malformed: one.reason } : one))
}
