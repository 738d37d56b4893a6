/** Texts in the records of internal topics: names of groups, transactional ids, metadata of offsets. */
import { inWords, MillraceError } from '../../base/index.ts'

/** Kafka's formats give the length of a text in 16 bits. */
export const textBytesMax = 0x7fff
/** Characters of a refused text that its message shows. */
const shownMax = 300

/**
 * Checks that a text is one, and can be stored and read again unchanged: UTF-8 cannot hold half a surrogate
 * pair.
 * @param what what the text is, with its article
 * @throws MillraceError INVALID_ARGUMENT
 */
export function checkText(what: string, text: string, bytesMax: number = textBytesMax): void {
  // A caller without types may have another value.
  if (typeof text !== 'string')
    throw new MillraceError('INVALID_ARGUMENT', `${inWords(text)} cannot be ${what}: it must be a text.`)
  if (Buffer.byteLength(text) <= bytesMax && text.isWellFormed()) return
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `${JSON.stringify(text.slice(0, shownMax))} cannot be ${what}: give it at most ${bytesMax} bytes of UTF-8, without half characters.`,
  )
}
