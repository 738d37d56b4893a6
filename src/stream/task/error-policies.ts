/**
 * The policy for bad records. A source has its own policy, or the app's. Behind an exchange, and for a result
 * that is due, the sources upstream decide: the policy that they share, otherwise the app's.
 */
import { fromUtf8 } from '../../base/index.ts'
import type { ErrorPolicy } from '../../schema/index.ts'
import { type BadRecord, type BadRecordSink, settleFailed } from './bad-records.ts'
import type { OperatorNode, SourceNode } from '../plan/graph.ts'
import type { Plan, Stage } from '../plan/plan.ts'
import type { StreamRecord } from '../operators/record.ts'
import type { Task } from './task.ts'

export function policyOf({ topic }: SourceNode, ofApp: ErrorPolicy): ErrorPolicy {
  return topic.onError ?? ofApp
}

/** Whether every bad record ends the run. */
export function failsAlways({ stages }: Plan, ofApp: ErrorPolicy): boolean {
  return (
    ofApp === 'fail' && stages.every(({ sources }) => sources.every(each => policyOf(each, ofApp) === 'fail'))
  )
}

/**
 * The policy for records without a single source: the one that all sources upstream share, otherwise the
 * app's.
 */
export function policyBehind(stage: Stage, ofApp: ErrorPolicy): ErrorPolicy {
  const all = [
    ...stage.sources.map(source => policyOf(source, ofApp)),
    ...stage.incoming.map(({ from }) => policyBehind(from, ofApp)),
  ]
  const [first, ...others] = all.map(policy => JSON.stringify(policy))
  return all[0] && others.every(other => other === first) ? all[0] : ofApp
}

/** Applies the policy to a result that was due and that a later operator failed on. */
export function settleFailedResult(
  ofApp: ErrorPolicy,
  sink: BadRecordSink,
  task: Task,
  operator: OperatorNode,
  record: StreamRecord,
  error: unknown,
): void {
  settleFailed(policyBehind(task.stage, ofApp), sink, unplaced(task, operator, record), error)
}

/**
 * A result that is not on a log yet, so its place is an operator and a task. Its key and value are written as
 * JSON, so that a person can read them.
 */
function unplaced({ partition }: Task, { name }: OperatorNode, record: StreamRecord): BadRecord {
  const { headers, key, value, timestamp } = record
  const bytes = (part: unknown): Uint8Array | null =>
    part === null || part === undefined ? null : fromUtf8(JSON.stringify(part))
  return {
    place: { operator: name, task: partition },
    partition,
    timestamp,
    key: bytes(key),
    value: bytes(value),
    headers,
  }
}
