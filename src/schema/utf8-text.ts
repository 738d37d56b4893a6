/** Text in UTF-8. */
import { isUtf8 } from 'node:buffer'
import { Malformed } from './serde.ts'

/**
 * The replacement character, which decoders write for bytes that are not UTF-8. Valid text may hold it too.
 */
const replacement = '\ufffd'

/** The text of one entry; a Malformed if its bytes are not UTF-8. */
export function textOf(buffer: Buffer, start: number, end: number): string | Malformed {
  const text = buffer.utf8Slice(start, end)
  // The search costs nothing on one-byte strings, which cannot hold the replacement character.
  if (text.includes(replacement) && !isUtf8(buffer.subarray(start, end))) return new Malformed('not UTF-8')
  return text
}
