/**
 * A running aggregate per key, without windows: the table of its latest values.
 *
 * As in Kafka Streams, a record without a key or a value is skipped and counted, a change carries the largest
 * timestamp of what went into it, and an aggregate of null deletes the row: the next record starts over.
 */
import { given } from '../../state/index.ts'
import { acrossIfSeveral, type Aggregation } from './aggregation.ts'
import { keyed, type Maybe, type OperatorSpec } from './operator.ts'
import { StreamRecord } from './record.ts'
import type { Row } from './window-row.ts'

export const aggregate = <K, V, A>(
  name: string,
  { folds, shape }: Aggregation<K, V, A>,
): OperatorSpec<readonly StreamRecord<Maybe<K>, Maybe<V>>[], [StreamRecord<K, A | null>]> => ({
  name,
  outlets: ['changes'],
  stateful: true,
  shape,
  ...acrossIfSeveral(folds),
  make(context, [changed]) {
    const state = context.state<Row<A>>('aggregate')
    return {
      inputs: folds.map(({ first, add }) =>
        keyed<K, V>(context, (record, rawKey) => {
          const { key, watermark, raised, headers } = record
          const row = state.get(0, rawKey)
          const value =
            (row === undefined
              ? first(record.value, key, record)
              : add(row.value, record.value, key, record)) ?? null
          const timestamp = row === undefined ? record.timestamp : Math.max(row.timestamp, record.timestamp)
          if (value !== null) state.put(0, rawKey, { value, timestamp })
          else if (row === undefined) return
          else state.delete(0, rawKey)
          changed(
            new StreamRecord<K, A | null>(
              key,
              given(value),
              given(row?.value ?? null),
              timestamp,
              watermark,
              raised,
              headers,
              undefined,
              rawKey,
            ),
          )
        }),
      ),
      view: { get: rawKey => given(state.get(0, rawKey)?.value) },
    }
  },
})
