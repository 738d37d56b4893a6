/** The records of several streams as one: each keeps its own order, and between them is none. */
import type { Forward, OperatorSpec } from './operator.ts'
import type { StreamRecord } from './record.ts'

/**
 * `isAlike`: whether all inputs have keys of one form. Where they do not, the keys are made again, as JSON:
 * an operator before may have left their bytes in the other form.
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
