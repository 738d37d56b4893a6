import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { firstWhere } from './search.ts'

test('finds the first place that is reached, in lists of every length', () => {
  for (let count = 0; count < 20; count += 1)
    for (let first = 0; first <= count; first += 1)
      equal(
        firstWhere(count, place => place >= first),
        first,
      )
})
