import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { LeaderEpochs, type EpochStart } from './leader-epochs.ts'

type Pairs = readonly (readonly [epoch: number, startOffset: number])[]

function epochs(pairs: Pairs): LeaderEpochs {
  const made = new LeaderEpochs()
  for (const [epoch, startOffset] of pairs) made.assign(epoch, startOffset)
  return made
}

const pairsOf = (entries: readonly EpochStart[]): Pairs =>
  entries.map(({ epoch, startOffset }) => [epoch, startOffset] as const)

test('an epoch begins once; those without a record go', () => {
  const check = (given: Pairs, expected: Pairs): void => deepEqual(pairsOf(epochs(given).entries), expected)
  check([[0, 0]], [[0, 0]])
  check(
    [
      [2, 10],
      [2, 20],
    ],
    [[2, 10]],
  )
  check(
    [
      [2, 10],
      [2, 5],
    ],
    [[2, 5]],
  )
  check(
    [
      [1, 10],
      [2, 10],
    ],
    [[2, 10]],
  )
  check(
    [
      [1, 10],
      [2, 20],
      [3, 20],
    ],
    [
      [1, 10],
      [3, 20],
    ],
  )
  check(
    [
      [1, 10],
      [3, 20],
      [2, 15],
    ],
    [
      [1, 10],
      [2, 15],
    ],
  )
  check(
    [
      [1, 10],
      [2, 20],
      [3, 5],
    ],
    [[3, 5]],
  )
})

test('the end of an epoch, as OffsetForLeaderEpoch answers', () => {
  const log = epochs([
    [1, 5],
    [3, 20],
    [4, 30],
  ])
  const check = (epoch: number, expected: readonly [number, number] | undefined): void => {
    const found = log.endOf(epoch, 42)
    deepEqual(found && [found.epoch, found.endOffset], expected, `epoch ${epoch}`)
  }
  check(-1, undefined)
  // Below all known ones: nothing of it is left.
  check(0, [0, 5])
  check(1, [1, 20])
  // Not known: the one before it.
  check(2, [1, 20])
  check(3, [3, 30])
  check(4, [4, 42])
  check(5, undefined)
  equal(new LeaderEpochs().endOf(0, 0), undefined)
  deepEqual([log.of(4), log.of(5), log.of(29), log.of(30), log.of(99)], [-1, 1, 3, 4, 4])
})

test('epochs are cut with the log, at its end and at its start', () => {
  const pairs: Pairs = [
    [1, 5],
    [3, 20],
    [4, 30],
  ]
  const check = (cut: (log: LeaderEpochs) => void, expected: Pairs): void => {
    const log = epochs(pairs)
    cut(log)
    deepEqual(pairsOf(log.entries), expected)
  }
  check(log => log.cutEnd(31), pairs)
  check(
    log => log.cutEnd(30),
    [
      [1, 5],
      [3, 20],
    ],
  )
  check(log => log.cutEnd(5), [])
  check(log => log.cutStart(0), pairs)
  check(log => log.cutStart(5), pairs)
  check(
    log => log.cutStart(6),
    [
      [1, 6],
      [3, 20],
      [4, 30],
    ],
  )
  check(
    log => log.cutStart(20),
    [
      [3, 20],
      [4, 30],
    ],
  )
  check(
    log => log.cutStart(29),
    [
      [3, 29],
      [4, 30],
    ],
  )
  check(log => log.cutStart(99), [[4, 99]])
})
