/** A longer array in place of one that others hold. */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { appended } from './appended.ts'

for (const values of [[], [1], [1, 'b', null, { c: 3 }]])
  test(`adds one to ${values.length} values, and leaves them as they are`, () => {
    const held = Object.freeze([...values])
    deepEqual(appended<unknown>(held, 'last'), [...values, 'last'])
    deepEqual(held, values)
  })
