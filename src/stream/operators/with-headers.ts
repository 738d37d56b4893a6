/** Gives each record other headers. They go with it, also into the topics that the app writes. */
import type { OutgoingHeader } from '../../port/index.ts'
import { stateless, type Unary } from './operator.ts'
import type { RecordContext, StreamRecord } from './record.ts'
import { returnedHeaders } from './returned.ts'

export const withHeaders = <K, V>(
  headersOf: (value: V, key: K, record: RecordContext) => readonly OutgoingHeader[],
): Unary<StreamRecord<K, V>, StreamRecord<K, V>> =>
  stateless({ name: 'with-headers' }, (record, forward) =>
    forward(record.withHeaders(returnedHeaders(headersOf(record.value, record.key, record)))),
  )
