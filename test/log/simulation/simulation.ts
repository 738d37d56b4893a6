/**
 * One log over several processes, from a seed. A process opens the log, compares all of it with the model,
 * uses it for a while (operations.ts), and ends: cleanly, by a kill, or by a loss of power, at any call to
 * the disk.
 */
import assert from 'node:assert/strict'
import { isMillraceError, type Random } from '../../../src/base/index.ts'
import type { LogDirectory, Partition } from '../../../src/log/index.ts'
import { dataPath, openDirectory } from '../../../src/log/log.test-support.ts'
import { SimulatedDisk } from '../../../src/testing/simulated-disk.ts'
import { virtualClock, type VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { withPower } from '../../power.ts'
import { SimulatedCompaction } from './compaction.ts'
import { LogModel } from './log-model.ts'
import { Operations } from './operations.ts'
import type { Progress } from './progress.ts'
import { Safety } from './safety.ts'
import { SimulatedSettings } from './settings.ts'

const processesPerSeed = 4
const operationsMax = 50
/** Calls to the disk before the process ends at one, at most. */
const callsMax = 300
/** … until one fails with EIO. */
const failingCallMax = 40
const startMs = 1_000_000_000
/** How far the clock goes back between two processes, or forward. */
const clockJumpMsMax = 5000

export class Simulation {
  readonly #random: Random
  readonly #disk: SimulatedDisk
  readonly #settings: SimulatedSettings
  readonly #safety: Safety
  readonly #compaction: SimulatedCompaction
  readonly #operations: Operations
  readonly #progress: Progress
  #wallMs = startMs
  #passedMs = 0

  constructor(random: Random, progress: Progress) {
    this.#random = random
    this.#progress = progress
    this.#disk = new SimulatedDisk({ random })
    this.#settings = new SimulatedSettings(random)
    const model = new LogModel()
    this.#safety = new Safety(model, this.#settings)
    this.#compaction = new SimulatedCompaction(model, this.#settings)
    const parts = { model, settings: this.#settings, safety: this.#safety, compaction: this.#compaction }
    this.#operations = new Operations(random, this.#disk, parts, progress)
  }

  async run(): Promise<void> {
    // The folder and the partition exist throughout: another test checks what a crash does to their creation.
    const log = await openDirectory(this.#disk, this.#settings.options)
    await log.createPartition('flights', 0)
    await log.close()
    await this.#disk.syncDirectory('/')
    for (let n = 0; n < processesPerSeed; n += 1) await this.#process()
    await this.#process('clean')
    this.#progress.passes += this.#compaction.passes
    this.#progress.cutShort += this.#compaction.cutShort
    this.#progress.expired += this.#safety.expired
  }

  /** One process, from its start to its end. */
  async #process(how = this.#pick(['clean', 'kill', 'crash', 'crash'] as const)): Promise<void> {
    const calls = how === 'clean' || this.#random.int(4) === 0 ? Infinity : 1 + this.#random.int(callsMax)
    const process = withPower(this.#disk, calls, how === 'kill' ? 'kill' : 'crash')
    const clock = virtualClock(this.#wallMs)
    let hasFailed = false
    let isClosed = false
    const onFatal = (): void => {
      hasFailed = true
    }
    const hasEnded = (): boolean => process.hasEnded() || hasFailed || isClosed
    // Partitions may be recovered beside others.
    const mayWait = this.#random.int(2) === 0
    const options = { ...this.#settings.options, clock, onFatal, first: () => !mayWait }
    try {
      const log = await openDirectory(process.disk, options)
      log.recoverOthers(async () => undefined)
      // It may end before its recovery does.
      isClosed = mayWait && this.#random.int(8) === 0
      if (isClosed) await log.close()
      await log.unrecoveredPartition('flights', 0)?.once(() => undefined)
      assert.equal(log.recovery.partitions[0]?.damage, undefined)
      const partition = log.partition('flights', 0)!
      partition.configure(this.#settings.present)
      await this.#operations.begin(partition, clock, this.#passedMs, hasEnded)
      if (how !== 'clean' && this.#random.int(3) === 0)
        this.#disk.failCall({ call: 1 + this.#random.int(failingCallMax), kind: 'EIO', times: 'once' })
      await this.#operations.run(this.#random.int(operationsMax))
      if (how === 'clean') await this.#close(log, partition)
    } catch (error) {
      // A process that is ending, or whose disk has failed, may get any of these errors.
      if (!isMillraceError(error) || !hasEnded()) throw error
    }
    process.end()
    // Calls in flight end, or wait for a process that is gone.
    await clock.yield()
    this.#operations.ended()
    this.#disk.clearFailures()
    this.#safety.ended(how)
    this.#passTime(clock)
    if (this.#random.int(6) === 0) await this.#loseDerivedFiles()
  }

  async #close(log: LogDirectory, partition: Partition): Promise<void> {
    this.#disk.clearFailures()
    await this.#operations.compactAll()
    await log.close()
    this.#operations.observe()
    assert.equal(partition.syncedOffset, partition.logEndOffset)
  }

  /** The clock of the machine may be set between two processes. */
  #passTime(clock: VirtualClock): void {
    this.#passedMs += clock.monotonic() + 10
    this.#wallMs = clock.now() + 10
    if (this.#random.int(4) === 0) this.#wallMs -= this.#random.int(clockJumpMsMax)
  }

  /** Indexes, digests and snapshots: the records do not depend on them. */
  async #loseDerivedFiles(): Promise<void> {
    const folder = `${dataPath}/flights-0`
    for (const name of await this.#disk.list(folder))
      if (/\.(index|timeindex|txnindex|digest|snapshot)$/.test(name))
        await this.#disk.remove(`${folder}/${name}`)
    await this.#disk.syncDirectory(folder)
    this.#operations.lostDerivedFiles()
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#random.int(choices.length)]!
  }
}
