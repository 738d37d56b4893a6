/**
 * The second part of a foreign-key join (foreign-key-join.ts): answers each row that asks with the row that
 * it asks for, and again whenever that changes.
 *
 * State: `rows`, namespace 0, key → row; and `askers`, namespace = a hash of the key asked for, so that the
 * askers of a key are found together; that key and the asker's → true.
 */
import { murmur2OfBinary } from '../../base/index.ts'
import { storable } from '../../state/index.ts'
import type { Ask } from './foreign-key-asks.ts'
import type { KeyCodec } from './key-codec.ts'
import type { OperatorSpec } from './operator.ts'
import { StreamRecord } from './record.ts'
import type { Change } from './table-rows.ts'
import type { Row } from './window-row.ts'

/** Goes to the task that owns the asking row. */
export interface Answer<T> {
  /** The bytes of the key that was asked for: they tell the answer from one to an earlier question. */
  readonly on: string
  /** Null: there is no such row. */
  readonly row: Row<T> | null
  /** The time at which the row was deleted, if that is why it is answered. */
  readonly deletedAt: number | null
  /** The asker asks no longer: there are no more answers on this key. */
  readonly isLast: boolean
}

/** `askers`: how the keys of the asking rows become bytes. */
export const answerForeignKeys = <K, K2, T>(
  askers: KeyCodec,
): OperatorSpec<[StreamRecord<K2, Ask>, Change<K2, T>], [StreamRecord<K, Answer<T>>]> => ({
  name: 'foreign-key-answers',
  label: 'answer foreign keys',
  stateful: true,
  keepsRowsOf: [0, 1],
  keys: () => askers,
  acrossPartitions: true,
  make(context, [answered]) {
    const rows = context.state<Row<T>>('rows')
    const asking = context.state<true>('askers', { isScanned: true })
    const { rawKey } = context
    const answer = (cause: StreamRecord, asker: string, what: Answer<T>): void => {
      const { timestamp, watermark, raised, headers } = cause
      const key = askers.decode(asker) as K
      answered(new StreamRecord(key, what, null, timestamp, watermark, raised, headers, undefined, asker))
    }
    return {
      inputs: [
        record => {
          const on = rawKey(record)
          const { asker, asks } = record.value
          if (asks) asking.put(murmur2OfBinary(on), pairOf(on, asker), true)
          else asking.delete(murmur2OfBinary(on), pairOf(on, asker))
          const row = asks ? (rows.get(0, on) ?? null) : null
          answer(record, asker, { on, row, deletedAt: null, isLast: !asks })
        },
        record => {
          const on = rawKey(record)
          const { key, value, timestamp } = record
          const row = value === null ? null : { value: storable(value, key), timestamp }
          if (row) rows.put(0, on, row)
          else if (rows.get(0, on)) rows.delete(0, on)
          else return
          const what = { on, row, deletedAt: row ? null : timestamp, isLast: false }
          const pairs = pairOf(on, '')
          const hash = murmur2OfBinary(on)
          // The asker whose key is empty comes first, and a scan begins after it.
          if (asking.get(hash, pairs)) answer(record, '', what)
          for (const { key: pair } of asking.scan(hash, hash + 1, pairs)) {
            // Other keys may have the same hash.
            if (!pair.startsWith(pairs)) break
            answer(record, pair.slice(pairs.length), what)
          }
        },
      ],
    }
  },
})

/** Two keys as one. The length of the first keeps `a`, `bc` apart from `ab`, `c`. */
function pairOf(on: string, asker: string): string {
  const { length } = on
  return (
    String.fromCharCode(length >>> 24, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff) +
    on +
    asker
  )
}
