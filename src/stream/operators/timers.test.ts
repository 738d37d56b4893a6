/** Timers, in an operator that has nothing else: a record sets one at its value. */
import type { Unary } from './operator.ts'
import { check } from './harness.test-support.ts'
import { neverLate, noHeaders, StreamRecord } from './record.ts'
import { timers } from './timers.ts'

/**
 * A timer before 20 sets another 5 later, and one at 45 another for this time and the next letter up to c.
 * A record without a value cancels the timer at its own time.
 */
const alarms: Unary<StreamRecord<string, number | null>, StreamRecord<string, number>> = {
  name: 'alarms',
  stateful: true,
  make(context, [rung]) {
    const pending = timers(context, 'alarms', (rawKey, time, to) => {
      const key = context.keyOf<string>(rawKey)
      rung(new StreamRecord(key, to, null, time, neverLate, false, noHeaders, 'on-time', rawKey))
      if (time < 20) pending.set(time + 5, rawKey)
      if (time === 45 && key !== 'c') pending.set(time, key === 'a' ? '"b"' : '"c"')
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
      advance: pending.advance,
      deadline: pending.deadline,
    }
  },
}

check('timers fire in the order of time and key, once the watermark has passed them', alarms, [
  ['b 30 @0', [], ['alarms 30 b true']],
  ['b 25 @0', [], ['alarms 25 b true', 'alarms 30 b true']],
  ['a 30 @0', [], ['alarms 25 b true', 'alarms 30 a true', 'alarms 30 b true']],
  ['W25', []],
  // It sets one for 30, which is set already.
  ['W26', ['b 26 @25 on-time'], ['alarms 30 a true', 'alarms 30 b true']],
  ['W30', []],
  ['W31', ['a 31 @30 on-time', 'b 31 @30 on-time'], []],
])

check('a timer that a timer sets fires with the same watermark if it is due', alarms, [
  ['a 10 @0', [], ['alarms 10 a true']],
  ['b 12 @0', [], ['alarms 10 a true', 'alarms 12 b true']],
  [
    'W18',
    ['a 18 @10 on-time', 'b 18 @12 on-time', 'a 18 @15 on-time', 'b 18 @17 on-time'],
    ['alarms 20 a true', 'alarms 22 b true'],
  ],
  ['W99', ['a 99 @20 on-time', 'b 99 @22 on-time'], []],
])

check('a timer that is set in the past is due, and one that is cancelled does not fire', alarms, [
  ['W50', []],
  ['a 40 @0', [], ['alarms 40 a true']],
  ['a 60 @0', [], ['alarms 40 a true', 'alarms 60 a true']],
  ['a - @60', [], ['alarms 40 a true']],
  ['W51', ['a 51 @40 on-time'], []],
  ['W61', []],
])

check('a timer for the time that it is set at fires before those of later times', alarms, [
  ['a 45 @0', [], ['alarms 45 a true']],
  ['d 46 @0', [], ['alarms 45 a true', 'alarms 46 d true']],
  ['W99', ['a 99 @45 on-time', 'b 99 @45 on-time', 'c 99 @45 on-time', 'd 99 @46 on-time'], []],
])
