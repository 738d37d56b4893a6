/** The common part of aggregates in windows of all kinds. */
import type { Windowed } from '../../schema/index.ts'
import { windowedKeyCodec } from './key-codec.ts'
import type { Maybe, OperatorSpec } from './operator.ts'
import type { StreamRecord } from './record.ts'
import { describeWindows, type Windows } from './windows.ts'

/** A result of a window, as it goes out; null retracts the earlier result. */
export type WindowRecord<K, A> = StreamRecord<Windowed<K>, A | null>

/** Outlet 0 is the side output of late records, then comes one for each policy. */
export type WindowAggregate<K, V, A> = OperatorSpec<
  [StreamRecord<Maybe<K>, Maybe<V>>],
  [late: StreamRecord<K, V>, ...results: WindowRecord<K, A>[]]
>

/** The part of the specification that follows from the windows. */
export function windowAggregate(
  name: string,
  windows: Windows<never>,
): Omit<WindowAggregate<never, never, never>, 'make' | 'shape'> {
  const { allowedLatenessMs } = windows
  return {
    name,
    label: `${name}, ${describeWindows(windows)}`,
    outlets: ['late'],
    stateful: true,
    keys: windowedKeyCodec,
    latenessMs: allowedLatenessMs,
    allowedLatenessMs,
  }
}
