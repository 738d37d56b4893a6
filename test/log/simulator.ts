/**
 * The log against its model, from a seed: appends of plain, idempotent and transactional producers, many in
 * flight at a time; ends of transactions, duplicates, gaps and zombies; reads, checkpoints, rolls, retention,
 * deletions of records and changes of settings; sometimes a disk that is full or fails. The process ends
 * again and again: cleanly, by a kill, or by a loss of power, at any call to the disk, including those of
 * recovery.
 *
 * After each start
 * - the log is a prefix of what was appended, with everything that was acknowledged or shown before, and
 *   without the records whose deletion was acknowledged;
 * - readers at either isolation level see what the model says, by offset and by time;
 * - producers are known as before: their last batches are duplicates, gaps and older epochs are refused;
 * - the transactions that were open are open, and once they are aborted nothing holds back the last stable
 *   offset.
 */
import assert from 'node:assert/strict'
import { compressions, isMillraceError, type Compression, type Random } from '../../src/base/index.ts'
import type { AppendReceipt, Isolation, LogDirectoryOptions, Partition } from '../../src/log/index.ts'
import { batchOf, openDirectory, shownOf } from '../../src/log/log.test-support.ts'
import { SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { virtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts'
import { controlBatch } from '../../src/wire/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { withPower } from '../power.ts'
import { LogModel, type ModelBatch, type ModelProducer } from './log-model.ts'

const processesPerSeed = 4
const operationsMax = 40
/** Calls to the disk before the process ends at one, at most. */
const callsMax = 200
/** … until one fails with EIO. */
const failingCallMax = 40
const recordsMax = 4
const segmentSizes = [400, 1500, 1 << 20] as const
/** The least that any retention of a test keeps. */
const retainedBytesMin = 1000
const isolations: readonly Isolation[] = ['read_uncommitted', 'read_committed']
/** Few: they take longer than everything else together. */
const mostlyPlain: readonly Compression[] = [...Array<Compression>(30).fill('none'), ...compressions]
const markerBytes = controlBatch({
  type: 'abort',
  producerId: 0,
  producerEpoch: 0,
  coordinatorEpoch: 0,
  timestamp: 0,
}).length

/** A producer, with its next sequence. */
interface Client {
  readonly producerId: number
  readonly transactional: boolean
  epoch: number
  sequence: number
}

export interface Progress {
  /** Records that were safe, and were checked after a process ended. */
  safe: number
  /** … and that were not safe, and were lost. */
  lost: number
  duplicates: number
  refused: number
  aborted: number
  deleted: number
}

const nothingYet: Progress = { safe: 0, lost: 0, duplicates: 0, refused: 0, aborted: 0, deleted: 0 }

export async function simulate(): Promise<Progress> {
  const progress = { ...nothingYet }
  await forSeeds(
    10_000,
    random => new Simulation(random, progress).run(),
    // A simulation in which nothing happens proves nothing.
    ({ length }) => {
      for (const [what, count] of Object.entries(progress)) assert(count > length, `${what}: only ${count}`)
    },
  )
  return progress
}

export function repeat(seeds: readonly number[]): Promise<void> {
  return forSeeds(seeds, random => new Simulation(random, { ...nothingYet }, false).run())
}

class Simulation {
  readonly #random: Random
  readonly #progress: Progress
  readonly #mayWait: boolean
  readonly #disk: SimulatedDisk
  readonly #options: Partial<LogDirectoryOptions>
  readonly #model = new LogModel()
  readonly #clients: readonly Client[] = [1, 2, 11, 12].map(producerId => ({
    producerId,
    transactional: producerId > 10,
    epoch: 0,
    sequence: 0,
  }))
  #clock: VirtualClock = virtualClock()
  #partition!: Partition
  /** Everything below this offset must survive a loss of power … */
  #safeOffset = 0
  /** … and everything below this one a kill: it was acknowledged or shown. */
  #shownOffset = 0
  /** Deletions were asked up to here … */
  #deletedOffset = 0
  /** … and acknowledged up to here: no later start shows these records. */
  #goneOffset = 0
  readonly #unexpected: unknown[] = []
  #values = 0

  /** `mayWait`: partitions may be recovered beside others. Older seeds have not drawn that. */
  constructor(random: Random, progress: Progress, mayWait = true) {
    this.#random = random
    this.#mayWait = mayWait
    this.#progress = progress
    this.#disk = new SimulatedDisk({ random })
    this.#options = {
      durability: random.int(4) === 0 ? 'os' : 'sync',
      segmentBytes: this.#pick(segmentSizes),
      indexIntervalBytes: this.#pick([0, 200, 4096]),
      retentionBytes: this.#pick([-1, -1, retainedBytesMin]),
      checkpointBytes: this.#pick([300, 1 << 20]),
      retentionCheckIntervalMs: 3000,
      maxOpenFiles: this.#pick([1, 3, 256]),
      indexBytesMax: this.#pick([0, 1200, 64 << 20]),
    }
  }

  async run(): Promise<void> {
    // The folder and the partition exist throughout: another test checks what a crash does to their creation.
    const log = await openDirectory(this.#disk, this.#options)
    await log.createPartition('flights', 0)
    await log.close()
    await this.#disk.syncDirectory('/')
    for (let n = 0; n < processesPerSeed; n += 1) await this.#process()
    await this.#process('clean')
  }

  /** One process, from its start to its end. */
  async #process(how = this.#pick(['clean', 'kill', 'crash', 'crash'] as const)): Promise<void> {
    const calls = how === 'clean' || this.#random.int(4) === 0 ? Infinity : 1 + this.#random.int(callsMax)
    const process = withPower(this.#disk, calls, how === 'kill' ? 'kill' : 'crash')
    this.#clock = virtualClock(1_000_000)
    let hasFailed = false
    let isClosed = false
    const onFatal = (): void => {
      hasFailed = true
    }
    try {
      const mayWait = this.#mayWait && this.#random.int(2) === 0
      const options = { ...this.#options, clock: this.#clock, onFatal, first: () => !mayWait }
      const log = await openDirectory(process.disk, options)
      log.recoverOthers(async () => undefined)
      // It may end before its recovery does.
      isClosed = mayWait && this.#random.int(4) === 0
      if (isClosed) await log.close()
      await log.unrecoveredPartition('flights', 0)?.once(() => undefined)
      assert.equal(log.recovery.partitions[0]?.damage, undefined)
      this.#partition = log.partition('flights', 0)!
      await this.#verify()
      if (how !== 'clean' && this.#random.int(4) === 0)
        this.#disk.failCall({ call: 1 + this.#random.int(failingCallMax), kind: 'EIO', times: 'once' })
      await this.#operate()
      if (how === 'clean') {
        this.#disk.clearFailures()
        await log.close()
        this.#observe()
        assert.equal(this.#partition.syncedOffset, this.#model.endOffset)
      }
    } catch (error) {
      // A process that is ending, or whose disk has failed, may get any of these errors.
      if (!isMillraceError(error) || !(process.hasEnded() || hasFailed || isClosed)) throw error
    }
    process.end()
    // Calls in flight end, or wait for a process that is gone.
    await this.#clock.yield()
    for (const error of this.#unexpected) throw error
    this.#disk.clearFailures()
    if (how !== 'kill') this.#shownOffset = this.#safeOffset
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
    const known = this.#model.producers().get(client.producerId)
    switch (this.#random.int(16)) {
      case 0:
      case 1:
        return this.#append(undefined)
      case 2:
      case 3:
      case 4:
      case 5:
        return this.#append(client)
      case 6:
      case 7:
        return known?.openSince === undefined ? undefined : this.#end(client, this.#pick(['commit', 'abort']))
      case 8:
        return known && this.#misbehave(client, known)
      case 9:
        return this.#read()
      case 10:
        await this.#unlessRefused(this.#partition.sync())
        return
      case 11:
        // All calls in flight end.
        return this.#clock.yield()
      case 12:
        // Only sometimes, since it takes real time.
        if (this.#random.int(4) === 0) await this.#clock.advance(6000)
        return
      case 13:
        return this.#configure()
      case 14:
        return this.#delete()
      default:
        // The next write, or one soon after, finds no room.
        this.#disk.failCall({ call: 1 + this.#random.int(10), kind: 'short', times: 'once' })
    }
  }

  #append(client: Client | undefined): void {
    const values = Array.from({ length: 1 + this.#random.int(recordsMax) }, () => {
      this.#values += 1
      return `${this.#values}${'.'.repeat(this.#random.int(60))}`
    })
    const timestamp = this.#random.int(5000)
    const producer = client && {
      producerId: client.producerId,
      producerEpoch: client.epoch,
      baseSequence: client.sequence,
      transactional: client.transactional,
    }
    const bytes = batchOf(values, { timestamp, compression: this.#pick(mostlyPlain), ...producer })
    const receipt = this.#partition.append(bytes)
    assert(!receipt.duplicate)
    this.#accepted(receipt, { sizeBytes: bytes.length, values, timestamp, marker: undefined, producer })
    if (client) client.sequence += values.length
  }

  /** Ends a transaction, and with it the epoch: as in KIP-890, or as before it. */
  #end(client: Client, marker: 'commit' | 'abort'): void {
    const epoch = client.epoch + this.#random.int(2)
    const { producerId } = client
    const ends = { producerId, producerEpoch: epoch, coordinatorEpoch: 0 }
    const receipt = this.#partition.appendMarker({ type: marker, ...ends })
    this.#accepted(receipt, {
      sizeBytes: markerBytes,
      values: [],
      timestamp: -1,
      marker,
      producer: { producerId, producerEpoch: epoch, baseSequence: -1, transactional: true },
    })
    if (epoch > client.epoch) client.sequence = 0
    client.epoch = epoch
    if (marker === 'abort') this.#progress.aborted += 1
  }

  #accepted(receipt: AppendReceipt, batch: Omit<ModelBatch, 'baseOffset' | 'nextOffset'>): void {
    const { baseOffset, lastOffset } = receipt
    this.#model.add({ ...batch, baseOffset, nextOffset: lastOffset + 1 })
    const safe = receipt.durable.then(() => {
      this.#shownOffset = Math.max(this.#shownOffset, lastOffset + 1)
      if (this.#options.durability === 'sync') this.#safeOffset = Math.max(this.#safeOffset, lastOffset + 1)
    })
    this.#unlessRefused(safe).catch((error: unknown) => this.#unexpected.push(error))
  }

  #configure(): void {
    const { settings } = this.#partition
    const segmentBytes = this.#pick(segmentSizes)
    const retentionBytes = this.#pick([-1, retainedBytesMin, 3 * retainedBytesMin])
    this.#partition.configure({ ...settings, segmentBytes, retentionBytes })
  }

  /** Deletes some of the records that are safe, and often not whole batches of them. */
  #delete(): void {
    const { logStartOffset, highWatermark } = this.#partition
    const offset = logStartOffset + this.#random.int(1 + ((highWatermark - logStartOffset) >> 1))
    this.#deletedOffset = Math.max(this.#deletedOffset, offset)
    const gone = this.#partition.deleteRecords(offset).then(startOffset => {
      assert(startOffset >= offset, 'the log starts where records were deleted')
      this.#goneOffset = Math.max(this.#goneOffset, offset)
      this.#progress.deleted += offset - logStartOffset
    })
    this.#unlessRefused(gone).catch((error: unknown) => this.#unexpected.push(error))
  }

  /** A batch sent again, a batch out of order, a batch of an older epoch. */
  #misbehave(client: Client, { epoch, batches }: ModelProducer): void {
    if (this.#partition.failure) throw this.#partition.failure
    const { producerId, transactional } = client
    const again = batches[this.#random.int(batches.length)]
    const send = (
      producerEpoch: number,
      baseSequence: number,
      values: readonly string[] = ['x'],
    ): AppendReceipt =>
      this.#partition.append(batchOf(values, { producerId, producerEpoch, baseSequence, transactional }))
    if (again) {
      const receipt = send(epoch, again.producer!.baseSequence, again.values)
      assert(receipt.duplicate, `a duplicate of offset ${again.baseOffset} is recognised`)
      assert.equal(receipt.baseOffset, again.baseOffset)
      this.#progress.duplicates += 1
    }
    const next = nextSequence(batches)
    assert.throws(() => send(epoch, next + 1 + this.#random.int(5)), { code: 'OUT_OF_ORDER_SEQUENCE' })
    if (epoch > 0) assert.throws(() => send(epoch - 1, next), { code: 'PRODUCER_FENCED' })
  }

  /** Reads while appends are in flight: the records shown are those that stay, up to the readable end. */
  async #read(): Promise<void> {
    const partition = this.#partition
    for (const isolation of isolations) {
      const from = partition.logStartOffset
      const end = (): number =>
        isolation === 'read_committed' ? partition.lastStableOffset : partition.highWatermark
      const before = end()
      let shown
      try {
        shown = await shownOf(partition, isolation, from, 1 + this.#random.int(2000))
      } catch (error) {
        // Retention was faster.
        if (isMillraceError(error, 'OFFSET_OUT_OF_RANGE') && partition.logStartOffset > from) continue
        throw error
      }
      this.#observe()
      const expected = this.#model.shown(from, end(), isolation)
      assert.deepEqual(shown, expected.slice(0, shown.length), isolation)
      assert(shown.length >= expected.filter(({ offset }) => offset < before).length, 'up to the end')
    }
  }

  /** Reads the offsets: a record that is shown now is never lost. */
  #observe(): void {
    const partition = this.#partition
    const { logStartOffset, lastStableOffset, highWatermark, syncedOffset, logEndOffset } = partition
    const inOrder = [logStartOffset, lastStableOffset, highWatermark, logEndOffset]
    assert.deepEqual(
      inOrder,
      inOrder.toSorted((a, b) => a - b),
    )
    const isSync = this.#options.durability === 'sync'
    assert(!isSync || highWatermark <= syncedOffset, 'what is shown is synced')
    this.#shownOffset = Math.max(this.#shownOffset, highWatermark)
    this.#safeOffset = Math.max(this.#safeOffset, isSync ? highWatermark : syncedOffset)
    if (logEndOffset < this.#model.endOffset) this.#takeBack(logEndOffset)
    // With durability 'os' a loss of power removes some of what retention counted.
    if (logStartOffset <= this.#deletedOffset || !isSync) return
    const retained = this.#model.batches.filter(({ baseOffset }) => baseOffset >= logStartOffset)
    const bytes = retained.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    assert(bytes >= retainedBytesMin, 'retention leaves what it has to leave')
  }

  /** No record at `offset` or later is in the log. */
  #takeBack(offset: number): void {
    assert(offset >= this.#shownOffset, `the log ends at ${offset}, and ${this.#shownOffset} was safe`)
    this.#model.truncate(offset)
    // New records take the offsets of those that were lost, and nobody has deleted them.
    this.#goneOffset = Math.min(this.#goneOffset, offset)
    const producers = this.#model.producers()
    for (const client of this.#clients) {
      const known = producers.get(client.producerId)
      client.epoch = known?.epoch ?? client.epoch
      client.sequence = nextSequence(known?.batches ?? [])
    }
  }

  /** After the log was opened: compares everything visible in it with the model. */
  async #verify(): Promise<void> {
    const partition = this.#partition
    const { logStartOffset, logEndOffset } = partition
    this.#progress.safe += this.#shownOffset
    this.#progress.lost += this.#model.endOffset - logEndOffset
    this.#takeBack(logEndOffset)
    this.#observe()
    assert(logStartOffset >= Math.min(this.#goneOffset, logEndOffset), 'deleted records stay deleted')
    const model = this.#model
    assert.equal(partition.highWatermark, logEndOffset)
    assert.equal(partition.lastStableOffset, Math.max(logStartOffset, model.lastStableOffset()))
    assert.deepEqual(
      partition.openTransactions.map(({ firstOffset }) => firstOffset),
      model.open(),
    )
    await this.#read()
    const timestamp = this.#random.int(6000)
    assert.deepEqual(
      await partition.offsetForTimestamp(timestamp),
      model.find(timestamp, partition.logStartOffset, logEndOffset),
      `first at ${timestamp}`,
    )
    const isolation = timestamp % 2 === 0 ? 'read_committed' : 'read_uncommitted'
    assert.deepEqual(
      await partition.offsetOfLargestTimestamp(isolation),
      model.findLargest(partition.logStartOffset, partition.readableEnd(isolation)),
      `largest, ${isolation}`,
    )
    const producers = model.producers()
    for (const client of this.#clients) {
      const known = producers.get(client.producerId)
      if (known) this.#misbehave(client, known)
    }
    for (const client of this.#clients)
      if (producers.get(client.producerId)?.openSince !== undefined) this.#end(client, 'abort')
    await partition.settle()
    this.#observe()
    assert.equal(partition.lastStableOffset, partition.logEndOffset, 'nothing holds the last stable offset')
    await this.#read()
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

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#random.int(choices.length)]!
  }
}

function nextSequence(batches: readonly ModelBatch[]): number {
  const last = batches.at(-1)
  return last ? last.producer!.baseSequence + last.values.length : 0
}
