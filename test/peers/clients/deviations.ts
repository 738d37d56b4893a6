/**
 * Where an answer differs from Apache Kafka's on purpose, or cannot be the same. Each row is a difference
 * that the run must find: one that is gone fails the test, and its row goes too.
 */
import type { Client } from './client-programs.ts'

export interface Deviation {
  readonly client: Client
  readonly area: string
  readonly case: string
  /** One of {@link reasons}. */
  readonly reason: keyof typeof reasons
}

/** The sentences of docs/compatibility.md's legend. */
export const reasons = {
  madeAtOnce:
    'A topic that is made by asking for it is in the first answer. Apache Kafka answers at first that it is unknown.',
  tieredStorage: 'Configs of tiered storage are refused: there is no such storage.',
  groupConfigs: 'Groups have no configs: those of Apache Kafka are of group protocols that are not offered.',
  notHanging:
    'An abort of a hanging transaction is refused while its coordinator knows the transaction as open: end or fence its producer. Apache Kafka writes the marker, and a later commit loses the records.',
} as const satisfies Record<string, string>

export const deviations: readonly Deviation[] = [
  {
    client: 'Python',
    area: 'topics',
    case: 'metadata of a topic that the broker makes',
    reason: 'madeAtOnce',
  },
  { client: 'Java', area: 'topics', case: 'create with a config of tiered storage', reason: 'tieredStorage' },
  { client: 'Java', area: 'configs', case: 'of a group', reason: 'groupConfigs' },
  {
    client: 'Java',
    area: 'transaction admin',
    case: 'list, describe, producers of a partition, abort a hanging one',
    reason: 'notHanging',
  },
  {
    client: 'Kafka tools',
    area: 'transaction admin',
    case: 'list, describe, producers, abort, hanging ones',
    reason: 'notHanging',
  },
]
