/**
 * The side output of a window operator. Late records carry their original key, not the windowed one: this
 * operator declares that.
 */
import type { KeyCodec } from './key-codec.ts'
import { stateless, type Unary } from './operator.ts'
import type { StreamRecord } from './record.ts'

/** `keyCodec`: how the keys were encoded before the windows. */
export const lateRecords = <K, V>(keyCodec: KeyCodec): Unary<StreamRecord<K, V>, StreamRecord<K, V>> =>
  stateless(
    {
      name: 'late',
      label: 'late records',
      outlets: ['late'],
      keys: () => keyCodec,
      latenessMs: Number.POSITIVE_INFINITY,
    },
    (record, forward) => forward(record),
  )
