/** What an output has failed with, said for the app that writes it. */
import { isMillraceError, MillraceError, utf8 } from '../base/index.ts'

/** A record that may be what made its batch too large. */
export interface LargeRecord {
  /** The operator that wrote it. */
  readonly operator: string
  /** As it is on the log. */
  readonly key: string | Uint8Array | null
  readonly sizeBytes: number
}

/** Characters of a key that a message shows. */
const keyCharactersMax = 80

/** Names the topic, and for a batch that was too large its largest record. Other failures say where they were already. */
export function outputFailure(
  topic: string,
  partition: number,
  large: LargeRecord | undefined,
  error: unknown,
): unknown {
  if (isMillraceError(error, 'UNKNOWN_TOPIC', 'UNKNOWN_PARTITION'))
    return new MillraceError(
      error.code,
      `Topic '${topic}', partition ${partition}, which the app writes to, was deleted while the app ran. Nothing after its last commit counts. ` +
        'Start the app again: it creates the topic where it is missing, and continues.',
      { cause: error },
    )
  if (isMillraceError(error, 'RECORD_TOO_LARGE') && large)
    return new MillraceError(
      'RECORD_TOO_LARGE',
      `The record with key ${keyText(large.key)} that operator '${large.operator}' writes to topic '${topic}', partition ${partition}, has ` +
        `${large.sizeBytes} bytes: more than a segment of the topic. Write less in one record, or create the topic with larger segmentBytes. (${error.message})`,
      { cause: error },
    )
  return error
}

function keyText(key: string | Uint8Array | null): string {
  if (key === null) return 'null'
  const text = typeof key === 'string' ? key : utf8(key)
  return `'${text.length > keyCharactersMax ? `${text.slice(0, keyCharactersMax)}…` : text}'`
}
