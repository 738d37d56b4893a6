/** Opens the log in a folder: the broker in process, over the machine's disk, clock and randomness. */
import { fileURLToPath } from 'node:url'
import {
  checkOptions,
  inWords,
  MillraceError,
  nodeDisk,
  nodeNet,
  type OptionKind,
  systemClock,
  systemRandom,
} from './base/index.ts'
import { InProcessLog, ReadOnlyLog, serveLog, type ListenOptions, type LogServer } from './broker/index.ts'
import { createLog, type BrokerConfigs, type Log } from './port/index.ts'

/** How a log in a folder is opened. A topic's configuration overrides these options. */
export interface OpenLogOptions {
  /**
   * `sync` (the default): a record is acknowledged, and visible to consumers, once it is synced to the disk.
   * `os`: once it is written, as Apache Kafka does on one node. Then a crash of the machine may lose the last
   * seconds, also a part of a committed transaction; a crash of the process loses nothing.
   */
  readonly durability?: 'sync' | 'os'
  /**
   * Kafka's configs of brokers, as `{ 'log.retention.hours': 168, 'log.segment.bytes': 1 << 28 }`: the
   * defaults of all topics. Unless they, `log.admin.alterConfigs` or a topic say otherwise, a log keeps all
   * records, and takes batches of any size that fits a segment, with any timestamp. docs/topics.md has the
   * list.
   */
  readonly configs?: BrokerConfigs
  /**
   * Opens the log for reading only, also while another process writes it: takes no lock and writes nothing.
   * Consumers without a group read, topics are listed and described. Producers, groups, apps and changes of
   * topics are refused with READ_ONLY. Consumers see written records before they are synced: a power cut can
   * still lose those. A waiting consumer polls a few times a second. It also opens a log directory of Apache
   * Kafka. Default false. No other option may be combined with it.
   */
  readonly readOnly?: boolean
  /**
   * Called when the disk has failed and the process should end, also during the recovery of a partition. The
   * next start finds all acknowledged records.
   */
  readonly onFatal?: (error: Error) => void
}

/** A log in a folder. */
export interface OpenedLog extends Log {
  /**
   * Serves the log over Kafka's protocol as well, so that other programs, tools and languages can look at it
   * and use it while this program runs. Ends with the log, or by its `close`. The page is docs/broker.md.
   *
   * @example
   * await using log = await openLog('./data')
   * await log.listen() // kcat -b 127.0.0.1:9092 -L
   *
   * @throws MillraceError ADDRESS_IN_USE, ADDRESS_UNAVAILABLE; INVALID_ARGUMENT, also for an address that
   *   other machines reach, without `allowRemote`; READ_ONLY, CLOSED
   */
  listen(options?: ListenOptions): Promise<LogServer>
}

const kinds: Readonly<Record<keyof OpenLogOptions, OptionKind>> = {
  durability: ['sync', 'os'],
  configs: 'object',
  readOnly: 'boolean',
  onFatal: 'function',
}

/**
 * Opens the log in a folder, and creates a missing one. One process at a time may have it open. `folder` is a
 * path, or a file URL such as `new URL('data', import.meta.url)`.
 *
 * After a crash partitions are recovered beside the calls of the program. A call that needs a partition waits
 * for that one, and fails with DISK_FULL (retriable) or DISK_FAILED if it cannot be recovered.
 *
 * @example
 * await using log = await openLog('./data')
 * const delay = { destination: 'ORD', delay: 42, departure: 992516400000 }
 * await log.producer(flights).send({ key: 'DFW', value: delay })
 * for await (const { key, value } of log.consumer(flights, { until: 'end' })) console.log(key, value)
 *
 * @throws MillraceError DATA_DIR_IN_USE (naming the other process), DATA_DIR_FOREIGN (the folder holds
 *   something else), DATA_DIR_UNREADABLE, DISK_FULL, DISK_FAILED, INVALID_ARGUMENT, INVALID_CONFIG. A
 *   damaged partition does not keep the log from opening: its calls throw PARTITION_DAMAGED
 */
export async function openLog(
  folder: string | URL = './data',
  options: OpenLogOptions = {},
): Promise<OpenedLog> {
  const path = pathOf(folder)
  checkOptions('openLog', options, kinds)
  if (options.readOnly) {
    checkOptions('openLog with readOnly', options, { readOnly: 'boolean' })
    const port = await ReadOnlyLog.open(path, { disk: nodeDisk, clock: systemClock })
    return {
      ...createLog(port, systemClock),
      producer() {
        throw port.refusal('publishes nothing')
      },
      listen: () => Promise.reject(port.refusal('is not served over the network')),
    }
  }
  const port = await InProcessLog.open(path, {
    ...options,
    disk: nodeDisk,
    clock: systemClock,
    random: systemRandom,
  })
  const served = {
    log: port,
    net: nodeNet,
    call: 'log.listen',
    allowsRemoteBy: '{ allowRemote: true }',
  }
  return { ...createLog(port, systemClock), listen: given => serveLog(served, given) }
}

/** The path of the folder that the program gave. @throws MillraceError INVALID_ARGUMENT */
export function pathOf(folder: unknown): string {
  if (typeof folder === 'string' && folder.trim() !== '' && !/^[a-z][a-z+.-]+:\/\/|\0/i.test(folder))
    return folder
  try {
    if (folder instanceof URL || (typeof folder === 'string' && /^file:\/\//i.test(folder)))
      return fileURLToPath(folder)
  } catch {
    // A URL of another protocol, or of another machine.
  }
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `openLog needs the path of a folder, such as './data', or a file URL, got ${folder instanceof URL ? folder.href : inWords(folder)}. ` +
      'Options come after it: openLog(folder, options).',
  )
}
