/** merge, alone: records of each input are forwarded unchanged. */
import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { check } from './harness.test-support.ts'
import { merge } from './merge.ts'
import type { OperatorContext } from './operator.ts'
import { noHeaders, StreamRecord } from './record.ts'

for (const isAlike of [true, false])
  check(`records of three streams, their keys ${isAlike ? 'alike' : 'in several forms'}`, merge(3, isAlike), [
    ['a 1 @5', ['a 1 @5']],
    ['1: a 2 @3 W1', ['a 2 @3 W1']],
    ['2: - - @4', ['- - @4']],
    ['W10', []],
    ['0: b 3 @1 W10', ['b 3 @1']],
  ])

test('keys in several forms lose the bytes that an earlier operator has left', () => {
  for (const isAlike of [true, false]) {
    const found: StreamRecord[] = []
    const { inputs } = merge(2, isAlike).make({} as OperatorContext, [record => found.push(record)])
    inputs[1]!(new StreamRecord('a', 1, null, 0, 0, false, noHeaders, undefined, 'bytes'))
    equal(found[0]?.rawKey, isAlike ? 'bytes' : undefined)
  }
})
