/** split, alone: the first match wins, and the rest is named or counted. */
import { check } from './harness.test-support.ts'
import { split } from './split.ts'

const branches: Parameters<typeof split<string, number>>[0] = [
  ['large', n => n > 10],
  ['even', (n, key) => n % 2 === 0 && key !== 'c'],
]

check('a record that no branch takes is dropped, and counted', split(branches, undefined), [
  ['a 11 @1', ['large: a 11 @1']],
  ['a 12 @2', ['large: a 12 @2']],
  ['a 2 @3', ['even: a 2 @3']],
  ['c 2 @4', ['dropped unmatched']],
  ['- 1 @5', ['dropped unmatched']],
])

check('a record that no branch takes goes to the branch for the rest', split(branches, 'others'), [
  ['a 12 @1', ['large: a 12 @1']],
  ['c 2 @2', ['others: c 2 @2']],
  ['- 1 @3', ['others: - 1 @3']],
])
