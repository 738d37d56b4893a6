/**
 * What a process does with the log: appends, many in flight at a time; ends of transactions; reads and
 * look-ups; passes of the cleaner, retention, deletions and new settings beside all of that; a disk that is
 * full. After each operation the offsets are observed.
 */
import assert from 'node:assert/strict'
import { isMillraceError, type Random } from '../../../src/base/index.ts'
import type { Partition } from '../../../src/log/index.ts'
import type { SimulatedDisk } from '../../../src/testing/simulated-disk.ts'
import { virtualClock, type VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { isRefusedPass, type SimulatedCompaction } from './compaction.ts'
import type { LogModel } from './log-model.ts'
import { SimulatedProducers, type Appended, type Client } from './producers.ts'
import type { Progress } from './progress.ts'
import type { Safety, SimulatedTime } from './safety.ts'
import type { SimulatedSettings } from './settings.ts'
import { Verification } from './verification.ts'

export interface SimulationParts {
  readonly model: LogModel
  readonly settings: SimulatedSettings
  readonly safety: Safety
  readonly compaction: SimulatedCompaction
}

/** An operation, and how often it is chosen beside the others. */
type Operation = readonly [share: number, run: () => Promise<unknown> | void]

export class Operations {
  readonly #random: Random
  readonly #model: LogModel
  readonly #settings: SimulatedSettings
  readonly #safety: Safety
  readonly #compaction: SimulatedCompaction
  readonly #producers: SimulatedProducers
  readonly #verification: Verification
  readonly #progress: Progress
  readonly #choices: readonly (() => Promise<unknown> | void)[]
  #partition!: Partition
  #clock: VirtualClock = virtualClock()
  /** As of the start of the process. */
  #passedMs = 0
  #hasEnded: () => boolean = () => false
  readonly #unexpected: unknown[] = []

  constructor(random: Random, disk: SimulatedDisk, parts: SimulationParts, progress: Progress) {
    this.#random = random
    this.#model = parts.model
    this.#settings = parts.settings
    this.#safety = parts.safety
    this.#compaction = parts.compaction
    this.#progress = progress
    this.#producers = new SimulatedProducers(random)
    this.#verification = new Verification(random, parts, this.#producers, progress)
    const operations: readonly Operation[] = [
      [3, () => this.#append(undefined)],
      [9, () => this.#append(this.#client())],
      [4, () => this.#end()],
      [1, () => this.#verification.misbehave(this.#partition, this.#client())],
      [2, () => this.#verification.read(this.#partition, this.#now())],
      [1, () => this.#verification.find(this.#partition, this.#now())],
      [1, () => this.#unlessRefused(this.#partition.sync())],
      // All calls in flight end.
      [2, () => this.#clock.yield()],
      // Only sometimes, since it takes real time.
      [1, () => (this.#random.int(3) === 0 ? this.#clock.advance(this.#pick([100, 600, 6000])) : undefined)],
      [1, () => this.#partition.configure(this.#settings.change())],
      [6, () => this.#clean()],
      [1, () => this.#beside(this.#partition.retain())],
      [1, () => (this.#random.int(2) === 0 ? this.#delete() : this.#drop())],
      [1, () => (this.#random.int(4) === 0 ? this.#beside(this.#partition.roll()) : undefined)],
      // The next write, or one soon after, finds no room.
      [1, () => disk.failCall({ call: 1 + random.int(10), kind: 'short', times: 'once' })],
    ]
    this.#choices = operations.flatMap(([share, run]) => Array<typeof run>(share).fill(run))
  }

  /** Compares a log that was just opened with the model, and ends its open transactions. */
  async begin(
    partition: Partition,
    clock: VirtualClock,
    passedMs: number,
    hasEnded: () => boolean,
  ): Promise<void> {
    this.#partition = partition
    this.#clock = clock
    this.#passedMs = passedMs
    this.#hasEnded = hasEnded
    const { logEndOffset } = partition
    this.#progress.safe += this.#safety.shownOffset
    this.#progress.lost += this.#model.endOffset - logEndOffset
    this.#producers.opened(partition)
    this.#takeBack(logEndOffset)
    this.#safety.opened(partition)
    this.#compaction.opened(partition)
    this.observe()
    await this.#verification.opened(partition, this.#now())
    const producers = this.#model.producers()
    for (const client of this.#producers.clients)
      if (producers.get(client.producerId)?.openSince !== undefined) this.#endWith(client, 'abort')
    await partition.settle()
    this.observe()
    assert.equal(partition.lastStableOffset, partition.logEndOffset, 'nothing holds the last stable offset')
    await this.#verification.read(partition, this.#now())
    for (const client of this.#producers.clients)
      if (this.#random.int(4) === 0) this.#producers.beginEpoch(client)
  }

  async run(count: number): Promise<void> {
    for (let left = count; left > 0; left -= 1) {
      await this.#pick(this.#choices)()
      for (let turns = this.#random.int(8); turns > 0; turns -= 1) await Promise.resolve()
      this.observe()
    }
  }

  /** Everything that may be compacted is, and a reader finds it so. */
  async compactAll(): Promise<void> {
    const { compact, minCompactionLagMs } = this.#settings.present
    if (!compact) return
    await this.#clock.advance(minCompactionLagMs + 1)
    this.observe()
    while (await this.#compaction.clean(this.#partition)) this.observe()
    await this.#verification.read(this.#partition, this.#now())
  }

  /** The process has ended, and its calls in flight have. */
  ended(): void {
    for (const error of this.#unexpected) throw error
  }

  lostDerivedFiles(): void {
    this.#producers.lostDerivedFiles()
  }

  observe(): void {
    this.#safety.observe(this.#partition, this.#now())
    this.#compaction.observe(this.#partition, this.#now())
    const { logEndOffset } = this.#partition
    if (logEndOffset < this.#model.endOffset) this.#takeBack(logEndOffset)
  }

  #takeBack(offset: number): void {
    this.#safety.takenBack(offset)
    this.#model.truncate(offset)
    this.#producers.continueFrom(this.#model)
  }

  #append(client: Client | undefined): void {
    this.#accepted(this.#producers.append(this.#partition, client, this.#clock.now()))
  }

  #end(): void {
    const client = this.#client()
    const known = this.#model.producers().get(client.producerId)
    if (known?.openSince !== undefined) this.#endWith(client, this.#pick(['commit', 'abort']))
  }

  #endWith(client: Client, marker: 'commit' | 'abort'): void {
    this.#accepted(this.#producers.end(this.#partition, client, marker))
    if (marker === 'abort') this.#progress.aborted += 1
  }

  #accepted({ receipt, batch }: Appended): void {
    const { baseOffset, lastOffset, durable } = receipt
    const { passedMs: appendedMs } = this.#now()
    this.#model.add({ ...batch, baseOffset, nextOffset: lastOffset + 1, appendedMs })
    this.#beside(durable.then(() => this.#safety.acknowledged(lastOffset + 1)))
  }

  #clean(): void {
    if (!this.#settings.present.compact) return
    this.observe()
    const hasEnded = this.#hasEnded
    this.#compaction.clean(this.#partition).catch((error: unknown) => {
      if (!isRefusedPass(error) && !hasEnded()) this.#unexpected.push(error)
    })
  }

  /** Deletes some of the records that are safe, and often not whole batches of them. */
  #delete(): void {
    const { logStartOffset } = this.#partition
    const offset = this.#deletable()
    this.#safety.deleting(offset)
    this.#beside(
      this.#partition.deleteRecords(offset).then(startOffset => {
        assert(startOffset >= offset, 'the log starts where records were deleted')
        this.#safety.deleted(offset)
        this.#progress.deleted += offset - logStartOffset
      }),
    )
  }

  /** Drops whole segments, as an app does with what it no longer needs. */
  #drop(): void {
    const before = this.#partition.logStartOffset
    const offset = this.#deletable()
    this.#safety.deleting(offset)
    const dropped = this.#partition.dropBefore(offset)
    const { logStartOffset } = this.#partition
    this.#beside(
      dropped.then(() => {
        if (logStartOffset > before) this.#safety.deleted(logStartOffset)
      }),
    )
  }

  #deletable(): number {
    const { logStartOffset, highWatermark } = this.#partition
    return logStartOffset + this.#random.int(1 + ((highWatermark - logStartOffset) >> 1))
  }

  /** Beside everything that comes next. */
  #beside(outcome: Promise<void>): void {
    this.#unlessRefused(outcome).catch((error: unknown) => this.#unexpected.push(error))
  }

  /**
   * A disk without room is an expected answer, and leaves the log as it was; any other error ends the
   * process.
   */
  async #unlessRefused(outcome: Promise<void>): Promise<void> {
    try {
      await outcome
    } catch (error) {
      if (!isMillraceError(error)) throw error
      if (error.retriable) this.#progress.refused += 1
    }
  }

  #now(): SimulatedTime {
    return { wallMs: this.#clock.now(), passedMs: this.#passedMs + this.#clock.monotonic() }
  }

  #client(): Client {
    return this.#pick(this.#producers.clients)
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#random.int(choices.length)]!
  }
}
