/** What an output has failed with, said for the app that writes it. */
import { isMillraceError, MillraceError, utf8 } from '../../base/index.ts'
import type { GraphNode } from '../plan/graph.ts'

/** What writes a record. */
export type OutputNode = Pick<GraphNode, 'name' | 'kind'>

/** Characters of a key that a message shows. */
const keyCharactersMax = 80

/** Names a topic that is gone. Other failures say where they were already. */
export function outputFailure(topic: string, partition: number, error: unknown): unknown {
  if (!isMillraceError(error, 'UNKNOWN_TOPIC', 'UNKNOWN_PARTITION')) return error
  return new MillraceError(
    error.code,
    `Topic '${topic}', partition ${partition}, which the app writes to, was deleted while the app ran. Nothing after its last commit counts. ` +
      'Start the app again: it creates the topic where it is missing, and continues.',
    { cause: error },
  )
}

/** A record is refused that no batch of its topic can hold. */
export function outputTooLarge(
  { name, kind }: OutputNode,
  topic: string,
  partition: number,
  key: string | Uint8Array | null,
  bytes: number,
  limit: number,
): MillraceError {
  // What is between the stages of an app has segments of one size, always.
  const advice = kind === 'sink' ? ', or create the topic with a larger segmentBytes' : ''
  return new MillraceError(
    'RECORD_TOO_LARGE',
    `The record with key ${keyText(key)} that '${name}' writes to topic '${topic}', partition ${partition}, takes ${bytes} bytes in its own batch, ` +
      `more than the ${limit} of a segment. Write less in one record${advice}.`,
  )
}

function keyText(key: string | Uint8Array | null): string {
  if (key === null) return 'null'
  const text = typeof key === 'string' ? key : utf8(key)
  return `'${text.length > keyCharactersMax ? `${text.slice(0, keyCharactersMax)}…` : text}'`
}
