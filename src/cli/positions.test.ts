import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { positionsInWords } from './positions.ts'

test('each position has its lag, or says why nobody knows it', () => {
  const failure = { code: 'PARTITION_DAMAGED', message: 'Restore it.' }
  equal(
    positionsInWords([
      { topic: 'a', partition: 0, offset: 7, lag: 1 },
      { topic: 'a', partition: 1, offset: 8, lag: undefined, failure },
    ]),
    '  a-0\tat 7\t1 record behind\n  a-1\tat 8\tlag unknown\trefuses: Restore it.\n',
  )
})
