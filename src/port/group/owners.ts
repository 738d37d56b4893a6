/**
 * Who has which partition, by what the members say of themselves. A claim of an older generation counts only
 * where no newer one is: its member has been away meanwhile. Two claims of one generation contradict each
 * other: then nobody is taken for the owner, and nobody gets the partition before both have given it back.
 */
import type { TopicPartition } from '../log-port.ts'
import type { Candidate } from './assignors.ts'

export const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

export class Owners {
  readonly #claims = new Map<string, { generation: number; members: number[] }>()

  constructor(candidates: readonly Candidate[]) {
    for (const [index, { subscription }] of candidates.entries())
      for (const partition of subscription.owned)
        this.#claim(nameOf(partition), index, subscription.generation)
  }

  /** The index of the candidate that has the partition. */
  of(partition: TopicPartition): number | undefined {
    const members = this.#claims.get(nameOf(partition))?.members ?? []
    return members.length === 1 ? members[0] : undefined
  }

  /** Whether another candidate has to give the partition back before this one may take it. */
  isHeldFrom(partition: TopicPartition, index: number): boolean {
    return this.#claims.get(nameOf(partition))?.members.some(member => member !== index) ?? false
  }

  #claim(name: string, index: number, generation: number): void {
    const claim = this.#claims.get(name)
    if (!claim || generation > claim.generation) this.#claims.set(name, { generation, members: [index] })
    else if (generation === claim.generation) claim.members.push(index)
  }
}
