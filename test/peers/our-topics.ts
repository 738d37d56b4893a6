/**
 * A log directory that millrace wrote, and what a reader of it must find: topics of each compression in
 * several segments, transactions that commit and abort while others are open, and a crash in the middle, with
 * a transaction open and a batch half written.
 */
import assert from 'node:assert/strict'
import { appendFileSync, cpSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { compressions } from '../../src/base/index.ts'
import { type Log, openLog } from '../../src/index.ts'
import type { Writer } from '../../src/port/index.ts'
import { BatchBuilder } from '../../src/wire/index.ts'
import type { DumpedRecord } from './dump-log.ts'

const plainTopics = compressions.map(compression => `plain-${compression}`)
const transactionsTopic = 'transactions'
const partitions = 3
/** Small, so that a few hundred kilobytes make several. */
const segmentBytes = 64 << 10
const plainBatches = 60
const rounds = 40
const firstTimestamp = Date.UTC(2001, 5, 14)

export interface WrittenRecord extends DumpedRecord {
  /** False where its transaction was aborted. */
  visible: boolean
}

export interface WrittenPartition {
  readonly records: WrittenRecord[]
  /** One per transaction that wrote here. */
  markers: number
}

/** By partition folder (`plain-gzip-0`). */
export type WrittenTopics = ReadonlyMap<string, WrittenPartition>

/** Writes to a log in `folder`, copies what a killed process would leave, and continues in the copy. */
export async function writeOurTopics(
  folder: string,
): Promise<{ readonly directory: string; readonly topics: WrittenTopics }> {
  const directory = join(folder, 'recovered')
  const writing = new Writing()
  const log = await openLog(join(folder, 'killed'), { configs: { 'log.segment.bytes': segmentBytes } })
  for (const topic of plainTopics) await log.createTopic(topic)
  await log.createTopic(transactionsTopic, { partitions })
  await writing.plain(log)
  await writing.transactions(log)
  const unfinished = await writing.unfinished(log)
  cpSync(join(folder, 'killed'), directory, {
    recursive: true,
    filter: path => !basename(path).startsWith('.lock'),
  })
  tear(join(directory, 'plain-none-0'))
  await unfinished.close()
  await log.close()

  const recovered = await openLog(directory, { configs: { 'log.segment.bytes': segmentBytes } })
  await writing.plain(recovered)
  await writing.transactions(recovered)
  await recovered.close()
  return { directory, topics: writing.topics }
}

/** The last segment ends in half a batch, which was never acknowledged. */
function tear(folder: string): void {
  const last = readdirSync(folder)
    .filter(name => name.endsWith('.log'))
    .sort()
    .at(-1)
  assert(last)
  const batch = new BatchBuilder()
  batch.append(firstTimestamp, 'torn', 'never acknowledged')
  const bytes = batch.build({ baseOffset: 1_000_000 })
  appendFileSync(join(folder, last), bytes.subarray(0, bytes.length - 5))
}

class Writing {
  readonly topics = new Map<string, WrittenPartition>()
  #records = 0

  /** Idempotent, no transaction. */
  async plain({ port }: Log): Promise<void> {
    for (const [n, topic] of plainTopics.entries()) {
      const writer = await port.openWriter()
      for (let batch = 0; batch < plainBatches; batch += 1)
        await this.#append(writer, topic, 0, 1 + ((batch * 7) % 40), compressions[n]!)
      await writer.close()
    }
  }

  /**
   * Two writers take turns, so that their transactions overlap in all partitions; every third aborts. A third
   * one writes among them without any.
   */
  async transactions({ port }: Log): Promise<void> {
    const plain = await port.openWriter()
    const even = await port.openWriter({ transactionalId: 'even' })
    const odd = await port.openWriter({ transactionalId: 'odd' })
    for (let round = 0; round < rounds; round += 1) {
      const open = [
        { writer: even, written: [] as WrittenRecord[], touched: new Set<number>() },
        { writer: odd, written: [] as WrittenRecord[], touched: new Set<number>() },
      ]
      for (let step = 0; step < 6; step += 1) {
        const { writer, written, touched } = open[step % 2]!
        const partition = (round + step) % partitions
        const compression = compressions[(round + step) % compressions.length]!
        touched.add(partition)
        written.push(
          ...(await this.#append(writer, transactionsTopic, partition, 1 + (round % 9), compression)),
        )
        if (step % 3 === 0) await this.#append(plain, transactionsTopic, partition, 2, 'none')
      }
      for (const [n, { writer, written, touched }] of open.entries()) {
        const commits = (2 * round + n) % 3 !== 0
        await (commits ? writer.commit() : writer.abort())
        for (const record of written) record.visible = commits
        for (const partition of touched) this.#partition(transactionsTopic, partition).markers += 1
      }
    }
    for (const writer of [plain, even, odd]) await writer.close()
  }

  /** Leaves a transaction open that has written to every partition: recovery will abort it. */
  async unfinished({ port }: Log): Promise<Writer> {
    const plain = await port.openWriter()
    const writer = await port.openWriter({ transactionalId: 'unfinished' })
    for (let partition = 0; partition < partitions; partition += 1) {
      for (const record of await this.#append(writer, transactionsTopic, partition, 5, 'none'))
        record.visible = false
      this.#partition(transactionsTopic, partition).markers += 1
      // What is acknowledged behind it shows that it is in the file.
      await this.#append(plain, transactionsTopic, partition, 1, 'none')
    }
    await plain.close()
    return writer
  }

  /**
   * Null keys, tombstones, headers with and without a value, text beyond ASCII; timestamps that go back and
   * forth.
   */
  async #append(
    writer: Writer,
    topic: string,
    partition: number,
    count: number,
    compression: (typeof compressions)[number],
  ): Promise<WrittenRecord[]> {
    const builder = new BatchBuilder({ compression })
    const appended = Array.from({ length: count }, () => {
      const n = this.#records++
      const timestamp = firstTimestamp + ((n * 7919) % 100_000)
      const key = n % 10 === 3 ? null : `key-${n % 17}`
      const value = n % 10 === 7 ? null : `Zürich ✈ ${n} ${noise(n)}`
      const headers =
        n % 5 === 0
          ? [
              { key: 'source', value: Buffer.from('test') },
              { key: 'empty', value: null },
            ]
          : []
      builder.append(timestamp, key, value, headers)
      return { timestamp, key, value, headerKeys: headers.map(header => header.key) }
    })
    const { baseOffset } = await writer.append(topic, partition, builder)
    const records = appended.map((record, n): WrittenRecord => ({
      ...record,
      offset: baseOffset + n,
      marker: undefined,
      visible: true,
    }))
    this.#partition(topic, partition).records.push(...records)
    return records
  }

  #partition(topic: string, index: number): WrittenPartition {
    const name = `${topic}-${index}`
    let partition = this.topics.get(name)
    if (!partition) this.topics.set(name, (partition = { records: [], markers: 0 }))
    return partition
  }
}

/** Text that compression cannot do away with, the same for the same seed. */
function noise(n: number): string {
  let state = n + 1
  let text = ''
  for (let length = 0; length < 150; length += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    text += String.fromCharCode(97 + ((state >>> 16) % 26))
  }
  return text
}
