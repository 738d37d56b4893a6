/** The parts of the directory that a partition uses. */
import type { Clock, MillraceError } from '../../base/index.ts'
import type { SegmentContext } from '../segment/segment.ts'

export interface PartitionContext extends SegmentContext {
  readonly clock: Clock
  readonly durability: 'sync' | 'os'
  readonly producerIdExpirationMs: number
  /** So many bytes were written that no checkpoint knows yet. */
  wrote(bytes: number): void
  rolled(): void
  /** Makes the log start offsets of all partitions durable. */
  saveLogStarts(): Promise<void>
  fatal(error: MillraceError): void
}
