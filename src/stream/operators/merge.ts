/** Merges several streams into one: each keeps its order, and there is no order between them. */
import type { Forward, OperatorSpec } from './operator.ts'
import type { StreamRecord } from './record.ts'

/**
 * `isAlike`: whether all inputs have keys of one form. If not, the keys are encoded again, as JSON: an
 * earlier operator may have left their bytes in another form.
 */
export const merge = <K, V>(
  inputs: number,
  isAlike: boolean,
): OperatorSpec<readonly StreamRecord<K, V>[], [StreamRecord<K, V>]> => ({
  name: 'merge',
  ...(!isAlike && { keys: 'made' }),
  acrossPartitions: true,
  make(_context, [merged]) {
    const again: Forward<StreamRecord<K, V>> = record => merged(record.withKey(record.key))
    return { inputs: Array.from({ length: inputs }, () => (isAlike ? merged : again)) }
  },
})
