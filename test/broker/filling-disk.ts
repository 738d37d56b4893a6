/**
 * Parts of the disk fill up and get room again at random, while transactions with offsets begin and end, and
 * processes end. Committed records are there, those refused with DISK_FULL are not, and no call waits for
 * room.
 */
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { isMillraceError, type Random } from '../../src/base/index.ts'
import { InProcessLog } from '../../src/broker/index.ts'
import { append, drain, stateOf } from '../../src/port/conformance/harness.ts'
import type { Writer } from '../../src/port/index.ts'
import { SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { virtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts'
import { forSeeds } from '../for-seeds.ts'
import { fillableDisk, type FillableDisk } from '../full-disk.ts'
import { tinyLimits } from '../tiny-limits.ts'

const topics = ['a', 'b']
const folders = ['a-0', 'b-0', '__consumer_offsets-0', '__transaction_state-0']
const lives = 4
const transactionsOfLife = 25
const place = { topic: 'a', partition: 0 }

export function simulate(): Promise<void> {
  return forSeeds(100, random => new Filling(random).run())
}

class Filling {
  readonly #random: Random
  readonly #disk: SimulatedDisk
  readonly #clock: VirtualClock = virtualClock(1_000_000)
  /** Committed values, by topic. */
  readonly #values = new Map<string, string[]>(topics.map(topic => [topic, []]))
  #offset: number | undefined

  constructor(random: Random) {
    this.#random = random
    this.#disk = new SimulatedDisk({ random })
  }

  async run(): Promise<void> {
    await this.#disk.makeDirectory('/data')
    await this.#disk.syncDirectory('/')
    for (let life = 0; life < lives; life += 1) {
      const disk = fillableDisk(this.#disk.session())
      const port = await this.#open(disk)
      for (const topic of topics)
        if (!(await port.describeTopic(topic))) await port.createTopic(topic, { partitions: 1 })
      await this.#live(port, disk, life)
      await this.#end(port, disk)
    }
    const port = await this.#open(fillableDisk(this.#disk.session()))
    for (const topic of topics) assert.deepEqual(await valuesOf(port, topic), this.#values.get(topic), topic)
    assert.equal((await port.committedOffsets('g', [place]))[0]?.offset, this.#offset)
    await port.close()
  }

  #open(disk: FillableDisk): Promise<InProcessLog> {
    const random = this.#random
    const segmentBytes = 300 + random.int(1000)
    const options = {
      disk,
      clock: this.#clock,
      random,
      internal: tinyLimits(random),
      configs: { 'log.segment.bytes': segmentBytes },
    }
    return InProcessLog.open('/data', options)
  }

  async #live(port: InProcessLog, disk: FillableDisk, life: number): Promise<void> {
    const random = this.#random
    let writer: Writer | undefined
    for (let n = 0; n < transactionsOfLife; n += 1) {
      if (random.int(3) === 0) this.#fillOrFree(disk)
      if (random.int(6) === 0) await this.#clock.advance(1000)
      writer ??= await this.#attempt('a writer', port.openWriter({ transactionalId: 'x' }))
      if (writer && !(await this.#transact(writer, life * 100 + n))) writer = undefined
      if (random.int(3) === 0)
        await this.#attempt('an end', port.offsets(topics[random.int(2)]!, 0, 'latest'))
      const committed = await this.#attempt('offsets', port.committedOffsets('g', [place]))
      if (committed) assert.equal(committed[0]?.offset, this.#offset)
    }
  }

  /** False: the write was refused, and its writer failed. */
  async #transact(writer: Writer, id: number): Promise<boolean> {
    const random = this.#random
    const written: string[] = []
    for (const topic of topics) {
      if (random.int(3) === 0) continue
      if ((await this.#attempt('an append', append(writer, topic, [`${id}`]))) === undefined) return false
      written.push(topic)
    }
    const isAborted = random.int(4) === 0
    const offsets = random.int(2) === 0 ? { group: 'g', offsets: [{ ...place, offset: id }] } : undefined
    const ending = (isAborted ? writer.abort() : writer.commit(offsets)).then(() => true)
    if (!(await this.#attempt(isAborted ? 'an abort' : 'a commit', ending))) return false
    if (isAborted) return true
    for (const topic of written) this.#values.get(topic)!.push(`${id}`)
    if (offsets) this.#offset = id
    return true
  }

  #fillOrFree(disk: FillableDisk): void {
    const random = this.#random
    if (random.int(2) === 0) return disk.free()
    const isAll = random.int(5) === 0
    const full = folders.filter(() => random.int(2) === 0)
    disk.fill(path => isAll || full.some(folder => path.startsWith(`/data/${folder}/`)))
  }

  async #end(port: InProcessLog, disk: FillableDisk): Promise<void> {
    const how = this.#random.int(3)
    if (how === 0) return this.#disk.crash()
    if (how === 1) disk.free()
    await this.#attempt('close', port.close())
    this.#disk.kill()
  }

  /** Undefined if the call was refused for lack of room. */
  async #attempt<T>(what: string, call: Promise<T>): Promise<T | undefined> {
    const settled = call.catch((error: unknown) => {
      // What follows a refusal: the writer, or its transaction, no longer exists.
      const isExpected = isMillraceError(error, 'DISK_FULL', 'INVALID_TXN_STATE', 'PRODUCER_FENCED')
      assert(isExpected, `${what}: ${inspect(error)}`)
      return undefined
    })
    for (let n = 0; n < 5; n += 1) if ((await stateOf(settled)) === 'settled') return settled
    throw new Error(`${what} waits for ever`)
  }
}

async function valuesOf(port: InProcessLog, topic: string): Promise<string[]> {
  await port.offsets(topic, 0, 'latest')
  const reader = await port.openReader()
  reader.assign([{ topic, partition: 0, offset: 0 }])
  const shown = await drain(reader, topic, 0)
  await reader.close()
  return shown.map(({ value }) => value)
}
