/** Kafka's structures beside the requests: in records of internal topics, and between members of a group. */
export { consumerProtocolAssignment, consumerProtocolSubscription } from './consumer-protocol.ts'
export { groupMetadataKey, groupMetadataValue } from './group-metadata.ts'
export { offsetCommitKey, offsetCommitValue } from './offset-commit.ts'
export { transactionLogKey, transactionLogValue } from './transaction-log.ts'
