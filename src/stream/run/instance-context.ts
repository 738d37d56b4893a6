/** The values that the parts of a running instance share. */
import type { ActiveClock, Clock } from '../../base/index.ts'
import type { LogPort, TopicPartition } from '../../port/index.ts'
import type { Metrics } from '../task/metrics.ts'
import type { Plan } from '../plan/plan.ts'
import type { RunSettings } from './run-options.ts'
import type { TopologyTopics } from '../plan/topology-topics.ts'
import type { Turn } from './turn.ts'

export interface InstanceContext {
  /** The app's name: its group, and the prefix of its topics. */
  readonly app: string
  readonly plan: Plan
  readonly port: LogPort
  readonly clock: Clock
  /** Time in which this process could act: the measure of idleness. */
  readonly active: ActiveClock
  readonly settings: RunSettings
  readonly topics: TopologyTopics
  readonly metrics: Metrics
  /** How much is done before the event loop turns. */
  readonly turn: Turn
}

/** Names a partition in maps. */
export function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
