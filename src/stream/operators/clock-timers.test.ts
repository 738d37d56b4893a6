/** Timers by the wall clock, in an operator that has nothing else: a record sets one at its value. */
import { clockTimers } from './clock-timers.ts'
import type { Unary } from './operator.ts'
import { check } from './harness.test-support.ts'
import { neverLate, noHeaders, StreamRecord } from './record.ts'

/** A record without a value cancels the timer at its own time. */
const alarms: Unary<StreamRecord<string, number | null>, StreamRecord<string, number>> = {
  name: 'alarms',
  stateful: true,
  make(context, [rung]) {
    const pending = clockTimers(context, 'alarms', (rawKey, time) => {
      const key = context.keyOf<string>(rawKey)
      rung(new StreamRecord(key, context.now(), null, time, neverLate, false, noHeaders, 'on-time', rawKey))
      return 1
    })
    return {
      inputs: [
        record => {
          const rawKey = context.rawKey(record)
          if (record.value === null) pending.cancel(record.timestamp, rawKey)
          else pending.set(record.value, rawKey)
        },
      ],
    }
  },
}

check('timers fire in the order of time and key, once the clock has reached them', alarms, [
  ['b 3000 @0', [], ['alarms 3000 b true']],
  ['a 3000 @0', [], ['alarms 3000 a true', 'alarms 3000 b true']],
  ['b 2500 @0', [], ['alarms 2500 b true', 'alarms 3000 a true', 'alarms 3000 b true']],
  ['tick 2499', []],
  ['tick 1', ['b 2500 @2500 on-time'], ['alarms 3000 a true', 'alarms 3000 b true']],
  ['tick 999', ['a 3499 @3000 on-time', 'b 3499 @3000 on-time'], []],
])

check('a timer in the past fires at once, and one that is cancelled does not', alarms, [
  ['tick 50', []],
  ['a 40 @0', [], ['alarms 40 a true']],
  ['a 60 @0', [], ['alarms 40 a true', 'alarms 60 a true']],
  ['a - @60', [], ['alarms 40 a true']],
  ['tick 0', ['a 50 @40 on-time'], []],
  ['tick 99', []],
])

check('an earlier timer than those that are set fires in time', alarms, [
  ['tick 0', []],
  ['a 900 @0', [], ['alarms 900 a true']],
  ['a 500 @0', [], ['alarms 500 a true', 'alarms 900 a true']],
  ['tick 500', ['a 500 @500 on-time'], ['alarms 900 a true']],
])
