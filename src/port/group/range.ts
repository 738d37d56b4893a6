/**
 * Kafka's `range`: of each topic, every member gets a range of neighbouring partitions; the first members get
 * one more where the count does not divide. Members with an instance id come first, then by member id, so
 * topics with one count are shared alike.
 */
import type { TopicPartition } from '../log-port.ts'
import type { Assignor, Candidate } from './assignors.ts'

export const range: Assignor = {
  name: 'range',
  rebalance: 'eager',
  userData: () => undefined,
  assign(candidates, counts) {
    const shares = candidates.map((): TopicPartition[] => [])
    const order = [...candidates.keys()].sort((a, b) => compare(candidates[a]!, candidates[b]!))
    for (const [topic, count] of [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
      const members = order.filter(index => candidates[index]!.subscription.topics.includes(topic))
      const each = Math.floor(count / members.length)
      const larger = count % members.length
      let partition = 0
      for (const [at, index] of members.entries())
        for (const end = partition + each + (at < larger ? 1 : 0); partition < end; partition += 1)
          shares[index]!.push({ topic, partition })
    }
    return shares.map(partitions => ({ partitions, withheld: 0 }))
  },
}

function compare(one: Candidate, other: Candidate): number {
  const [a, b] = [one.instanceId, other.instanceId]
  if (a !== undefined && b !== undefined) return a < b ? -1 : 1
  if (a !== undefined || b !== undefined) return a === undefined ? 1 : -1
  return one.memberId < other.memberId ? -1 : 1
}
