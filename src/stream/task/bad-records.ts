/**
 * What happens to a record that cannot be processed: it is malformed, or a user function failed on it. The
 * policy says: stop the run, count the record and continue, or keep it as a dead letter with its original
 * bytes.
 */
import { isMillraceError, MillraceError } from '../../base/index.ts'
import type { DeadLetterCause } from '../../port/index.ts'
import type { ErrorPolicy } from '../../schema/index.ts'
import type { RecordHeader } from '../../wire/index.ts'
import { OperatorFailure } from './operator-failure.ts'

/** A record that becomes a dead letter: its content, the reason, and its place. */
export interface DeadLetter extends DeadLetterCause {
  readonly to: string
  /**
   * The partition that the record comes from. The letter goes to the partition with the same number, modulo
   * the partition count of its topic.
   */
  readonly partition: number
  readonly timestamp: number
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  /** The record's own headers. */
  readonly headers: readonly RecordHeader[]
}

/** Counts and keeps bad records. */
export interface BadRecordSink {
  /** Counts a record that could not be processed. */
  drop(reason: 'malformed' | 'failed'): void
  /** Writes the record's own bytes as a dead letter. */
  deadLetter(letter: DeadLetter): void
}

/** A bad record, with its place. */
export type BadRecord = Pick<DeadLetter, 'partition' | 'place' | 'timestamp' | 'key' | 'value' | 'headers'>

/** Applies the policy to a malformed record: one that does not fit its topic's declaration. */
export function settleMalformed(
  policy: ErrorPolicy,
  sink: BadRecordSink,
  record: BadRecord,
  reason: string,
  cause?: unknown,
): void {
  settle(policy, sink, record, 'malformed', reason, cause)
}

/**
 * Applies the policy to a record that an operator failed on. An error that is not the record's fault is
 * thrown: one of the log, of the state, or of millrace itself.
 */
export function settleFailed(
  policy: ErrorPolicy,
  sink: BadRecordSink,
  record: BadRecord,
  error: unknown,
): void {
  const failure = OperatorFailure.of('source', error)
  const { cause } = failure
  if (
    isMillraceError(cause) &&
    !isMillraceError(cause, 'MALFORMED_RECORD', 'INVALID_ARGUMENT', 'INVALID_DURATION', 'RECORD_TOO_LARGE')
  )
    throw cause
  settle(policy, sink, record, 'failed', failure.message, cause)
}

function settle(
  policy: ErrorPolicy,
  sink: BadRecordSink,
  record: BadRecord,
  kind: 'malformed' | 'failed',
  reason: string,
  cause: unknown,
): void {
  if (policy === 'fail')
    throw new MillraceError(
      kind === 'malformed'
        ? 'MALFORMED_RECORD'
        : isMillraceError(cause, 'RECORD_TOO_LARGE')
          ? cause.code
          : 'USER_FUNCTION_FAILED',
      `The record at ${inWords(record.place)} cannot be processed: ${reason.replace(/\.$/, '')}. ` +
        `Fix the record or the program, or set onError to 'skip' or { deadLetter: 'a-topic' }. Nothing after it was committed.`,
      cause === undefined ? {} : { cause },
    )
  sink.drop(kind)
  if (policy === 'skip') return
  sink.deadLetter({ ...record, to: policy.deadLetter, reason, error: cause })
}

function inWords(place: BadRecord['place']): string {
  if ('topic' in place) return `${place.topic}-${place.partition}, offset ${place.offset},`
  return Object.entries(place)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')
}
