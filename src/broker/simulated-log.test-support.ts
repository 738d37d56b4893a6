/**
 * Logs in process for tests, over a simulated disk: one that a test opens and forgets, and one that loses
 * power.
 */
import type { TestContext } from 'node:test'
import { withPower, type PoweredProcess, type ProcessEnd } from '../../test/power.ts'
import { tinyLimits } from '../../test/tiny-limits.ts'
import { seededRandom, systemClock, type Random } from '../base/index.ts'
import { drain } from '../port/conformance/harness.ts'
import { createLog, type Log } from '../port/index.ts'
import { SimulatedDisk } from '../testing/simulated-disk.ts'
import { virtualClock, type VirtualClock } from '../testing/virtual-clock.ts'
import { InProcessLog, type InProcessLogOptions } from './in-process.ts'

/** A log for one test, under the machine's clock. It is closed after the test. */
export async function openTestLog(
  context: Pick<TestContext, 'after'>,
  options: Partial<InProcessLogOptions> = {},
): Promise<Log> {
  const random = seededRandom(1)
  const disk = new SimulatedDisk({ random })
  const port = await InProcessLog.open('/data', { ...options, disk, clock: systemClock, random })
  const log = createLog(port, systemClock)
  context.after(() => log.close())
  return log
}

/** The values of a partition, of all that its reader gets, once it is readable to its end. */
export async function valuesIn(port: InProcessLog, topic: string, partition = 0): Promise<string[]> {
  await port.offsets(topic, partition, 'latest')
  const reader = await port.openReader()
  reader.assign([{ topic, partition, offset: 0 }])
  const shown = await drain(reader, topic, partition)
  await reader.close()
  return shown.map(({ value }) => value)
}

/** So little that appends wait for one another all the time. */
const pendingBytesMax = 300

/** How a {@link SimulatedLog} differs from one with the defaults. */
export interface SimulatedLogOptions {
  readonly disk?: SimulatedDisk
  readonly clock?: VirtualClock
  /** The largest record of the internal logs, in bytes, where that is not the usual one. */
  readonly internalRecordBytesMax?: number
  /** Options of the log itself. */
  readonly log?: Partial<InProcessLogOptions>
}

/**
 * A log over a simulated disk and a clock that moves only when told to, which can lose power and be opened
 * again. Each time its internal logs have other tiny limits.
 */
export class SimulatedLog {
  readonly disk: SimulatedDisk
  readonly clock: VirtualClock
  readonly #random: Random
  readonly #options: SimulatedLogOptions
  #port: InProcessLog | undefined
  /** The process that has the disk open now. */
  #process: PoweredProcess | undefined

  constructor(random: Random = seededRandom(1), options: SimulatedLogOptions = {}) {
    this.#random = random
    this.#options = options
    this.disk = options.disk ?? new SimulatedDisk({ random })
    this.clock = options.clock ?? virtualClock(1_000_000)
  }

  /** Opens the log in a process that ends at the given call to the disk. */
  async open(callsUntilEnd: number = Infinity, how: ProcessEnd = 'crash'): Promise<InProcessLog> {
    const process = withPower(this.disk, callsUntilEnd, how)
    this.#process = process
    // The folder itself is there for good: what becomes of it is not what is tested here.
    await this.disk.makeDirectory('/data')
    await this.disk.syncDirectory('/')
    this.#port = await InProcessLog.open('/data', {
      internal: tinyLimits(this.#random, this.#options.internalRecordBytesMax),
      pendingBytesMax,
      ...this.#options.log,
      disk: process.disk,
      clock: this.clock,
      random: this.#random,
    })
    return this.#port
  }

  /** Ends the process that has the disk open, if it has not ended. Its log is of no use any more. */
  end(): void {
    this.#process?.end()
  }

  hasEnded(): boolean {
    return this.#process?.hasEnded() ?? true
  }

  /** The process ends, if it has not: power is lost. The log is opened in the next one. */
  async crash(): Promise<InProcessLog> {
    this.end()
    return this.open()
  }

  async close(): Promise<void> {
    await this.#port?.close()
  }
}
