/**
 * The parts of a broker, opened in their order: the log, topics, the transaction log, transactions that a
 * crash left open, committed offsets, producer ids. Open transactions are ended first, so that the replay of
 * committed offsets finds every one of them decided.
 *
 * After a crash only the partitions of internal topics are recovered by then. Of the others a start knows
 * what their folders say; they are recovered beside the calls of users.
 */
import { ActiveClock, type Clock, type Random } from '../base/index.ts'
import { LogDirectory, type LogDirectoryOptions, type PartitionSettings } from '../log/index.ts'
import type { BrokerConfigs } from '../port/index.ts'
import { brokerOnlyNumber, logOptions, type Defaults } from './configs/broker-configs.ts'
import { Configs } from './configs/configs.ts'
import type { ConfigTexts } from './configs/values.ts'
import { CutOffsets } from './offsets/cut-offsets.ts'
import { takeKafkaDefaults } from './kafka-defaults.ts'
import { internalLimitsDefault, type InternalLimits } from './internal/internal-log.ts'
import { MetadataFile } from './internal/metadata.ts'
import { Offsets } from './offsets/offsets.ts'
import { ProducerIds } from './transactions/producer-ids.ts'
import { internalTopics, offsetsTopic, transactionsTopic } from './internal/topic-names.ts'
import { Topics } from './topics/topics.ts'
import { transactionLimits } from './transactions/transaction-limits.ts'
import { TransactionLog } from './transactions/transaction-log.ts'
import { TransactionRecovery, type RecoveredId } from './transactions/transaction-recovery.ts'
import { Transactions } from './transactions/transactions.ts'

export interface BrokerOptions extends Omit<
  LogDirectoryOptions,
  keyof PartitionSettings | 'retentionCheckIntervalMs'
> {
  readonly random: Random
  /**
   * Kafka's configs of brokers, as `{ 'log.retention.hours': 168 }`: the defaults of all topics.
   */
  readonly configs?: BrokerConfigs
  /**
   * What holds unless the configs say otherwise. `in-process` (the default): a log keeps all, takes batches
   * of any size that fits a segment, and any timestamp. `kafka`: it drops and refuses what Kafka does.
   */
  readonly defaults?: Defaults
  /** Limits of the logs that the broker keeps for itself. */
  readonly internal?: InternalLimits
}

/** The parts of a broker. */
export interface Parts {
  readonly log: LogDirectory
  readonly metadata: MetadataFile
  readonly configs: Configs
  readonly topics: Topics
  readonly offsets: Offsets
  readonly cut: CutOffsets
  readonly producerIds: ProducerIds
  readonly transactions: Transactions
  readonly active: ActiveClock
  readonly options: BrokerOptions
}

/** Opens the log in a folder. `statics`: the configs that the program gives. */
export function openLog(path: string, options: BrokerOptions, statics: ConfigTexts): Promise<LogDirectory> {
  return LogDirectory.open(path, {
    ...options,
    ...logOptions(statics),
    retentionCheckIntervalMs: brokerOnlyNumber(statics, 'log.retention.check.interval.ms'),
    cleaner: {
      backoffMs: brokerOnlyNumber(statics, 'log.cleaner.backoff.ms'),
      dedupeBufferBytes: brokerOnlyNumber(statics, 'log.cleaner.dedupe.buffer.size'),
      ...options.cleaner,
    },
    first: topic => internalTopics.includes(topic),
  })
}

/** Opens the parts over the log. `statics`: the configs that the program gives. */
export async function openParts(
  log: LogDirectory,
  options: BrokerOptions,
  statics: ConfigTexts,
): Promise<Parts> {
  const { clock, random, internal: limits = {} } = options
  const metadata = await MetadataFile.open(log.disk, log.path)
  // Without its list of producer ids the log has to know them all.
  if (metadata.origin !== 'proved') await recoverAll(log)
  const configs = new Configs(statics, metadata.current.brokerConfigs)
  configs.checkTogether()
  const topics = await Topics.open(log, metadata, configs, random)
  if (options.defaults === 'kafka') await takeKafkaDefaults(metadata, configs)
  const { segmentBytes = internalLimitsDefault.segmentBytes } = limits
  const internal = { configs: { 'segment.bytes': segmentBytes } }
  const transactionsPartition = await topics.internal(transactionsTopic, internal)
  const offsetsPartition = await topics.internal(offsetsTopic, internal)
  const transactionLog = await TransactionLog.open(transactionsPartition, clock, limits)
  // With durability 'os' a loss of power may take the offsets of a committed transaction: that is accepted.
  const synced = options.durability === 'os' ? [] : transactionLog.states.values()
  const cut = await CutOffsets.open(metadata, offsetsPartition, synced)
  const recovery = new TransactionRecovery(log, transactionLog)
  const recovered = await recovery.start()
  const topicId = (topic: string): string | undefined => topics.get(topic)?.id
  const offsets = await Offsets.open(offsetsPartition, { clock, limits, topicId })
  if (transactionLog.failure) offsets.undecidedAll(transactionLog.failure)
  const producerIds = new ProducerIds(metadata)
  await skipUsedIds(producerIds, log, metadata, recovered.values(), clock)
  const active = new ActiveClock(clock)
  const parts = { clock, active, log, transactionLog, offsets, producerIds, ...transactionLimits(configs) }
  const transactions = new Transactions(parts, recovered)
  // Producers with such ids are of no life that the metadata file knows.
  const unused = producerIds.unused
  log.recoverOthers(async partition => {
    for (const identity of await recovery.endIn(partition)) transactions.transactionCut(identity)
    partition.expireProducers(unused)
    const ahead = new Set<number>()
    recovery.producersAhead(partition, ahead)
    for (const producerId of ahead) transactions.producerAhead(producerId)
  })
  return { log, metadata, configs, topics, offsets, cut, producerIds, transactions, active, options }
}

/** Recovers the partitions that may wait, before transactions are looked at. */
async function recoverAll(log: LogDirectory): Promise<void> {
  log.recoverOthers(async () => undefined)
  await Promise.all(Array.from(log.unrecovered(), partition => partition.once(() => undefined)))
}

/** A new producer must not get an id that the log has already. */
async function skipUsedIds(
  producerIds: ProducerIds,
  log: LogDirectory,
  { origin }: MetadataFile,
  recovered: Iterable<RecoveredId>,
  clock: Clock,
): Promise<void> {
  // The ids that these partitions have seen are unknown: begin far beyond Kafka's, which count from 0.
  if (origin === 'new' && log.recovery.partitions.length > 0) await producerIds.skipPast(clock.now())
  let largest = log.largestProducerId
  for (const { value } of recovered) largest = Math.max(largest, value.producerId)
  await producerIds.skipPast(largest)
}
