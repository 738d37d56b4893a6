/** port: LogPort, the narrow waist between a log and its users, with the producer and consumer over it. */
export * from './arguments.ts'
export { AbortedFilter } from './consume/aborted-filter.ts'
export { batchesUpTo } from './consume/batches-up-to.ts'
export { type ConsumedBatch, type ConsumedRecord } from './consume/consumed-records.ts'
export type { ConsumerAssignor, ConsumerOptions } from './consume/consumer-options.ts'
export { Consumer } from './consume/consumer.ts'
export { DecodedBatch } from './consume/decoded-batch.ts'
export {
  asDeclared,
  checkPublic,
  countAgainMs,
  createIfMissing,
  type DeclaredTopic,
  ensureTopic,
  missingTopic,
  topicToRead,
} from './ensure-topic.ts'
export type { AssignorName, PartitionCounts } from './group/assignors.ts'
export { decodeAssignment, decodeSubscribedTopics, encodeAssignment } from './group/consumer-protocol.ts'
export {
  asFenced,
  type GroupCoordinator,
  type GroupProtocol,
  type JoinedGroup,
  type JoinGroup,
  type LeaveGroup,
  memberIdRequired,
  type MemberOfGroup,
  requiredMemberId,
  type SyncedGroup,
  type SyncGroup,
} from './group/coordinator.ts'
export { checkTopics } from './group/checks.ts'
export type * from './group/membership.ts'
export { consumerProtocolType, GroupMember, type GroupMemberContext } from './group/member.ts'
export {
  type GroupPartition,
  moveOffsets,
  type OffsetMove,
  offsetMoves,
  type ResetScope,
  type ResetTarget,
  resolveTarget,
  withLags,
} from './group/group-offsets.ts'
export type * from './log-admin.ts'
export type * from './log-port.ts'
export { createLog, type Log, portOf } from './log.ts'
export { Batcher, type SizedBatch } from './produce/batcher.ts'
export { type DeadLetterCause, deadLetterHeaders } from './produce/dead-letter.ts'
export { encodedHeaders, type OutgoingHeader } from './produce/outgoing-headers.ts'
export { RecordEncoder, type OutgoingRecord } from './produce/outgoing-record.ts'
export { Producer, type ProducerOptions } from './produce/producer.ts'
export { OpenAppends } from './produce/open-appends.ts'
export { type ProducerIdentity, ProducerSequences } from './produce/producer-sequences.ts'
export { isTimestamp, timestampMax } from './produce/timestamps.ts'
export { WriterFailures } from './produce/writer-failures.ts'
export { type TargetTopic, type TopicBatches } from './produce/topic-batches.ts'
