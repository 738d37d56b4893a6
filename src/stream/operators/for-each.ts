/** Calls a function of the program with each record: the end of a stream. */
import type { OperatorSpec } from './operator.ts'
import type { RecordContext, StreamRecord } from './record.ts'
import { done } from './returned.ts'

export const forEach = <K, V>(
  take: (value: V, key: K, record: RecordContext) => void,
): OperatorSpec<[StreamRecord<K, V>], []> => ({
  name: 'for-each',
  outlets: [],
  make: () => ({ inputs: [record => done(take(record.value, record.key, record), 'forEach')] }),
})
