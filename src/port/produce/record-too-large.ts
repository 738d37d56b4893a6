/** The one refusal of a record that no batch of its topic can hold. */
import { isUtf8 } from 'node:buffer'
import { MillraceError, utf8 } from '../../base/index.ts'

interface RefusingTopic {
  readonly name: string
  readonly batchBytesMax: number
  readonly internal: boolean
}

/** Characters of a key that a message shows. */
const keyCharactersMax = 80

/**
 * A record is refused that no batch can hold.
 *
 * @param bytes what it takes in its own batch
 * @param writer the operator that writes it, where an app does
 */
export function recordTooLarge(
  { name, batchBytesMax, internal }: RefusingTopic,
  partition: number,
  key: string | Uint8Array | null,
  bytes: number,
  writer?: string,
): MillraceError {
  const purpose = writer === undefined ? 'for' : `that '${writer}' writes to`
  // Topics between the stages of an app always have segments of one size.
  const advice = internal ? '' : ", or raise the topic's max.message.bytes and segment.bytes"
  return new MillraceError(
    'RECORD_TOO_LARGE',
    `A record ${keyInWords(key)} ${purpose} topic '${name}', partition ${partition}, takes ${bytes} bytes in its own batch, more than the ${batchBytesMax} that the topic takes. ` +
      `Send less in one record${advice}.`,
  )
}

/** A key, for a message. */
export function keyInWords(key: string | Uint8Array | null): string {
  if (key === null) return 'without a key'
  if (typeof key !== 'string' && !isUtf8(key)) return `with a key of ${key.length} bytes`
  const text = typeof key === 'string' ? key : utf8(key)
  return `with the key '${text.length > keyCharactersMax ? `${text.slice(0, keyCharactersMax)}…` : text}'`
}
