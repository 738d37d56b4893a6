/**
 * Compaction against its model, from a seed: plain, idempotent and transactional producers write a few keys
 * over and over, with tombstones and without keys; transactions commit and abort; the cleaner runs with tiny
 * limits beside appends, readers, look-ups by time, retention and deletions. The process ends again and
 * again, cleanly, by a kill or by a loss of power, at any call to the disk; sometimes derived files are lost
 * with it, so that everything is read again.
 *
 * At each look a reader finds what the model allows and demands, and the first record of a time is the first
 * one that a reader finds. After each start producers are known as before.
 */
import assert from 'node:assert/strict'
import { isMillraceError, utf8, type Compression, type Random } from '../../src/base/index.ts'
import type {
  AppendReceipt,
  Isolation,
  LogDirectory,
  LogDirectoryOptions,
  Partition,
} from '../../src/log/index.ts'
import { dataPath, openDirectory } from '../../src/log/log.test-support.ts'
import { AbortedFilter } from '../../src/port/index.ts'
import { SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { virtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts'
import { BatchBuilder, readBatches } from '../../src/wire/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { soak } from '../scale.ts'
import { withPower } from '../power.ts'
import { CompactionModel, type Found, type ModelRecord } from './compaction-model.ts'

/** `npm test` runs a tenth of them: a seed takes 40 ms. */
const seedsOfSoak = soak ? 10_000 : 4000
const processesPerSeed = 4
const operationsMax = 60
const callsMax = 300
const recordsMax = 4
const deleteRetentionMs = 500
const startMs = 1_000_000
const keys = [
  'a',
  'b',
  'c',
  'd',
  'e',
  'a key that is longer than fifteen bytes',
  'another key longer than fifteen bytes',
]
const compressions: readonly Compression[] = [...Array<Compression>(20).fill('none'), 'gzip', 'zstd']

interface Client {
  readonly producerId: number
  readonly transactional: boolean
  epoch: number
  sequence: number
  /** The last batch, to send again. */
  last: { readonly bytes: Uint8Array; readonly baseOffset: number; readonly lastOffset: number } | undefined
  open: ModelRecord['fate'] | undefined
}

export interface Progress {
  passes: number
  removed: number
  shown: number
  restarts: number
  duplicates: number
  cutShort: number
}

const nothingYet: Progress = { passes: 0, removed: 0, shown: 0, restarts: 0, duplicates: 0, cutShort: 0 }

export async function simulate(): Promise<Progress> {
  const progress = { ...nothingYet }
  await forSeeds(
    seedsOfSoak,
    random => new Simulation(random, progress).run(),
    ({ length }) => {
      for (const [what, count] of Object.entries(progress))
        assert(count > length / 4, `${what}: only ${count}`)
    },
  )
  return progress
}

export function repeat(seeds: readonly number[]): Promise<void> {
  return forSeeds(seeds, random => new Simulation(random, { ...nothingYet }).run())
}

class Simulation {
  readonly #random: Random
  readonly #progress: Progress
  readonly #disk: SimulatedDisk
  readonly #options: Partial<LogDirectoryOptions>
  readonly #model = new CompactionModel()
  readonly #clients: readonly Client[] = [1, 2, 11, 12].map(producerId => ({
    producerId,
    transactional: producerId > 10,
    epoch: 0,
    sequence: 0,
    last: undefined,
    open: undefined,
  }))
  #clock: VirtualClock = virtualClock()
  /** Time passes from process to process. */
  #nowMs = startMs
  #partition!: Partition
  #endOffset = 0
  #safeOffset = 0
  #begunTo = 0
  #cleanedTo = 0
  #values = 0
  readonly #unexpected: unknown[] = []
  #hasEnded: () => boolean = () => false

  constructor(random: Random, progress: Progress) {
    this.#random = random
    this.#progress = progress
    this.#disk = new SimulatedDisk({ random })
    this.#options = {
      durability: random.int(4) === 0 ? 'os' : 'sync',
      segmentBytes: this.#pick([400, 800, 2000]),
      indexIntervalBytes: this.#pick([0, 200, 4096]),
      checkpointBytes: this.#pick([300, 1 << 20]),
      maxOpenFiles: this.#pick([1, 3, 256]),
      indexBytesMax: this.#pick([0, 1200, 64 << 20]),
      deleteRetentionMs,
      minCompactionLagMs: this.#pick([0, 0, 300]),
      cleaner: {
        dedupeBufferBytes: this.#pick([100, 200, 1 << 16]),
        portionBytes: this.#pick([61, 300, 4096]),
      },
    }
  }

  async run(): Promise<void> {
    const log = await openDirectory(this.#disk, this.#options)
    await log.createPartition('prices', 0)
    await log.close()
    await this.#disk.syncDirectory('/')
    for (let n = 0; n < processesPerSeed; n += 1) await this.#process()
    await this.#process('clean')
  }

  async #process(how = this.#pick(['clean', 'kill', 'crash', 'crash'] as const)): Promise<void> {
    const calls = how === 'clean' || this.#random.int(4) === 0 ? Infinity : 1 + this.#random.int(callsMax)
    const process = withPower(this.#disk, calls, how === 'kill' ? 'kill' : 'crash')
    this.#hasEnded = process.hasEnded
    this.#clock = virtualClock(this.#nowMs)
    try {
      const log = await openDirectory(process.disk, { ...this.#options, clock: this.#clock })
      assert.equal(log.recovery.partitions[0]?.damage, undefined)
      this.#partition = log.partition('prices', 0)!
      this.#begin()
      await this.#recover()
      await this.#operate()
      if (how === 'clean') await this.#closeAfterAPass(log)
    } catch (error) {
      if (!isMillraceError(error) || !process.hasEnded()) throw error
    }
    process.end()
    await this.#clock.yield()
    this.#nowMs = this.#clock.now() + 10
    for (const error of this.#unexpected) throw error
    if (this.#random.int(4) === 0) await this.#loseDerivedFiles()
  }

  /** Everything is compacted, and a reader finds it so. */
  async #closeAfterAPass(log: LogDirectory): Promise<void> {
    await this.#clock.advance(this.#options.minCompactionLagMs! + 1)
    while (await this.#clean());
    await this.#read()
    await log.close()
    assert.equal(this.#partition.syncedOffset, this.#partition.logEndOffset)
    this.#safeOffset = this.#partition.logEndOffset
  }

  /** Indexes, digests and snapshots: the log does not depend on them. */
  async #loseDerivedFiles(): Promise<void> {
    const folder = `${dataPath}/prices-0`
    for (const name of await this.#disk.list(folder))
      if (/\.(index|timeindex|txnindex|digest|snapshot)$/.test(name))
        await this.#disk.remove(`${folder}/${name}`)
    await this.#disk.syncDirectory(folder)
  }

  /** Compares a log that was just opened with what was safe. */
  #begin(): void {
    const { logEndOffset } = this.#partition
    assert(logEndOffset >= this.#safeOffset, `the log ends at ${logEndOffset}; ${this.#safeOffset} was safe`)
    this.#progress.restarts += 1
    this.#model.truncate(logEndOffset)
    this.#endOffset = logEndOffset
    this.#cleanedTo = this.#partition.compaction.cleanedTo
    this.#begunTo = Math.max(this.#cleanedTo, Math.min(this.#begunTo, logEndOffset))
  }

  /** Producers are known; open transactions are ended. */
  async #recover(): Promise<void> {
    const producers = new Map([...this.#partition.producers()].map(each => [each.producerId, each.epoch]))
    for (const client of this.#clients) {
      const known = producers.get(client.producerId)
      const { last } = client
      if (last && last.baseOffset >= this.#partition.logStartOffset && last.lastOffset < this.#endOffset) {
        assert(known !== undefined, `producer ${client.producerId} is known`)
        const again = this.#partition.append(last.bytes.slice())
        assert(again.duplicate, 'a batch sent again is recognised')
        assert.equal(again.baseOffset, last.baseOffset)
        this.#progress.duplicates += 1
      }
    }
    for (const { producerId, producerEpoch, firstOffset } of this.#partition.openTransactions) {
      this.#accepted(
        this.#partition.appendMarker({ type: 'abort', producerId, producerEpoch, coordinatorEpoch: 0 }),
      )
      for (const record of this.#model.records)
        if (record.producerId === producerId && record.offset >= firstOffset) record.fate.state = 'aborted'
    }
    for (const client of this.#clients) {
      // A new epoch: its batches are not mistaken for lost ones.
      client.epoch = Math.max(client.epoch, producers.get(client.producerId) ?? 0) + 1
      client.sequence = 0
      client.last = undefined
      client.open = undefined
    }
    await this.#partition.settle()
    this.#observe()
    await this.#read()
  }

  async #operate(): Promise<void> {
    for (let left = this.#random.int(operationsMax); left > 0; left -= 1) {
      await this.#operation()
      for (let turns = this.#random.int(8); turns > 0; turns -= 1) await Promise.resolve()
      this.#observe()
    }
  }

  async #operation(): Promise<void> {
    const client = this.#pick(this.#clients)
    switch (this.#random.int(14)) {
      case 0:
        return this.#append(undefined)
      case 1:
      case 2:
      case 3:
      case 4:
        return this.#append(client)
      case 5:
      case 6:
        return client.open ? this.#end(client, this.#pick(['commit', 'abort'])) : this.#append(client)
      case 7:
      case 8:
        // Beside everything that comes next.
        this.#cleanBeside()
        return
      case 9:
        return this.#read()
      case 10:
        return this.#clock.yield()
      case 11:
        return this.#random.int(4) === 0
          ? this.#clock.advance(this.#pick([100, 600, 6000]))
          : this.#clock.yield()
      case 12:
        return this.#find()
      default:
        if (this.#random.int(6) > 0) return
        return this.#drop(this.#random.int(this.#endOffset + 1))
    }
  }

  /** Drops whole segments, as retention does, or moves the start to any offset. */
  async #drop(offset: number): Promise<void> {
    const { highWatermark } = this.#partition
    if (offset % 2 === 0) await this.#partition.dropBefore(offset)
    else if (offset <= highWatermark) await this.#partition.deleteRecords(offset)
  }

  #append(client: Client | undefined): void {
    const builder = new BatchBuilder({ compression: this.#pick(compressions), initialBytes: 256 })
    const baseOffset = this.#partition.logEndOffset
    const fate = client?.open ?? { state: client?.transactional ? ('open' as const) : ('committed' as const) }
    const count = 1 + this.#random.int(recordsMax)
    for (let n = 0; n < count; n += 1) {
      const key = this.#random.int(20) === 0 ? null : this.#pick(keys)
      const value =
        this.#random.int(5) === 0 ? null : `${(this.#values += 1)}${'.'.repeat(this.#random.int(30))}`
      const timestamp = this.#clock.now() - this.#random.int(200)
      builder.append(timestamp, key, value)
      this.#model.records.push({
        offset: baseOffset + n,
        key,
        value,
        timestamp,
        appendedMs: this.#clock.now(),
        producerId: client?.producerId,
        fate,
      })
    }
    const bytes = builder.build(
      client && {
        producerId: client.producerId,
        producerEpoch: client.epoch,
        baseSequence: client.sequence,
        transactional: client.transactional,
      },
    )
    const receipt = this.#partition.append(bytes)
    assert.equal(receipt.baseOffset, baseOffset)
    this.#accepted(receipt)
    if (!client) return
    client.sequence += count
    client.last = { bytes, baseOffset, lastOffset: receipt.lastOffset }
    if (client.transactional) client.open = fate
  }

  #end(client: Client, type: 'commit' | 'abort'): void {
    const { producerId, epoch } = client
    this.#accepted(
      this.#partition.appendMarker({ type, producerId, producerEpoch: epoch, coordinatorEpoch: 0 }),
    )
    client.open!.state = type === 'commit' ? 'committed' : 'aborted'
    client.open = undefined
  }

  #accepted({ lastOffset, durable }: AppendReceipt): void {
    this.#endOffset = lastOffset + 1
    durable.then(
      () => {
        if (this.#options.durability === 'sync') this.#safeOffset = Math.max(this.#safeOffset, lastOffset + 1)
      },
      (error: unknown) => {
        if (!isMillraceError(error)) this.#unexpected.push(error)
      },
    )
  }

  async #clean(): Promise<boolean> {
    this.#begunTo = Math.max(this.#begunTo, this.#partition.lastStableOffset)
    const hasWorked = await this.#partition.compaction.clean()
    const { cleanedTo } = this.#partition.compaction
    if (hasWorked) this.#progress.passes += 1
    if (cleanedTo < this.#begunTo) this.#progress.cutShort += 1
    this.#cleanedTo = cleanedTo
    return hasWorked
  }

  #cleanBeside(): void {
    const hasEnded = this.#hasEnded
    this.#clean().catch((error: unknown) => {
      if (!isMillraceError(error) || !hasEnded()) this.#unexpected.push(error)
    })
  }

  #observe(): void {
    const { highWatermark, syncedOffset } = this.#partition
    this.#safeOffset = Math.max(
      this.#safeOffset,
      this.#options.durability === 'sync' ? highWatermark : syncedOffset,
    )
  }

  async #read(): Promise<void> {
    const isolation = this.#pick(['read_committed', 'read_uncommitted'] as const)
    const from = this.#partition.logStartOffset
    const cleanedBefore = this.#cleanedTo
    const to = this.#partition.readableEnd(isolation)
    let found
    try {
      found = await this.#found(from, to, isolation)
    } catch (error) {
      if (isMillraceError(error, 'OFFSET_OUT_OF_RANGE') && this.#partition.logStartOffset > from) return
      throw error
    }
    this.#model.check(found, from, to, isolation === 'read_uncommitted', {
      cleanedTo: cleanedBefore,
      begunTo: this.#begunTo,
      tombstonesBeforeMs: this.#clock.now() - deleteRetentionMs,
    })
    this.#progress.shown += found.length
    this.#progress.removed += this.#model.records.length - found.length
  }

  /** The first record of a time is the first one that a reader finds. */
  async #find(): Promise<void> {
    const timestamp = this.#clock.now() - this.#random.int(2000)
    const from = this.#partition.logStartOffset
    const end = this.#partition.highWatermark
    const { passes } = this.#progress
    const found = await this.#partition.offsetForTimestamp(timestamp)
    const all = await this.#found(from, end, 'read_uncommitted').catch(() => undefined)
    const first = all?.find(record => record.timestamp >= timestamp)
    const isStill = this.#partition.logStartOffset === from && this.#progress.passes === passes
    if (!all || !isStill || this.#partition.compaction.isRunning) return
    if (!found || found.offset < end)
      assert.deepEqual(found, first && { offset: first.offset, timestamp: first.timestamp })
  }

  /** What a reader with this isolation finds of the offsets from `from` up to, not including, `to`. */
  async #found(from: number, to: number, isolation: Isolation): Promise<Found[]> {
    const found: Found[] = []
    for (let offset = from; offset < to;) {
      const result = await this.#partition.read(offset, { maxBytes: 1 + this.#random.int(1000), isolation })
      const filter = new AbortedFilter(result.abortedTransactions)
      for (const batch of readBatches(result.batches)) {
        if (!filter.admits(batch)) continue
        for (const cursor = batch.records(); cursor.next();) {
          const [key, value] = [cursor.key(), cursor.value()]
          if (cursor.offset < offset || cursor.offset >= to) continue
          found.push({
            offset: cursor.offset,
            key: key && utf8(key),
            value: value && utf8(value),
            timestamp: cursor.timestamp,
          })
        }
      }
      assert(result.nextOffset > offset, 'a read gets on')
      offset = result.nextOffset
    }
    return found
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#random.int(choices.length)]!
  }
}
