/**
 * A running aggregate per key, without windows: the table of its latest values.
 *
 * As in Kafka Streams, a record without a key or a value is skipped and counted, a change carries the largest
 * timestamp of what went into it, and an aggregate of null deletes the row: the next record starts over.
 */
import { given } from '../../state/index.ts'
import type { KeyCodec } from './key-codec.ts'
import { rawKeyOf } from './key-codec.ts'
import type { OperatorFactory } from './operator.ts'
import { StreamRecord } from './record.ts'
import type { Row } from './window-row.ts'

export interface Aggregation {
  readonly initial: () => unknown
  readonly add: (aggregate: unknown, value: unknown, key: unknown) => unknown
}

export const aggregate =
  (keyCodec: KeyCodec, { initial, add }: Aggregation): OperatorFactory =>
  (context, [forward]) => {
    const state = context.state<Row>('aggregate')
    return {
      inputs: [
        record => {
          if (record.key === null || record.key === undefined) return context.drop('null-key')
          if (record.value === null) return context.drop('null-value')
          const rawKey = rawKeyOf(record, keyCodec)
          const row = state.get(0, rawKey)
          const value = add(row === undefined ? initial() : row.value, record.value, record.key) ?? null
          const timestamp = row === undefined ? record.timestamp : Math.max(row.timestamp, record.timestamp)
          if (value !== null) state.put(0, rawKey, { value, timestamp })
          else if (row === undefined) return
          else state.delete(0, rawKey)
          forward?.(
            new StreamRecord(
              record.key,
              given(value),
              given(row?.value ?? null),
              timestamp,
              record.watermark,
              record.raised,
              record.headers,
              undefined,
              rawKey,
            ),
          )
        },
      ],
      view: { get: rawKey => given(state.get(0, rawKey)?.value) },
    }
  }
