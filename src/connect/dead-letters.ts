/**
 * What a dead letter says about itself: the record's bytes are the original ones, everything else stands in headers.
 *
 * `millrace.reason`, `millrace.stack` (where an error had one), and the place it came from: `millrace.source` and `millrace.place` for a source's row,
 * `millrace.topic`, `millrace.partition` and `millrace.offset` for a record of the log.
 */
import { fromUtf8 } from '../base/index.ts'
import type { RecordHeader } from '../wire/index.ts'

export function deadLetterHeaders(
  reason: string,
  place: Readonly<Record<string, string | number>>,
  error?: unknown,
): RecordHeader[] {
  const stack = error instanceof Error ? error.stack : undefined
  const fields = { reason, ...place, ...(stack !== undefined && { stack }) }
  return Object.entries(fields).map(([name, value]) => ({
    key: `millrace.${name}`,
    value: fromUtf8(String(value)),
  }))
}
