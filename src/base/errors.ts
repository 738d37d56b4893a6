/**
 * The one error class of millrace.
 *
 * Operating errors (bad input, a full disk, a fenced producer) are told apart by `code`, which is stable across releases;
 * the message is a sentence for people: what happened, where, and what to do next. A broken assumption inside millrace is
 * not an operating error: that is an {@link assert} failure.
 */

/** Every code that a {@link MillraceError} can carry, by the layer that raises it. */
export type ErrorCode =
  // base
  | 'INVALID_ARGUMENT'
  | 'INVALID_DURATION'
  | 'MISSING_DRIVER'
  | 'LIMIT_EXCEEDED'
  | 'CLOSED'
  // wire
  | 'CORRUPT_BATCH'
  | 'UNSUPPORTED_FORMAT'
  // log
  | 'DATA_DIR_IN_USE'
  | 'DATA_DIR_FOREIGN'
  | 'DATA_DIR_UNREADABLE'
  | 'DISK_FULL'
  | 'DISK_FAILED'
  | 'PARTITION_POISONED'
  | 'PARTITION_DAMAGED'
  | 'OFFSET_OUT_OF_RANGE'
  | 'OUT_OF_ORDER_SEQUENCE'
  | 'PRODUCER_FENCED'
  | 'INVALID_TXN_STATE'
  | 'RECORD_TOO_LARGE'
  // port, broker
  | 'UNKNOWN_TOPIC'
  | 'TOPIC_EXISTS'
  | 'UNKNOWN_PARTITION'
  | 'PARTITION_COUNT_CHANGED'
  | 'MEMBER_FENCED'
  // schema
  | 'MALFORMED_RECORD'
  | 'SCHEMA_ASYNC'
  | 'SCHEMA_NOT_TABULAR'
  | 'SCHEMA_MISMATCH'
  // stream
  | 'INVALID_TOPOLOGY'
  | 'DUPLICATE_OPERATOR'
  | 'NOT_COPARTITIONED'
  | 'LATENESS_SHRINKS'
  | 'STATE_INCOMPATIBLE'
  | 'USER_FUNCTION_FAILED'
  | 'APP_FINISHED'
  | 'APP_ALREADY_RUNNING'
  // connect, cli
  | 'SOURCE_MISSING'
  | 'SOURCE_MALFORMED'
  | 'SOURCE_CHANGED'
  | 'SINK_FAILED'
  | 'SINK_FENCED'
  | 'SINK_IN_USE'
  | 'SINK_REFUSED'
  | 'APP_MODULE_FAILED'
  | 'USAGE'

/** An operating error: `code` is stable and for programs, `message` is for people, `cause` is what was underneath. */
export class MillraceError extends Error {
  override readonly name = 'MillraceError'
  /** What kind of error it is: stable across releases. */
  readonly code: ErrorCode
  /** Whether the same call may succeed later without anyone changing anything (a full disk, a busy coordinator). */
  readonly retriable: boolean

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; retriable?: boolean } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.retriable = options.retriable ?? false
  }
}

/** Whether `error` is a {@link MillraceError}, with one of `codes` where any are given. */
export function isMillraceError(error: unknown, ...codes: ErrorCode[]): error is MillraceError {
  return error instanceof MillraceError && (codes.length === 0 || codes.includes(error.code))
}
