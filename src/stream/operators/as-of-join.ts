/**
 * Joins each record of a stream to the row that a table with history had at the record's time. Changes of the
 * table produce no output.
 *
 * A record waits until the watermark has passed its time by the lateness that the table allows: then no
 * change of its row can come. One that comes after that is answered at once. So the same input gives the same
 * results. A record whose own watermark has passed it by the history, too, finds no row: to an inner join it
 * is late.
 *
 * State: `waiting`, namespace = the time until which they wait, key → its records, in their order; and `due`
 * (timers.ts). So records that wait are answered, too, if the lateness is another one in the next run.
 */
import { given } from '../../state/index.ts'
import { hasKey, hasValue, type Maybe, nowhere, type OperatorSpec } from './operator.ts'
import { noHeaders, type Pane, type RecordContext, StreamRecord } from './record.ts'
import { type Buffered, buffered } from './record-buffer.ts'
import { returned } from './returned.ts'
import type { Change } from './table-rows.ts'
import { timers } from './timers.ts'
import type { History } from './versioned-table.ts'

type AsOfJoin<K, V, T, R> = OperatorSpec<
  [StreamRecord<Maybe<K>, Maybe<V>>, Change<NonNullable<K>, T>],
  [StreamRecord<K, R>, ...late: StreamRecord<K, V>[]]
>

/** A record that waits. */
interface Waiting<V> extends Buffered<V> {
  /** Left out unless it is a window's result. */
  readonly pane?: Pane
}

/** Makes a result of a record and its row; null for none. */
type Joiner<K, V, T, R> = (value: V, tableValue: T, key: K, record: RecordContext) => R

/** `latenessMs`: how late records of the stream may come, in ms. */
const asOfJoin = <K, V, T, R>(
  kind: 'inner' | 'left',
  { historyMs, allowedLatenessMs }: History,
  latenessMs: number,
  joiner: Joiner<K, V, T | null, R>,
): AsOfJoin<K, V, T, R> => ({
  name: kind === 'inner' ? 'as-of-join' : 'as-of-left-join',
  label: `${kind} join table as of the record's time`,
  outlets: kind === 'inner' ? ['joined', 'late'] : ['joined'],
  stateful: true,
  latenessMs: Math.max(latenessMs, allowedLatenessMs),
  heldMs: allowedLatenessMs,
  make(context, [joined, late = nowhere]) {
    const table = context.view<K, T>(1)
    const waiting = context.state<readonly Waiting<V>[]>('waiting')
    const due = timers(context, 'due', (rawKey, time) => {
      const records = waiting.get(time, rawKey) ?? []
      waiting.delete(time, rawKey)
      const key = context.keyOf<K>(rawKey)
      for (const { value, timestamp, watermark, raised = false, headers = noHeaders, pane } of records) {
        const of = given(value)
        const record = new StreamRecord(key, of, null, timestamp, watermark, raised, headers, pane, rawKey)
        context.attempt(record, () => answer(record, rawKey))
      }
      return records.length
    })

    const answer = (record: StreamRecord<K, V>, rawKey: string): void => {
      const { timestamp, watermark, key } = record
      const isForgotten = watermark > timestamp + historyMs + allowedLatenessMs
      const row = isForgotten ? undefined : table.asOf(rawKey, key, timestamp)
      if (row !== undefined || kind === 'left') join(record, row ?? null)
      else if (isForgotten) context.late(record, late)
    }
    const join = (record: StreamRecord<K, V>, row: T | null): void =>
      joined(
        record.withValue(
          returned(joiner(record.value, row, record.key, record), kind === 'left' ? 'leftJoin' : 'join'),
        ),
      )
    return {
      inputs: [
        record => {
          if (!hasKey(record) && kind === 'inner') return context.drop('null-key')
          if (!hasValue<Maybe<K>, V>(record)) return context.drop('null-value')
          // There are such records only if K includes null.
          if (!hasKey<K, V>(record)) return join(record as StreamRecord<K, V>, null)
          const rawKey = context.rawKey(record)
          const time = record.timestamp + allowedLatenessMs
          if (context.watermark() > time) return answer(record, rawKey)
          const { pane } = record
          const kept = { ...buffered(record), ...(pane && { pane }) }
          waiting.put(time, rawKey, [...(waiting.get(time, rawKey) ?? []), kept])
          due.set(time, rawKey)
        },
        ignored,
      ],
      advance: due.advance,
      deadline: due.deadline,
    }
  },
})

/** The table's own state has the change already. */
const ignored = (): void => {}

/** A record without a row has no result, and one without a key is dropped. */
export const innerAsOfJoin = <K, V, T, R>(
  history: History,
  latenessMs: number,
  joiner: Joiner<K, V, T, R>,
): AsOfJoin<K, V, T, R> =>
  // It is called only with a row.
  asOfJoin('inner', history, latenessMs, joiner as Joiner<K, V, T | null, R>)

/** A record without a row, or without a key, is joined to null. */
export const leftAsOfJoin = <K, V, T, R>(
  history: History,
  latenessMs: number,
  joiner: Joiner<K, V, T | null, R>,
): AsOfJoin<K, V, T, R> => asOfJoin('left', history, latenessMs, joiner)
