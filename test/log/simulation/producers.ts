/**
 * The producers of a simulated log: a plain one, two with sequences and two with transactions. They append
 * records of few keys, end transactions, and misbehave; after a restart they are known as before.
 */
import assert from 'node:assert/strict'
import { compressions, type Compression, type Random } from '../../../src/base/index.ts'
import type { AppendReceipt, Partition } from '../../../src/log/index.ts'
import { batchOf } from '../../../src/log/log.test-support.ts'
import { BatchBuilder, controlBatch } from '../../../src/wire/index.ts'
import type { LogModel, ModelBatch, ModelProducer, ModelRecord } from './log-model.ts'

const recordsMax = 4
const paddingMax = 30
/** Some records make their segment take room ahead, where segments are so large. */
const [largeEvery, largeBytes, largeSegmentBytes] = [16, 9000, 1 << 20]
const keys = ['a', 'b', 'c', 'd', 'e', 'longer than fifteen bytes', 'also longer than fifteen bytes']
/** Few: they take longer than everything else together. */
const mostlyPlain: readonly Compression[] = [...Array<Compression>(30).fill('none'), ...compressions]
/** How far timestamps are behind the clock, or in some logs ahead of it. */
const behindMsMax = 3000
const aheadMsMax = 100_000
const markerBytes = controlBatch({
  type: 'abort',
  producerId: 0,
  producerEpoch: 0,
  coordinatorEpoch: 0,
  timestamp: 0,
}).length

/** A producer, with its next sequence. */
export interface Client {
  readonly producerId: number
  readonly transactional: boolean
  epoch: number
  sequence: number
}

export interface Appended {
  readonly receipt: AppendReceipt
  readonly batch: Omit<ModelBatch, 'baseOffset' | 'nextOffset' | 'appendedMs'>
}

export class SimulatedProducers {
  readonly clients: readonly Client[] = [1, 2, 11, 12].map(producerId => ({
    producerId,
    transactional: producerId > 10,
    epoch: 0,
    sequence: 0,
  }))
  readonly #random: Random
  readonly #mayBeAhead: boolean
  #values = 0
  /** Files that are derived from the log were lost, and it was not opened since. */
  #isLost = false
  #lostBelow = 0

  constructor(random: Random) {
    this.#random = random
    this.#mayBeAhead = random.int(4) === 0
  }

  /** Below this offset the log may have forgotten producers: files that are derived from it were lost. */
  get lostBelow(): number {
    return this.#lostBelow
  }

  lostDerivedFiles(): void {
    this.#isLost = true
  }

