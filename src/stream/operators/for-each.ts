/** Calls a function of the program with each record: the end of a stream. */
import type { OperatorSpec } from './operator.ts'
import type { StreamRecord } from './record.ts'

export const forEach = <K, V>(take: (value: V, key: K) => void): OperatorSpec<[StreamRecord<K, V>], []> => ({
  name: 'for-each',
  outlets: [],
  make: () => ({ inputs: [({ value, key }) => take(value, key)] }),
})
