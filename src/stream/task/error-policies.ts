/**
 * Which policy for bad records holds where: a source's own, or the app's; and behind an exchange, or for a
 * result that is due, what the sources upstream agree on.
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

/** Whether a bad record ends the run, whichever it is. */
export function failsAlways({ stages }: Plan, ofApp: ErrorPolicy): boolean {
  return (
    ofApp === 'fail' && stages.every(({ sources }) => sources.every(each => policyOf(each, ofApp) === 'fail'))
  )
}

/** For records without one source: the policy that all sources upstream share, otherwise the app's. */
export function policyBehind(stage: Stage, ofApp: ErrorPolicy): ErrorPolicy {
  const all = [
    ...stage.sources.map(source => policyOf(source, ofApp)),
    ...stage.incoming.map(({ from }) => policyBehind(from, ofApp)),
  ]
  const [first, ...others] = all.map(policy => JSON.stringify(policy))
  return all[0] && others.every(other => other === first) ? all[0] : ofApp
}

/** Settles a result that was due and could not be processed further on. */
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

/** A result that has no place on a log yet: as JSON, so that a person can read it. */
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
