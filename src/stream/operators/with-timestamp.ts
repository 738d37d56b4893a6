/**
 * Gives each record another event time. Whether it is late is still judged by the watermark of its source
 * partition: a time that lies before that may be too late for a window.
 */
import { stateless, type Unary } from './operator.ts'
import type { RecordContext, StreamRecord } from './record.ts'
import { returnedTimestamp } from './returned.ts'

export const withTimestamp = <K, V>(
  timestampOf: (value: V, key: K, record: RecordContext) => number,
): Unary<StreamRecord<K, V>, StreamRecord<K, V>> =>
  stateless({ name: 'with-timestamp' }, (record, forward) =>
    forward(record.withTimestamp(returnedTimestamp(timestampOf(record.value, record.key, record)))),
  )
