/**
 * The form of a dead letter: a record that could not be processed, published or delivered is kept in a topic
 * with its bytes and headers. These headers say why, and where the record was:
 *
 * | header                                                      | on the letter of                              |
 * | ----------------------------------------------------------- | --------------------------------------------- |
 * | `millrace.reason`                                           | every record: why, as a sentence              |
 * | `millrace.stack`                                            | a record for which an error was thrown        |
 * | `millrace.topic`, `millrace.partition`, `millrace.offset`   | a record of the log                           |
 * | `millrace.source`, `millrace.place`                         | a source's row: the source, and where in it   |
 * | `millrace.operator`, `millrace.task`                        | a result of an app that was not on a log yet  |
 */
import { fromUtf8 } from '../../base/index.ts'
import type { RecordHeader } from '../../wire/index.ts'

const fields = [
  'reason',
  'stack',
  'topic',
  'partition',
  'offset',
  'source',
  'place',
  'operator',
  'task',
] as const
type Field = (typeof fields)[number]

const nameOf = (field: Field): string => `millrace.${field}`
const names: ReadonlySet<string> = new Set(fields.map(nameOf))

/** The place of a record that became a dead letter. */
export type DeadLetterPlace =
  | { readonly topic: string; readonly partition: number; readonly offset: number }
  | { readonly source: string; readonly place: string }
  | { readonly operator: string; readonly task: number }

/** Why a record became a dead letter. */
export interface DeadLetterCause {
  /** A sentence. */
  readonly reason: string
  readonly place: DeadLetterPlace
  /** The error that was thrown for the record, if any: its stack is kept. */
  readonly error?: unknown
}

/**
 * The headers of a dead letter: the record's own, then why and where. Headers of an earlier letter are
 * replaced: a letter that was replayed and failed again says where it failed last.
 */
export function deadLetterHeaders(
  own: readonly RecordHeader[],
  { reason, place, error }: DeadLetterCause,
): RecordHeader[] {
  const headers = own.filter(({ key }) => !names.has(key))
  const add = (field: Field, value: string | number): void => {
    headers.push({ key: nameOf(field), value: fromUtf8(String(value)) })
  }
  add('reason', reason)
  for (const [field, value] of Object.entries(place)) add(field as Field, value)
  const stack = error instanceof Error ? error.stack : undefined
  if (stack !== undefined) add('stack', stack)
  return headers
}
