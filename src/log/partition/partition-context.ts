/** What a partition is given by its directory. */
import type { MillraceError } from '../../base/index.ts'
import type { CleanerContext } from '../cleaner/segment-walk.ts'
import type { LeaderEpochs } from '../epochs/leader-epochs.ts'
import type { PartitionConfig } from '../files/partition-config.ts'
import type { PartitionSettings } from './partition-settings.ts'

export interface PartitionDescription {
  readonly topic: string
  readonly index: number
  readonly folder: string
  readonly config: PartitionConfig
  readonly settings: PartitionSettings
  /** The last one is the present one. */
  readonly epochs: LeaderEpochs
}

/** The parts of the directory that a partition uses. */
export interface PartitionContext extends CleanerContext {
  readonly durability: 'sync' | 'os'
  readonly producerIdExpirationMs: number
  /** See `LogDirectoryOptions`. */
  readonly pendingBytesMax: number
  /** So many bytes were written that no checkpoint knows yet. */
  wrote(bytes: number): void
  rolled(): void
  /** Makes the log start offsets of all partitions durable. */
  saveLogStarts(): Promise<void>
  fatal(error: MillraceError): void
}
