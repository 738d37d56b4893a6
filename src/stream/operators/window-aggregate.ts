/** The common part of aggregates in windows of all kinds. */
import type { Windowed } from '../../schema/index.ts'
import { type Aggregation, acrossIfSeveral } from './aggregation.ts'
import { type AnyPolicy, isDiscarding, kindOfPolicy } from './emit-policy.ts'
import { windowedKeyCodec } from './key-codec.ts'
import type { Forwards, Layout, Maybe, Operator, OperatorContext, OperatorSpec } from './operator.ts'
import type { StreamRecord } from './record.ts'
import { describeWindows, latenessOfWindows, type Windows } from './windows.ts'

/** A result of a window, as it goes out; null retracts the earlier result. */
export type WindowRecord<K, A> = StreamRecord<Windowed<K>, A | null>

/**
 * One input for each fold of the aggregation. Outlet 0 is the side output of late records, then comes one for
 * each policy.
 */
export interface WindowAggregate<K, V, A> extends OperatorSpec<In<K, V>, Out<K, V, A>> {
  make(context: OperatorContext, to: Forwards<Out<K, V, A>>): Operator<In<K, V>> & Timed
}

type In<K, V> = readonly StreamRecord<Maybe<K>, Maybe<V>>[]
type Out<K, V, A> = [late: StreamRecord<K, V>, ...results: WindowRecord<K, A>[]]

/** The part of an operator that waits for a time. */
export type Timed = Required<Pick<Operator, 'advance' | 'deadline'>>

/** The part of the specification that follows from the windows and the aggregation. */
export function windowAggregate<K, V, A>(
  name: string,
  windows: Windows<never>,
  { folds, shape }: Aggregation<K, V, A>,
  policies: readonly AnyPolicy[],
): Omit<WindowAggregate<K, V, A>, 'make'> {
  const latenessMs = latenessOfWindows(windows)
  return {
    name,
    label: () => `${name}, ${describeWindows(windows)}${policies.some(isDiscarding) ? ', discarding' : ''}`,
    outlets: ['late'],
    stateful: true,
    shape,
    layout: () => layoutOf(policies),
    policies,
    ...acrossIfSeveral(folds),
    keys: windowedKeyCodec,
    latenessMs,
    allowedLatenessMs: latenessMs,
  }
}

/** Policies that keep what they have shown do so under their number. */
function layoutOf(policies: readonly AnyPolicy[]): Layout {
  return Object.fromEntries(
    policies
      .map((policy, index) => [`the policy of emit number ${index + 1}`, kindOfPolicy(policy)] as const)
      .filter(([, kind]) => kind === 'early' || kind === 'everyRecords'),
  )
}
