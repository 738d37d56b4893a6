/** The parts of the broker around its transaction coordinator, one by one, over a simulated disk. */
import assert from 'node:assert/strict'
import { ActiveClock, isMillraceError, seededRandom, type ErrorCode } from '../../base/index.ts'
import { LogDirectory, type Partition } from '../../log/index.ts'
import { batch, drain } from '../../port/conformance/harness.ts'
import type { ProducerIdentity } from '../../port/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { virtualClock, type VirtualClock } from '../../testing/virtual-clock.ts'
import { staticConfigs } from '../configs/broker-configs.ts'
import { Configs } from '../configs/configs.ts'
import { InternalLog, type InternalLimits } from '../internal/internal-log.ts'
import { MetadataFile } from '../internal/metadata.ts'
import { Offsets } from '../offsets/offsets.ts'
import { ProducerIds } from './producer-ids.ts'
import { SimulatedLog } from '../simulated-log.test-support.ts'
import { offsetsTopic, transactionsTopic } from '../internal/topic-names.ts'
import { Topics } from '../topics/topics.ts'
import { TransactionLog } from './transaction-log.ts'
import { transactionRecord, transactionStatus, type TransactionValue } from './transaction-records.ts'
import { TransactionRecovery } from './transaction-recovery.ts'
import { Transactions } from './transactions.ts'
import type { TransactionVersion } from './transactional-id.ts'

const random = seededRandom(1)

export interface TransactionParts {
  readonly disk: SimulatedDisk
  readonly log: LogDirectory
  readonly clock: VirtualClock
  readonly offsets: Offsets
  readonly transactions: Transactions
  readonly p0: Partition
  readonly p1: Partition
  readonly stateLog: InternalLog
  /** A clean stop. */
  close(): Promise<void>
}

export const anyState: TransactionValue = {
  producerId: 900,
  previousProducerId: -1,
  nextProducerId: -1,
  producerEpoch: 0,
  lastEpoch: -1,
  timeoutMs: 60_000,
  status: transactionStatus.empty,
  partitions: [],
  updatedMs: 0,
  startedMs: 0,
  version: 0,
  isClient: false,
  mustAbort: false,
}

/** Opens the parts in the order of the broker, with the topic `t` of two partitions. */
export async function openParts(
  disk: SimulatedDisk = new SimulatedDisk({ random }),
  states: Readonly<Record<string, Partial<TransactionValue>>> = {},
  limits: InternalLimits = {},
  clock: VirtualClock = virtualClock(),
): Promise<TransactionParts> {
  await disk.makeDirectory('/data')
  await disk.syncDirectory('/')
  const log = await LogDirectory.open('/data', { disk, clock })
  const metadata = await MetadataFile.open(disk, '/data')
  const topics = await Topics.open(log, metadata, new Configs(staticConfigs(), {}), random)
  const { segmentBytes } = limits
  const statePartition = await topics.internal(
    transactionsTopic,
    segmentBytes === undefined ? {} : { configs: { 'segment.bytes': segmentBytes } },
  )
  const offsetsPartition = await topics.internal(offsetsTopic)
  if (!topics.get('t')) await topics.create('t', { partitions: 2 })
  const stateLog = new InternalLog(statePartition, clock)
  for (const [transactionalId, state] of Object.entries(states))
    await stateLog.append([transactionRecord(transactionalId, { ...anyState, ...state })]).durable
  const transactionLog = await TransactionLog.open(statePartition, clock, limits)
  const recovered = await new TransactionRecovery(log, transactionLog).start()
  const offsets = await Offsets.open(offsetsPartition, { clock, topicId: name => topics.get(name)?.id })
  const transactions = new Transactions(
    {
      clock,
      active: new ActiveClock(clock),
      log,
      transactionLog,
      offsets,
      producerIds: new ProducerIds(metadata),
      timeoutMsMax: 15 * 60_000,
      expirationMs: 60 * 60_000,
      expirationCheckMs: 60_000,
    },
    recovered,
  )
  const close = async (): Promise<void> => {
    await transactions.close()
    await offsets.close()
    await log.close()
  }
  const [p0, p1] = [topics.partition('t', 0), topics.partition('t', 1)]
  return { disk, log, clock, offsets, transactions, p0, p1, stateLog, close }
}

export const versions: readonly TransactionVersion[] = [1, 2]

/** A client of the coordinator, in one version. */
export function client({ transactions }: TransactionParts, version: TransactionVersion) {
  const transactionalId = 'id'
  return {
    init: (held?: ProducerIdentity) =>
      transactions.init({
        transactionalId,
        timeoutMs: 60_000,
        isClient: true,
        version,
        ...(held && { held }),
      }),
    add: (identity: ProducerIdentity, ...partitions: TransactionParts['p0'][]) =>
      transactions.addPartitions(transactionalId, identity, partitions, version),
    end: (identity: ProducerIdentity, outcome: 'commit' | 'abort') =>
      transactions.end(transactionalId, identity, outcome, version),
  }
}

export const raised = ({ producerId, producerEpoch }: ProducerIdentity, by = 1): ProducerIdentity => ({
  producerId,
  producerEpoch: producerEpoch + by,
})

/** Appends one record in the transaction of a producer. */
export async function write(
  partition: Partition,
  identity: ProducerIdentity,
  value: string,
  baseSequence = 0,
): Promise<void> {
  await partition.append(batch([value]).build({ ...identity, baseSequence, transactional: true })).written
}

/** What a reader of the next process gets; nothing is left open. */
export async function valuesAfterReopening(disk: SimulatedDisk, partition: number): Promise<string[]> {
  const log = new SimulatedLog(random, { disk })
  const port = await log.open()
  const reader = await port.openReader()
  reader.assign([{ topic: 't', partition, offset: 0 }])
  const shown = await drain(reader, 't', partition)
  assert.equal(
    await port.offsets('t', partition, 'latest'),
    await port.offsets('t', partition, 'latest', 'read_uncommitted'),
  )
  await port.close()
  return shown.map(({ value }) => value)
}

export function throwsCode(code: ErrorCode, call: () => unknown): void {
  assert.throws(call, error => isMillraceError(error, code))
}

export function rejectsCode(code: ErrorCode, promise: Promise<unknown>): Promise<void> {
  return assert.rejects(promise, error => isMillraceError(error, code))
}
