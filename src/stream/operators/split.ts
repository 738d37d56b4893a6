/** Splits a stream into several: each record goes to the first branch whose function returns true. */
import type { OperatorSpec } from './operator.ts'
import type { RecordContext, StreamRecord } from './record.ts'
import { returnedTruth } from './returned.ts'

/** The functions by the names of their branches, in order, and the name of the branch for the rest. */
export const split = <K, V>(
  branches: readonly (readonly [name: string, takes: (value: V, key: K, record: RecordContext) => boolean])[],
  rest: string | undefined,
): OperatorSpec<[StreamRecord<K, V>], readonly StreamRecord<K, V>[]> => ({
  name: 'split',
  outlets: [...branches.map(([name]) => name), ...(rest === undefined ? [] : [rest])],
  make: (context, to) => ({
    inputs: [
      record => {
        const { value, key } = record
        for (let i = 0; i < branches.length; i += 1)
          if (returnedTruth(branches[i]![1](value, key, record), 'split')) return to[i]!(record)
        if (rest === undefined) context.drop('unmatched')
        else to[branches.length]!(record)
      },
    ],
  }),
})