  /** The log was opened. */
  opened({ logStartOffset }: Partition): void {
    if (this.#isLost) this.#lostBelow = Math.max(this.#lostBelow, logStartOffset)
    this.#isLost = false
  }

  append(partition: Partition, client: Client | undefined, nowMs: number): Appended {
    const builder = new BatchBuilder({ compression: this.#pick(mostlyPlain), initialBytes: 256 })
    const baseOffset = partition.logEndOffset
    const records: ModelRecord[] = []
    const isRoomy = partition.settings.segmentBytes >= largeSegmentBytes
    for (let left = 1 + this.#random.int(recordsMax); left > 0; left -= 1) {
      const record = this.#record(baseOffset + records.length, nowMs, isRoomy)
      builder.append(record.timestamp, record.key, record.value)
      records.push(record)
    }
    const producer = client && {
      producerId: client.producerId,
      producerEpoch: client.epoch,
      baseSequence: client.sequence,
      transactional: client.transactional,
    }
    const bytes = builder.build(producer)
    const receipt = partition.append(bytes)
    assert(!receipt.duplicate)
    if (client) client.sequence += records.length
    return { receipt, batch: { sizeBytes: bytes.length, records, marker: undefined, producer } }
  }

  /** Ends a transaction, and with it the epoch: as in KIP-890, or as before it. */
  end(partition: Partition, client: Client, marker: 'commit' | 'abort'): Appended {
    const { producerId } = client
    const producerEpoch = client.epoch + this.#random.int(2)
    const receipt = partition.appendMarker({ type: marker, producerId, producerEpoch, coordinatorEpoch: 0 })
    if (producerEpoch > client.epoch) client.sequence = 0
    client.epoch = producerEpoch
    const producer = { producerId, producerEpoch, baseSequence: -1, transactional: true }
    return { receipt, batch: { sizeBytes: markerBytes, records: [], marker, producer } }
  }

  /** The producer begins a new epoch, as after InitProducerId. */
  beginEpoch(client: Client): void {
    client.epoch += 1
    client.sequence = 0
  }

  /**
   * A batch sent again, a batch out of order, a batch of an older epoch. The log must know batches from
   * `knownFrom` on, and each producer's last one, unless its knowledge was lost.
   * @returns whether a duplicate was sent
   */
  misbehave(partition: Partition, client: Client, known: ModelProducer, knownFrom: number): boolean {
    if (partition.failure) throw partition.failure
    if (this.#isForgotten(known)) return false
    const { epoch, batches } = known
    const last = batches.at(-1)
    const { producerId, transactional } = client
    const send = (producerEpoch: number, baseSequence: number, count = 1): AppendReceipt =>
      partition.append(
        batchOf(Array<string>(count).fill('x'), { producerId, producerEpoch, baseSequence, transactional }),
      )
    const from = Math.max(knownFrom, this.#lostBelow)
    const sure = batches.filter(each => each === last || each.baseOffset >= from)
    const again = sure[this.#random.int(Math.max(1, sure.length))]
    if (again) {
      const receipt = send(epoch, again.producer!.baseSequence, again.records.length)
      assert(receipt.duplicate, `a duplicate of offset ${again.baseOffset} is recognised`)
      assert.equal(receipt.baseOffset, again.baseOffset)
    }
    const next = nextSequence(batches)
    assert.throws(() => send(epoch, next + 1 + this.#random.int(5)), { code: 'OUT_OF_ORDER_SEQUENCE' })
    if (epoch > 0) assert.throws(() => send(epoch - 1, next), { code: 'PRODUCER_FENCED' })
    return again !== undefined
  }

  /** The log has lost records: each producer continues after its last record there. */
  continueFrom(model: LogModel): void {
    const producers = model.producers()
    for (const client of this.clients) {
      const known = producers.get(client.producerId)
      client.epoch = known?.epoch ?? client.epoch
      client.sequence = nextSequence(known?.batches ?? [])
      // The log may know its epoch by a marker, and not its sequence.
      if (known && this.#isForgotten(known)) this.beginEpoch(client)
    }
  }

  #isForgotten({ batches, lastOffset }: ModelProducer): boolean {
    return (batches.at(-1)?.baseOffset ?? lastOffset) < this.#lostBelow
  }

  #record(offset: number, nowMs: number, mayBeLarge: boolean): ModelRecord {
    this.#values += 1
    const paddingMin = mayBeLarge && this.#values % largeEvery === 0 ? largeBytes : 0
    const isAhead = this.#mayBeAhead && this.#random.int(20) === 0
    return {
      offset,
      key: this.#random.int(20) === 0 ? null : this.#pick(keys),
      value: this.#random.int(5) === 0 ? null : this.#value(paddingMin),
      timestamp: isAhead ? nowMs + this.#random.int(aheadMsMax) : nowMs - this.#random.int(behindMsMax),
    }
  }

  #value(paddingMin: number): string {
    return `${this.#values}${'.'.repeat(paddingMin + this.#random.int(paddingMax))}`
  }

  #pick<T>(choices: readonly T[]): T {
    return choices[this.#random.int(choices.length)]!
  }
}

function nextSequence(batches: readonly ModelBatch[]): number {
  const last = batches.at(-1)
  return last ? last.producer!.baseSequence + last.records.length : 0
}
