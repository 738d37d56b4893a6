/** Passes one record to several branches. No branch may see the changes that another makes to the record. */
import { frozen, given } from '../../state/index.ts'
import { type Forward, nowhere } from '../operators/operator.ts'
import type { StreamRecord } from '../operators/record.ts'

/** Passes a record to all of `targets`, in their order. */
export function fanOut(targets: readonly Forward[]): Forward {
  const [first, second] = targets
  if (first === undefined) return nowhere
  if (second === undefined) return first
  if (targets.length === 2)
    return record => {
      share(record)
      first(givenTo(record))
      second(givenTo(record))
    }
  return record => {
    share(record)
    for (const target of targets) target(givenTo(record))
  }
}

/** The record for one of several tasks. */
export function sharedWith(record: StreamRecord): StreamRecord {
  share(record)
  return givenTo(record)
}

function share({ key, value, previous }: StreamRecord): void {
  frozen(key)
  frozen(value)
  frozen(previous)
}

/** The record for another branch, with a copy of the value if the value cannot be frozen. */
function givenTo(record: StreamRecord): StreamRecord {
  const { value, previous } = record
  const own = given(value)
  return own === value ? record : record.withValue(own, given(previous))
}
