/**
 * Which member of an app's group gets which partitions. A pure function of the members, in their order, and
 * of their present units: the same input always gives the same result.
 *
 * It shares **units**: the partitions with one number of all topics of a set, which stay together
 * (co-partitioning). The units of each set are spread evenly; a member keeps its units as far as that allows.
 */
import type { TopicPartition } from '../log-port.ts'

/** The partitions with one number of all topics of a set. */
export interface Unit {
  /** Names the set and the partition; unique within a group. */
  readonly key: string
  readonly partitions: readonly TopicPartition[]
}

export interface Candidate {
  /** Names of the sets that the member shares in. */
  readonly sets: ReadonlySet<string>
  /** Keys of the units that it has now. */
  readonly has: ReadonlySet<string>
  /** The units among them that it works on: it keeps these before others. */
  readonly busy?: ReadonlySet<string>
}

/** The units of the topics of one set. */
export function unitsOf(topics: readonly string[], partitions: number): Unit[] {
  const set = setName(topics)
  return Array.from({ length: partitions }, (_, partition) => ({
    key: `${set}/${partition}`,
    partitions: topics.map(topic => ({ topic, partition })),
  }))
}

/** The name of a set of topics, independent of their order. Topic names have no commas. */
export function setName(topics: readonly string[]): string {
  return topics.toSorted().join(',')
}

/** The units of each candidate, in the order of `candidates`. */
export function assign(
  sets: ReadonlyMap<string, readonly Unit[]>,
  candidates: readonly Candidate[],
): ReadonlyMap<string, Unit>[] {
  const result = candidates.map(() => new Map<string, Unit>())
  for (const [set, units] of [...sets].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    const eligible = [...candidates.keys()].filter(index => candidates[index]!.sets.has(set))
    if (eligible.length > 0) assignSet(units, eligible, candidates, result)
  }
  return result
}

function assignSet(
  units: readonly Unit[],
  eligible: readonly number[],
  candidates: readonly Candidate[],
  result: readonly Map<string, Unit>[],
): void {
  const share = Math.floor(units.length / eligible.length)
  /** This many members get one more. */
  let larger = units.length % eligible.length
  const given = new Map(eligible.map(index => [index, 0]))
  const give = (index: number, unit: Unit): void => {
    const count = given.get(index)! + 1
    given.set(index, count)
    if (count === share + 1) larger -= 1
    result[index]!.set(unit.key, unit)
  }

  const free: Unit[] = []
  const owners = new Map(
    eligible.flatMap(index => [...candidates[index]!.has].map(key => [key, index] as const)),
  )
  const isBusy = ({ key }: Unit): boolean => candidates[owners.get(key) ?? -1]?.busy?.has(key) ?? false
  for (const unit of [...units.filter(isBusy), ...units.filter(each => !isBusy(each))]) {
    const owner = owners.get(unit.key)
    const room = owner === undefined ? 0 : share + (larger > 0 ? 1 : 0) - given.get(owner)!
    if (owner !== undefined && room > 0) give(owner, unit)
    else free.push(unit)
  }
  for (const unit of free) {
    // Fewest of this set first, then fewest in all, then the earliest.
    const target = eligible
      .filter(index => given.get(index)! < share + (larger > 0 ? 1 : 0))
      .reduce((best, index) => {
        const difference = given.get(index)! - given.get(best)! || result[index]!.size - result[best]!.size
        return difference < 0 ? index : best
      })
    give(target, unit)
  }
}
