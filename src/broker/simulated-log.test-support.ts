/**
 * Logs in process for tests, over a simulated disk: one that a test opens and forgets, and one that loses
 * power.
 */
import type { TestContext } from 'node:test'
import { withPower, type ProcessEnd } from '../../test/power.ts'
import { tinyLimits } from '../../test/tiny-limits.ts'
import { seededRandom, systemClock, type Random } from '../base/index.ts'
import { drain } from '../port/conformance/harness.ts'
import { createLog, type Log } from '../port/index.ts'
import { SimulatedDisk } from '../testing/simulated-disk.ts'
import { virtualClock, type VirtualClock } from '../testing/virtual-clock.ts'
import { InProcessLog } from './in-process.ts'

/** A log for one test, under the machine's clock. It is closed after the test. */
export async function openTestLog(context: Pick<TestContext, 'after'>): Promise<Log> {
  const random = seededRandom(1)
  const disk = new SimulatedDisk({ random })
  const log = createLog(await InProcessLog.open('/data', { disk, clock: systemClock, random }), systemClock)
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

/**
 * A log over a simulated disk and a clock that moves only when told to, which can lose power and be opened
 * again. Each time its internal logs have other tiny limits.
 */
export class SimulatedLog {
  readonly disk: SimulatedDisk
  readonly clock: VirtualClock = virtualClock(1_000_000)
  readonly #random: Random
  #port: InProcessLog | undefined
  /** Cuts off the process that has the disk open now. */
  #cut: () => void = () => undefined

  constructor(random: Random = seededRandom(1), disk: SimulatedDisk = new SimulatedDisk({ random })) {
    this.#random = random
    this.disk = disk
  }

  /** Opens the log in a process that ends at the given call to the disk. */
  async open(callsUntilEnd: number = Infinity, how: ProcessEnd = 'crash'): Promise<InProcessLog> {
    // The folder itself is there for good: what becomes of it is not what is tested here.
    await this.disk.makeDirectory('/data')
    await this.disk.syncDirectory('/')
    const process = withPower(this.disk, callsUntilEnd, how)
    this.#cut = process.end
    this.#port = await InProcessLog.open('/data', {
      disk: process.disk,
      clock: this.clock,
      random: this.#random,
      internal: tinyLimits(this.#random),
    })
    return this.#port
  }

  /** The process ends, if it has not: power is lost. The log that was open is of no use any more. */
  async crash(): Promise<InProcessLog> {
    this.#cut()
    return this.open()
  }

  async close(): Promise<void> {
    await this.#port?.close()
  }
}
