import assert from 'node:assert/strict'
import { test } from 'node:test'
import { forSeeds } from '../../../test/for-seeds.ts'
import { assign, setName, unitsOf, type Candidate, type Unit } from './units.ts'

const candidate = (sets: readonly string[], has: readonly string[] = []): Candidate => ({
  sets: new Set(sets),
  has: new Set(has),
})
const setsOf = (...sets: (readonly [string, number])[]): Map<string, readonly Unit[]> =>
  new Map(sets.map(([topics, count]) => [topics, unitsOf(topics.split(','), count)]))
const keysOf = (result: readonly ReadonlyMap<string, Unit>[]): string[][] =>
  result.map(units => [...units.keys()])

test('units hold the partitions with one number of all topics of a set', () => {
  assert.deepEqual(unitsOf(['b', 'a'], 2), [
    {
      key: 'a,b/0',
      partitions: [
        { topic: 'b', partition: 0 },
        { topic: 'a', partition: 0 },
      ],
    },
    {
      key: 'a,b/1',
      partitions: [
        { topic: 'b', partition: 1 },
        { topic: 'a', partition: 1 },
      ],
    },
  ])
  assert.equal(setName(['b', 'a']), setName(['a', 'b']))
})

test('spreads evenly, in the order of joining, and balances small sets over all', () => {
  const sets = setsOf(['a', 3], ['b', 1], ['c', 1])
  const everyone = [candidate(['a', 'b', 'c']), candidate(['a', 'b', 'c'])]
  assert.deepEqual(keysOf(assign(sets, everyone)), [
    ['a/0', 'a/2', 'c/0'],
    ['a/1', 'b/0'],
  ])
})

test('moves only what has to move', () => {
  const sets = setsOf(['a', 4])
  assert.deepEqual(keysOf(assign(sets, [candidate(['a'], ['a/0', 'a/1', 'a/2', 'a/3']), candidate(['a'])])), [
    ['a/0', 'a/1'],
    ['a/2', 'a/3'],
  ])
  assert.deepEqual(keysOf(assign(sets, [candidate(['a'], ['a/1', 'a/3']), candidate([], ['a/0', 'a/2'])])), [
    ['a/1', 'a/3', 'a/0', 'a/2'],
    [],
  ])
})

test('random members: everything has one owner, loads differ by one at the most, and a settled group stays as it is', () =>
  forSeeds(2000, random => {
    const names = Array.from({ length: 1 + random.int(3) }, (_, index) => `t${index}`)
    const sets = setsOf(...names.map(name => [name, 1 + random.int(12)] as const))
    const all = [...sets.values()].flat()
    let members = Array.from({ length: 1 + random.int(5) }, () =>
      candidate(names.filter(() => random.int(4) > 0)),
    )
    for (const unit of all)
      if (random.int(2) === 0) (members[random.int(members.length)]!.has as Set<string>).add(unit.key)

    const result = assign(sets, members)
    for (const [name, units] of sets) {
      const loads = members.flatMap(({ sets: shared }, index) =>
        shared.has(name) ? [units.filter(({ key }) => result[index]!.has(key)).length] : [],
      )
      if (loads.length === 0) continue
      assert.equal(
        loads.reduce((sum, load) => sum + load),
        units.length,
      )
      assert(Math.max(...loads) - Math.min(...loads) <= 1)
    }
    assert.equal(new Set(keysOf(result).flat()).size, keysOf(result).flat().length)
    members = members.map((member, index) => ({ sets: member.sets, has: new Set(result[index]!.keys()) }))
    assert.deepEqual(
      keysOf(assign(sets, members)).map(keys => keys.toSorted()),
      keysOf(result).map(keys => keys.toSorted()),
    )
  }))
