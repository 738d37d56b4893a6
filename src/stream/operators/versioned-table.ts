/**
 * The rows of a topic or a stream as they were at any time of the last while: a table with history (KIP-914).
 * Its changes are those of the latest row by time. A change that is older than the row under its key is kept
 * in the history, and not forwarded.
 *
 * A change is late, and has no effect, if its watermark has passed it by more than the allowed lateness: a
 * join may have been answered without it. State: versions.ts.
 *
 * A record that an operator has held back, as `suppress` does, is joined by the watermark that it came with.
 * So versions are kept for that much longer.
 */
import { hasKey, type Maybe, type OperatorSpec } from './operator.ts'
import type { StreamRecord } from './record.ts'
import type { Change } from './table-rows.ts'
import { versionsOf } from './versions.ts'

/** How long a table remembers. */
export interface History {
  /** How long a row is remembered after the next one has replaced it. */
  readonly historyMs: number
  /** How late a change may be. */
  readonly allowedLatenessMs: number
  /** For how long the records of joins to it were held back, in ms at the most: each join raises it. */
  readonly joins: { heldMs: number }
}

/** `called`: as in table-source.ts. */
export const materializeVersions = <K, V>(
  called: { readonly name: string; readonly label: string },
  { historyMs, allowedLatenessMs, joins }: History,
): OperatorSpec<[StreamRecord<Maybe<K>, Maybe<V>>], [Change<K, V>, late: StreamRecord<K, Maybe<V>>]> => ({
  name: called.name,
  label: `${called.label} with history`,
  outlets: ['changes', 'late'],
  stateful: true,
  allowedLatenessMs,
  // Versions that it did not keep are missing, as long as they should be remembered.
  layout: () => ({ 'its history with its allowed lateness': historyMs + allowedLatenessMs }),
  make(context, [changed, late]) {
    const versions = versionsOf<V>(context, historyMs + allowedLatenessMs + joins.heldMs)
    return {
      inputs: [
        record => {
          const { timestamp, watermark } = record
          if (!hasKey<K, Maybe<V>>(record)) return context.drop('null-key')
          if (watermark > timestamp + allowedLatenessMs) return context.late(record, late)
          const rawKey = context.rawKey(record)
          const { since, value: previous } = versions.last(rawKey)
          const value = record.value ?? null
          versions.put(rawKey, record.key, timestamp, value)
          if (timestamp < since || (value === null && previous === null)) return
          changed(record.withValue<V | null>(value, previous))
        },
      ],
      advance: versions.advance,
      deadline: versions.deadline,
      view: {
        get: rawKey => versions.last(rawKey).value ?? undefined,
        asOf: (rawKey, _key, timestamp) => versions.asOf(rawKey, timestamp) ?? undefined,
      },
    }
  },
})
