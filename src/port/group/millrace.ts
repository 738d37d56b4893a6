/**
 * The assignor of apps, `millrace`: it shares **units**, the partitions with one number of all topics of a
 * set (co-partitioning), evenly within each set (units.ts). Cooperative: a unit reaches its new owner when
 * the old one has given it back.
 */
import { encodeStructure, type Structure } from '../../wire/index.ts'
import type { TopicPartition } from '../log-port.ts'
import type { Assignor, Candidate, MemberNote, PartitionCounts } from './assignors.ts'
import { assign, setName, type Unit, unitsOf } from './units.ts'
import { byTopic, eachPartition, readNote } from './consumer-protocol.ts'
import { nameOf, Owners } from './owners.ts'

/** The user data of a subscription. */
const note = {
  name: 'MillraceNote',
  versions: '0',
  flexible: 'none',
  fields: [
    /** A newer one is read as this one: later fields come after these. */
    { name: 'version', type: 'int16' },
    /** The sets of topics whose partitions are shared together. */
    { name: 'sets', array: [{ name: 'topics', array: 'string' }] },
    /** The partitions that the member works on. */
    {
      name: 'busy',
      array: [
        { name: 'topic', type: 'string' },
        { name: 'partitions', array: 'int32' },
      ],
    },
  ],
} as const satisfies Structure
const noteVersion = 0

export const millrace: Assignor = {
  name: 'millrace',
  rebalance: 'cooperative',
  userData: ({ sets, busy }) =>
    encodeStructure(note, noteVersion, {
      version: noteVersion,
      sets: sets.map(topics => ({ topics })),
      busy: byTopic(busy),
    }),
  assign(candidates, counts) {
    const owners = new Owners(candidates)
    const notes = candidates.map(({ subscription }) => noteOf(subscription.userData))
    const refusals = refusalsOf(candidates, notes)
    const sets = new Map<string, Unit[]>()
    for (const [index, { sets: topicSets }] of notes.entries())
      if (refusals[index] === undefined)
        for (const topics of topicSets) sets.set(setName(topics), unitsIn(topics, counts))
    const units = [...sets.values()].flat()
    const targets = assign(
      sets,
      candidates.map((_, index) => {
        const { sets: topicSets, busy } = notes[index]!
        const busyNames = new Set(busy.map(nameOf))
        const has = units.filter(({ partitions }) => partitions.some(each => owners.of(each) === index))
        const isBusy = ({ partitions }: Unit): boolean => partitions.some(each => busyNames.has(nameOf(each)))
        return {
          sets: refusals[index] === undefined ? new Set(topicSets.map(setName)) : new Set<string>(),
          has: new Set(has.map(({ key }) => key)),
          busy: new Set(has.filter(isBusy).map(({ key }) => key)),
        }
      }),
    )
    return targets.map((target, index) => {
      const isFree = ({ partitions }: Unit): boolean =>
        !partitions.some(each => owners.isHeldFrom(each, index))
      const [mine, others] = [
        [...target.values()].filter(isFree),
        [...target.values()].filter(each => !isFree(each)),
      ]
      const refusal = refusals[index]
      return { partitions: partitionsOf(mine), withheld: partitionsOf(others).length, refusal }
    })
  },
}

/**
 * Members that share a topic do so in the same set: otherwise one partition would have two owners. A member
 * that contradicts one with partitions, or an earlier one, is refused.
 */
function refusalsOf(
  candidates: readonly Candidate[],
  notes: readonly Pick<MemberNote, 'sets'>[],
): (string | undefined)[] {
  const setOf = new Map<string, string>()
  const refusals = candidates.map((): string | undefined => undefined)
  const hasPartitions = (index: number): number => (candidates[index]!.subscription.owned.length > 0 ? 0 : 1)
  for (const index of [...candidates.keys()].sort((a, b) => hasPartitions(a) - hasPartitions(b) || a - b)) {
    const all = notes[index]!.sets.flatMap(topics => topics.map(topic => ({ topic, set: setName(topics) })))
    const other = all.find(({ topic, set }) => (setOf.get(topic) ?? set) !== set)
    if (other)
      refusals[index] =
        `topic '${other.topic}' with {${setOf.get(other.topic)}}, this member with {${other.set}}`
    else for (const { topic, set } of all) setOf.set(topic, set)
  }
  return refusals
}

/** A topic that is missing may have been deleted. */
function unitsIn(topics: readonly string[], counts: PartitionCounts): Unit[] {
  const there = topics.filter(topic => counts.has(topic))
  const [first] = there
  if (first === undefined) return []
  return unitsOf(topics, counts.get(first)!).map(({ key, partitions }) => ({
    key,
    partitions: partitions.filter(({ topic }) => counts.has(topic)),
  }))
}

function partitionsOf(units: readonly Unit[]): TopicPartition[] {
  return units.flatMap(({ partitions }) => partitions)
}

function noteOf(userData: Uint8Array | undefined): Pick<MemberNote, 'sets' | 'busy'> {
  const said = readNote(note, noteVersion, userData)
  if (!said) return { sets: [], busy: [] }
  return { sets: said.sets.map(({ topics }) => topics), busy: eachPartition(said.busy) }
}
