/** Makes none, one or many values of each record, under its key: the partitioning stays. */
import { frozen, given } from '../../state/index.ts'
import { stateless, type Unary } from './operator.ts'
import type { RecordContext, StreamRecord } from './record.ts'
import { returned, returnedMany } from './returned.ts'

export const flatMapValues = <K, V, R>(
  mapper: (value: V, key: K, record: RecordContext) => Iterable<R>,
): Unary<StreamRecord<K, V>, StreamRecord<K, R>> =>
  stateless({ name: 'flat-map-values' }, (record, forward) => {
    for (const value of returnedMany(mapper(record.value, record.key, record), 'flatMapValues'))
      // Several of them may be the same object.
      forward(record.withValue(given(frozen(returned(value, 'flatMapValues')))))
  })
