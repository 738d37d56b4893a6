import { equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { cleanEntriesMax, cleanEntriesMin, cleanEntriesOf } from './state-cache.ts'

test('the tasks of a stage share the bound of cached entries', () => {
  equal(cleanEntriesOf(1), cleanEntriesMax)
  for (const partitions of [2, 6, 7, 24]) ok(partitions * cleanEntriesOf(partitions) <= cleanEntriesMax)
  equal(cleanEntriesOf(1000), cleanEntriesMin, 'a task of many partitions still has a cache')
})
