/** Opens the log that lives in a folder: the machine's disk, clock and randomness under the broker in process. */
import { nodeDisk, systemClock, systemRandom } from './base/index.ts'
import { InProcessLog } from './broker/index.ts'
import { createLog, type Log } from './port/index.ts'

/** How a log in a folder is opened. A topic's own configuration goes before what is said here. */
export interface OpenLogOptions {
  /**
   * `sync` (the default): a record is acknowledged, and shown, once it is synced to the disk. `os`: once it is written, as Apache Kafka does on one
   * node; a crash of the machine may lose the last seconds, a crash of the process loses nothing.
   */
  readonly durability?: 'sync' | 'os'
  /** Bytes at which a segment is closed and a new one begun, where a topic does not say. Default 1 GiB, which is Kafka's. */
  readonly segmentBytes?: number
  /** Bytes kept per partition, where a topic does not say; -1 keeps all, which is the default. */
  readonly retentionBytes?: number
  /** Called when the disk has failed and the process should end; what was acknowledged is found again at the next start. */
  readonly onFatal?: (error: Error) => void
}

/**
 * Opens the log in a folder, which is created where it is missing. One process at a time may have it open.
 *
 * @example
 * await using log = await openLog('./data')
 * await log.producer(flights).send({ key: 'DFW', value: { destination: 'ORD', delay: 42, departure: 992516400000 } })
 * for await (const { key, value } of log.consumer(flights, { until: 'end' })) console.log(key, value)
 *
 * @throws MillraceError DATA_DIR_IN_USE (naming the other process), DATA_DIR_FOREIGN (the folder holds something else), DATA_DIR_UNREADABLE, DISK_FULL,
 * DISK_FAILED, INVALID_ARGUMENT. A partition that is damaged does not keep the log from opening: it refuses by itself, with PARTITION_DAMAGED
 */
export async function openLog(path = './data', options: OpenLogOptions = {}): Promise<Log> {
  const port = await InProcessLog.open(path, {
    ...options,
    disk: nodeDisk,
    clock: systemClock,
    random: systemRandom,
  })
  return createLog(port, systemClock)
}
