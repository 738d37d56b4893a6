/** Headers as a program gives them. */
import { fromUtf8, inWords } from '../../base/index.ts'
import type { RecordHeader } from '../../wire/index.ts'

/** A header to publish: text is written as UTF-8. */
export interface OutgoingHeader {
  readonly key: string
  readonly value: Uint8Array | string | null
}

/** The headers as they are written. `refused` makes the error for those that cannot be. */
export function encodedHeaders(
  headers: readonly OutgoingHeader[],
  refused: (reason: string) => Error,
): readonly RecordHeader[] {
  if (!Array.isArray(headers))
    throw refused(
      `they are ${inWords(headers)}, not an array of { key, value } such as [{ key: 'trace', value: 'x' }]`,
    )
  return headers.map((header: unknown) => {
    const { key, value } = (header ?? {}) as Partial<OutgoingHeader>
    if (typeof key !== 'string' || !key.isWellFormed())
      throw refused(`the key of one is ${inWords(key)}, not text`)
    if (typeof value === 'string' && value.isWellFormed()) return { key, value: fromUtf8(value) }
    if (value === null || value instanceof Uint8Array) return { key, value }
    throw refused(`the value of '${key}' is ${inWords(value)}, not text, bytes or null`)
  })
}
