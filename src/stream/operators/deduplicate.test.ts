/** deduplicate, alone: which records pass, and when passed records are forgotten. */
import { deduplicate } from './deduplicate.ts'
import { check } from './harness.test-support.ts'

check('the first of each key passes, and the time counts from it', deduplicate<string, number>(10, 0), [
  ['a 1 @3', ['first: a 1 @3'], ['passed 0 a 3']],
  ['a 2 @3', ['dropped duplicate']],
  ['b 3 @4', ['first: b 3 @4'], ['passed 0 a 3', 'passed 0 b 4']],
  ['a 4 @12', ['dropped duplicate']],
  // Not near the first record any more; the dropped one does not count.
  ['a 5 @13', ['first: a 5 @13'], ['passed 0 a 3', 'passed 0 b 4', 'passed 10 a 13']],
  ['a - @14', ['dropped duplicate']],
  ['b - @14', ['first: b - @14'], ['passed 0 a 3', 'passed 0 b 4', 'passed 10 a 13', 'passed 10 b 14']],
  ['- 1 @14', ['dropped null-key']],
])

check('records out of order are compared in both directions', deduplicate<string, number>(10, 0), [
  ['a 1 @25', ['first: a 1 @25'], ['passed 20 a 25']],
  ['a 2 @16', ['dropped duplicate']],
  ['a 3 @15', ['first: a 3 @15'], ['passed 10 a 15', 'passed 20 a 25']],
  ['a 4 @6', ['dropped duplicate']],
  ['a 5 @24', ['dropped duplicate']],
])

check('a passed record is forgotten once it can have no duplicate', deduplicate<string, number>(10, 0), [
  ['a 1 @9', ['first: a 1 @9'], ['passed 0 a 9']],
  // A record at the watermark is not late.
  ['W18', []],
  ['a 2 @18', ['dropped duplicate']],
  ['a 3 @17', ['late: a 3 @17']],
  ['W19', []],
  ['b 4 @19', ['first: b 4 @19'], ['passed 0 a 9', 'passed 10 b 19']],
  ['W20', [], ['passed 10 b 19']],
  ['W29', []],
  ['W30', [], []],
])

check('a passed record is kept longer if records may be late', deduplicate<string, number>(10, 5), [
  ['a 1 @9', ['first: a 1 @9'], ['passed 0 a 9']],
  ['W23', []],
  ['a 2 @18', ['dropped duplicate']],
  ['a 3 @17', ['late: a 3 @17']],
  ['W24', []],
  ['W25', [], []],
])

check(
  'a record is judged by its own watermark, not by the one of the task',
  deduplicate<string, number>(10, 0),
  [
    ['W5', []],
    ['a 1 @7 W8', ['late: a 1 @7 W8']],
    ['a 1 @7 W7', ['first: a 1 @7 W7'], ['passed 0 a 7']],
    ['a 1 @6', ['dropped duplicate']],
  ],
)
