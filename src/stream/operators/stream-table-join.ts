/**
 * Each record of a stream meets the latest value of a table under the same key. The table never triggers
 * anything.
 *
 * Inner: a record without a match goes no further. Left: it meets null. A null key or value: inner drops it,
 * left drops it only without a value. Not covered by the promise of equal results: which value is the latest
 * depends on how the two inputs interleave.
 */
import type { KeyCodec } from './key-codec.ts'
import { rawKeyOf } from './key-codec.ts'
import type { OperatorFactory } from './operator.ts'
import { returned } from './returned.ts'

export const streamTableJoin =
  (
    keyCodec: KeyCodec,
    kind: 'inner' | 'left',
    joiner: (value: unknown, tableValue: unknown, key: unknown) => unknown,
  ): OperatorFactory =>
  (context, [forward]) => {
    const table = context.view(1)
    return {
      inputs: [
        record => {
          const { key, value } = record
          if (value === null) return context.drop('null-value')
          const known = key !== null && key !== undefined
          if (!known && kind === 'inner') return context.drop('null-key')
          const match = known ? table.get(rawKeyOf(record, keyCodec), key) : undefined
          if (match === undefined && kind === 'inner') return
          forward?.(record.withValue(returned(joiner(value, match ?? null, key), 'join')))
        },
        () => {}, // a change of the table is in its own state already
      ],
    }
  }
