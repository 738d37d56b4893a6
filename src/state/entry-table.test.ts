import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../test/for-seeds.ts'
import { isMillraceError, latin1, seededRandom } from '../base/index.ts'
import { EntryTable } from './entry-table.ts'
import { HashIndex } from './hash-index.ts'
import { KeyHash } from './key-hash.ts'

const keyHash = new KeyHash(seededRandom(1))

test('an index finds places by hash, through pages that grow and split', () =>
  forSeeds(200, random => {
    for (const pageSlotsMax of [8, 32, undefined]) {
      const index = new HashIndex(pageSlotsMax)
      const places = new Map<number, Set<number>>()
      // Few hashes, or all of them alike in the bits that choose a page: many entries share a page.
      const spread = [1 << 4, 1 << 12, 2 ** 32][random.int(3)]!
      const shift = random.int(2) * 20
      for (let place = 1; place < 800; place += 1) {
        const hash = (random.int(spread) << shift) | 0
        const known = places.get(hash) ?? new Set()
        places.set(hash, known)
        const other = known.values().next().value
        if (other !== undefined && random.int(3) === 0) {
          known.delete(other)
          if (random.int(2) === 0) {
            index.remove(hash, other)
            continue
          }
          index.moved(hash, other, place)
        } else index.add(hash, place)
        known.add(place)
      }
      for (const [hash, known] of places) {
        const found: number[] = []
        for (let place = index.first(hash); place !== 0; place = index.next(hash)) found.push(place)
        assert.deepEqual(new Set(found), known)
        assert.equal(found.length, known.size)
      }
    }
  }))

test('a table equals a map while entries come, go, grow, shrink and move', () =>
  forSeeds(200, random => {
    // Limits so small that pages split, and chunks become sparse, all the time.
    const limits = random.int(2) === 0 ? { pageSlotsMax: 8, chunkBytesMax: 512 } : {}
    const places = new Map<number, number>()
    const table = new EntryTable('s', keyHash, (live, place) => places.set(live, place), limits)
    const model = new Map<string, { value: string | undefined; live: number }>()
    const keyOf = (n: number): string => `${'k'.repeat(n % 7)}${n}`
    for (let step = 1; step < 600; step += 1) {
      const key = keyOf(random.int(80))
      table.key.set(-1, key)
      const place = table.find()
      const known = model.get(key)
      assert.equal(place !== 0, known !== undefined)
      const value = 'v'.repeat(random.int(random.int(20) === 0 ? 2000 : 60))
      const bytes = Buffer.from(`-${value}`)
      if (!known) {
        const at = table.insert(random.int(40))
        table.setLive(at, step)
        places.set(step, at)
        model.set(key, { value: undefined, live: step })
        continue
      }
      assert.equal(places.get(known.live), place, 'told of each move')
      if (random.int(4) === 0) {
        table.remove(place)
        model.delete(key)
      } else if (random.int(5) === 0) {
        table.unstore(place)
        known.value = undefined
      } else {
        places.set(known.live, table.store(place, bytes, 1, bytes.length))
        known.value = value
      }
    }
    const found = Array.from(table.places(), place => {
      const value = table.isStored(place)
        ? table.read(place, (bytes, start, end) => latin1(bytes, start, end))
        : undefined
      return [latin1(table.keyOf(place), 8), { value, live: table.live(place) }] as const
    })
    assert.deepEqual(new Map(found), model)
    assert.equal(found.length, model.size)
    assert.equal(table.storedCount, [...model.values()].filter(({ value }) => value !== undefined).length)
  }))

test('entries of a full table are deleted and become shorter in any order, which makes room for others', () =>
  forSeeds(100, random => {
    const table = new EntryTable('s', keyHash, () => {}, { chunkBytesMax: 512, chunksMax: 6 })
    const lengths = new Map<string, number>()
    const bytes = Buffer.alloc(600)
    let next = 0
    const add = (): boolean => {
      const key = `${(next += 1)}`
      const length = random.int(random.int(8) === 0 ? 600 : 90)
      table.key.set(0, key)
      try {
        table.store(table.insert(length), bytes, 0, length)
      } catch (error) {
        assert(isMillraceError(error, 'LIMIT_EXCEEDED'))
        return false
      }
      lengths.set(key, length)
      return true
    }
    for (let round = 0; round < 6; round += 1) {
      while (add());
      const share = 1 + random.int(9)
      for (const [key, length] of lengths) {
        if (random.int(10) >= share) continue
        table.key.set(0, key)
        const shorter = random.int(length + 1)
        if (random.int(2) === 0) {
          table.store(table.find(), bytes, 0, shorter)
          lengths.set(key, shorter)
          continue
        }
        table.remove(table.find())
        lengths.delete(key)
      }
      assert.equal(table.storedCount, lengths.size)
      for (const [key, length] of lengths) {
        table.key.set(0, key)
        assert.equal(
          table.read(table.find(), (_, start, end) => end - start),
          length,
        )
      }
    }
    for (const key of lengths.keys()) {
      table.key.set(0, key)
      table.remove(table.find())
    }
    assert.deepEqual([...table.places()], [])
    assert(add(), 'an empty table has room')
  }))

test('a key may be empty, long, or differ only in its length', () => {
  const table = new EntryTable('s', keyHash, () => {})
  const keys = ['', '\0', '\0\0', 'x'.repeat(3000), 'x'.repeat(3001), `${'x'.repeat(3000)}\0`]
  for (const key of keys) {
    table.key.set(0, key)
    assert.equal(table.find(), 0)
    table.insert(0)
  }
  for (const key of keys) {
    table.key.set(0, key)
    assert.equal(latin1(table.keyOf(table.find()), 8), key)
  }
})

test('the space of entries that are gone before their chunk is full comes back', () => {
  const table = new EntryTable('s', keyHash, () => {}, { chunkBytesMax: 4096 })
  const bytes = Buffer.alloc(32)
  let highest = 0
  for (let n = 0; n < 10_000; n += 1) {
    table.key.set(0, `${n}`)
    const place = table.insert(32)
    highest = Math.max(highest, place)
    table.store(place, bytes, 0, 32)
    // One of many stays for a while.
    table.key.set(0, `${n % 300 === 0 ? n - 3000 : n}`)
    const gone = table.find()
    if (gone > 0) table.remove(gone)
  }
  assert.ok(highest < 6 * 2 ** 17, 'numbers of chunks are used again')
})

test('the space of values that have moved comes back', () => {
  const table = new EntryTable('s', keyHash, () => {}, { chunkBytesMax: 4096 })
  const bytes = Buffer.alloc(1000)
  let highest = 0
  for (let round = 0; round < 200; round += 1)
    for (let n = 0; n < 20; n += 1) {
      table.key.set(0, `${n}`)
      const place = table.find() || table.insert(0)
      highest = Math.max(highest, table.store(place, bytes, 0, 1 + ((round * 37 + n) % 1000)))
    }
  assert.ok(highest < 30 * 2 ** 17, 'numbers of chunks are used again')
  table.clear()
  assert.deepEqual([[...table.places()], table.storedCount, table.find()], [[], 0, 0])
})
