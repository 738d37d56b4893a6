/**
 * The one error class of millrace.
 *
 * The `code` of an operating error (bad input, a full disk, a fenced producer) is stable across releases. The
 * message is for people: what happened, where, and what to do next. A broken assumption inside millrace is
 * not an operating error: that is an {@link assert} failure.
 */

/** Every code that a {@link MillraceError} can carry, by the layer that raises it. */
export type ErrorCode =
  // base
  | 'INVALID_ARGUMENT' // an option or argument out of its range, of the wrong kind, or against another one
  | 'INVALID_DURATION' // text or a number that is not a duration
  | 'MISSING_DRIVER' // a package that a connector or a codec needs is not installed, or not for this platform
  | 'LIMIT_EXCEEDED' // a bound: open files, bytes that wait for the disk, what a batch decompresses to, the state of a task
  | 'CLOSED' // a call to what was closed
  | 'ADDRESS_IN_USE' // another process, or another server of this one, listens there
  | 'ADDRESS_UNAVAILABLE' // this machine has no such address, the process may not use it, or nobody answers there
  // wire
  | 'CORRUPT_BATCH' // bytes that are not a record batch, or not the one that was built
  | 'UNSUPPORTED_FORMAT' // a version or a compression that millrace does not read
  | 'INVALID_REQUEST' // bytes that are not the message that they claim to be (Kafka's 42)
  // log
  | 'DATA_DIR_IN_USE' // another process, or another log of this one, has the folder open
  | 'DATA_DIR_FOREIGN' // the folder belongs to another program: to Kafka, or it holds other files
  | 'DATA_DIR_UNREADABLE' // no permission, or one of the small files in it is damaged
  | 'DISK_FULL' // the call has changed nothing, and may be repeated
  | 'DISK_FAILED' // the disk cannot be trusted: end the process, and check the disk
  | 'PARTITION_POISONED' // the partition's disk has failed: it takes no calls until a restart
  | 'PARTITION_DAMAGED' // acknowledged records are missing or damaged on disk: restore them, or `millrace repair`
  | 'OFFSET_OUT_OF_RANGE' // dropped by retention, or beyond the end
  | 'OUT_OF_ORDER_SEQUENCE' // an idempotent producer's batch is missing before this one
  | 'PRODUCER_FENCED' // a newer instance has taken over: drop what is not committed; of a produce, Kafka's INVALID_PRODUCER_EPOCH
  | 'TRANSACTION_COORDINATOR_FENCED' // the marker of a transaction, by a coordinator that another one has replaced
  | 'INVALID_TXN_STATE' // a call that the transaction, or a writer without one, does not allow
  | 'RECORD_TOO_LARGE' // a record, or a batch, larger than its topic takes: Kafka's MESSAGE_TOO_LARGE
  // port, broker
  | 'CONCURRENT_TRANSACTIONS' // the last transaction of the id is still ending: try again
  | 'TRANSACTION_ABORTABLE' // a crash has aborted the transaction: abort it, and begin it again with the same writer
  | 'INVALID_PRODUCER_ID_MAPPING' // a transactional id that is not known, or no longer: open a writer with it
  | 'INVALID_TRANSACTION_TIMEOUT' // longer than transaction.max.timeout.ms of the log allows, or not a time
  | 'READ_ONLY' // a write to a log that was opened read-only
  | 'INVALID_RECORD' // a batch that its topic does not take, or that contradicts itself: Kafka's INVALID_RECORD
  | 'INVALID_TIMESTAMP' // a record further from the clock than its topic allows: Kafka's INVALID_TIMESTAMP
  | 'UNKNOWN_TOPIC'
  | 'TOPIC_EXISTS'
  | 'POLICY_VIOLATION' // what the topic's cleanup.policy rules out (Kafka's 44)
  | 'INVALID_CONFIG' // a config without that name, or a value that it does not take (Kafka's 40)
  | 'UNKNOWN_PARTITION'
  | 'FENCED_LEADER_EPOCH' // a client knows an older leader of the partition (Kafka's 74)
  | 'UNKNOWN_LEADER_EPOCH' // a client knows a later leader than this one (Kafka's 75)
  | 'PARTITION_COUNT_CHANGED' // a topic has another count than was declared, or than state was kept by
  | 'GROUP_NOT_EMPTY' // members or an app are active: stop them first
  | 'MEMBER_FENCED' // the group has given the partitions to another member: drop uncommitted work
  | 'UNKNOWN_MEMBER_ID' // a former member of a group, or one that never joined
  | 'ILLEGAL_GENERATION' // a member of a generation of its group that has passed
  | 'FENCED_INSTANCE_ID' // another member has the instance id of this one
  | 'REBALANCE_IN_PROGRESS' // the group shares its partitions: join again
  | 'MEMBER_ID_REQUIRED' // a new member has to join again with the id that it was given
  | 'INCONSISTENT_GROUP_PROTOCOL' // the group shares its partitions in another way, or belongs to an app
  | 'INVALID_SESSION_TIMEOUT' // outside what the groups of this log allow
  | 'UNKNOWN_GROUP' // nobody has joined the group, or committed for it
  | 'GROUP_SUBSCRIBED_TO_TOPIC' // members read the topic whose offsets should be deleted
  | 'GROUP_MAX_SIZE_REACHED' // the group has all the members that it may have
  // schema
  | 'MALFORMED_RECORD' // a record that its topic's schema refuses, read or written
  | 'SCHEMA_ASYNC' // a schema that validates asynchronously
  | 'SCHEMA_NOT_TABULAR' // a schema that does not say which columns a table has
  | 'SCHEMA_MISMATCH' // the columns of a file or table are not those that are expected
  // stream
  | 'INVALID_TOPOLOGY' // operators that cannot be combined
  | 'DUPLICATE_OPERATOR' // two operators with one name, which would share state
  | 'NOT_COPARTITIONED' // topics that are joined have different partition counts
  | 'LATENESS_SHRINKS' // windows allow less lateness than those that feed them
  | 'STATE_INCOMPATIBLE' // state of an earlier program that this one cannot read
  | 'USER_FUNCTION_FAILED' // a callback threw; `cause` has the error
  | 'APP_FINISHED' // a run until 'end' has closed its windows
  | 'APP_ALREADY_RUNNING' // another instance holds what only one may have
  // connect, cli
  | 'SOURCE_MISSING' // the file does not exist
  | 'SOURCE_MALFORMED' // the rest of a source cannot be read
  | 'SOURCE_CHANGED' // another content, or another query, than the one that was published so far
  | 'SINK_FAILED' // the target has failed; `retriable` if the failure may pass
  | 'SINK_CHANGED' // the target's offsets belong to another topic or table
  | 'SINK_FENCED' // a newer delivery to the same place has taken over
  | 'SINK_IN_USE' // another process has the target open
  | 'SINK_REFUSED' // a row that the target will never take
  | 'APP_MODULE_FAILED' // the module given on the command line cannot be loaded
  | 'USAGE' // the command line was called wrongly

/**
 * An operating error: `code` is stable and for programs, `message` is for people, `cause` is the underlying
 * error.
 */
export class MillraceError extends Error {
  override readonly name = 'MillraceError'
  /** What kind of error it is: stable across releases. */
  readonly code: ErrorCode
  /** Whether the same call may succeed later (a full disk, a busy coordinator). */
  readonly retriable: boolean

  constructor(code: ErrorCode, message: string, options: { cause?: unknown; retriable?: boolean } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.code = code
    this.retriable = options.retriable ?? false
  }
}

/** Whether `error` is a {@link MillraceError}; with `codes`, whether it has one of them. */
export function isMillraceError(error: unknown, ...codes: ErrorCode[]): error is MillraceError {
  return error instanceof MillraceError && (codes.length === 0 || codes.includes(error.code))
}
