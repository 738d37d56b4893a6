import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../test/for-seeds.ts'
import { stride } from '../../test/scale.ts'
import { freshMaxDefault, movesPerFresh, SortedKeys } from './sorted-keys.ts'

/** The keys of a set in the order that is kept of them. */
function present(sorted: SortedKeys, keys: ReadonlySet<string>): string[] {
  return [...sorted.range('', undefined)].filter(key => keys.has(key))
}

test('the order of keys holds through runs of every length', () =>
  forSeeds(10, random => {
    for (const runLengthMax of [1, 50, 2 ** 20]) {
      const keys = new Set<string>()
      const sorted = new SortedKeys(key => keys.has(key), { runLengthMax })
      for (let step = 0; step < 60; step++) {
        for (let i = random.int(400); i > 0; i--) {
          const key = String(random.int(5000))
          if (!keys.has(key)) sorted.add(key)
          keys.add(key)
        }
        // Sometimes whole ranges are removed, as windows are: enough that runs are cleared.
        const below = String(random.int(3) === 0 ? random.int(9000) : 0)
        for (const key of keys)
          if (key < below) {
            keys.delete(key)
            sorted.remove()
          }
        assert.deepEqual(present(sorted, keys), [...keys].sort())
      }
    }
  }))

test('the order of many keys is computed in pieces, for any sequence of calls', () =>
  forSeeds(10, random => {
    const keys = new Set<string>()
    const sorted = new SortedKeys(key => keys.has(key))
    // One call sorts up to freshMax new keys, and moves a few keys for each of them.
    const movesOfCallMax = (1 + movesPerFresh) * freshMaxDefault + 1
    let before = 0
    const bounded = (what: string): void => {
      const moves = sorted.moves - before
      if (moves > movesOfCallMax) assert.fail(`${what} moved ${moves} keys`)
      before = sorted.moves
    }
    let added = 0
    const addMany = (count: number): void => {
      for (let n = 0; n < count; n++) {
        const key = `${random.int(1e9)}`
        if (keys.has(key)) continue
        keys.add(key)
        sorted.add(key)
        added++
        bounded('an addition')
      }
    }
    const ask = (): void => {
      let first: string | undefined
      for (first of sorted.range('5', undefined)) if (keys.has(first)) break
      bounded('a question')
      assert.equal(
        first,
        [...keys].reduce((least, key) => (key >= '5' && key < least ? key : least), '9~'),
      )
    }
    addMany(200_000 / stride)
    for (let n = 0; n < 6; n++) {
      ask()
      addMany(10_000)
    }
    // Nearly all keys are removed: the runs are cleared.
    let left = 50
    for (const key of keys)
      if (left-- <= 0) {
        keys.delete(key)
        sorted.remove()
      }
    for (let n = 0; n < 8; n++) ask()
    assert.deepEqual(present(sorted, keys), [...keys].sort())
    bounded('the last question')
    assert.ok(sorted.moves < 12 * added, `${sorted.moves} moves for ${added} keys`)
  }))

test('keys that were removed for good are released', () => {
  const keys = new Set<string>()
  let asked = 0
  const sorted = new SortedKeys(key => (asked++, keys.has(key)))
  for (let i = 0; i < 20_000; i++) {
    keys.add(`${i}`)
    sorted.add(`${i}`)
  }
  assert.equal([...sorted.range('', undefined)].length, 20_000)
  keys.clear()
  for (let i = 0; i < 20_000; i++) sorted.remove()
  assert.deepEqual([...sorted.range('', undefined)], [])
  asked = 0
  assert.deepEqual([...sorted.range('', undefined)], [])
  assert.equal(asked, 0)
})
