/**
 * The rows of latency: from the send of a record until a consumer, whose fetch was waiting, has it. Producer
 * and consumer are two connections of this process.
 *
 * The load is half of what the slower broker does when each record is sent once the one before it has
 * arrived. The round that does not count measures that.
 */
import { setImmediate as turn } from 'node:timers/promises'
import type { BrokerRow } from './broker-rows.ts'
import type { BenchBroker, Durability } from './brokers.ts'
import type { Figures } from './compare.ts'
import { batchOf, createTopic, fetchFrom, produceFrame, refusalOf } from './raw-client.ts'
import { RawConnection } from './raw-connection.ts'

const secondsPerRun = 4
const recordBytes = 100

export const latency: readonly BrokerRow[] = [row('latency', 'os'), row('latency, synced', 'sync')]

function row(name: string, durability: Durability): BrokerRow {
  let mostPerSecond = Infinity
  return {
    name,
    durability,
    targets: [{ atMost: 0.7 }, { atMost: 0.7 }],
    async run(broker, topic, round) {
      await using delivery = await Delivery.open(broker, topic)
      if (round > 0) return await delivery.paced(mostPerSecond / 2)
      mostPerSecond = Math.min(mostPerSecond, await delivery.oneByOne())
      return [0, 0]
    },
  }
}

/** Records on their way from a producer to a consumer. */
class Delivery {
  readonly #producer: RawConnection
  readonly #consumer: RawConnection
  readonly #topic: string
  readonly #frame: Buffer
  /** By offset. */
  readonly #sentMs: number[] = []
  readonly #tookMs: number[] = []
  #failure: unknown
  #closed = false

  private constructor(producer: RawConnection, consumer: RawConnection, topic: string) {
    this.#producer = producer
    this.#consumer = consumer
    this.#topic = topic
    this.#frame = produceFrame(topic, 0, batchOf({ valueBytes: recordBytes, batchBytes: 0 }))
  }

  static async open({ address }: BenchBroker, topic: string): Promise<Delivery> {
    await createTopic(address, { topic, partitions: 1 })
    const [producer, consumer] = [await RawConnection.open(address), await RawConnection.open(address)]
    const delivery = new Delivery(producer, consumer, topic)
    void delivery.#consume().catch((error: unknown) => (delivery.#failure = error))
    return delivery
  }

  /** Sends each record once the one before it has arrived. How many there are in a second. */
  async oneByOne(): Promise<number> {
    const begunMs = performance.now()
    while (performance.now() < begunMs + secondsPerRun * 1000) {
      this.#send()
      await this.#arrived()
    }
    return this.#tookMs.length / secondsPerRun
  }

  /** Sends so many in a second. */
  async paced(perSecond: number): Promise<Figures> {
    const begunMs = performance.now()
    for (let n = 0; n < perSecond * secondsPerRun; n += 1) {
      // Timers are too coarse.
      while (performance.now() < begunMs + (n * 1000) / perSecond) await turn()
      this.#send()
    }
    await this.#arrived()
    const sorted = this.#tookMs.toSorted((a, b) => a - b)
    const at = (share: number): number => sorted[Math.floor(sorted.length * share)]!
    return [at(0.5), at(0.99)]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#producer.close()
    this.#consumer.close()
  }

  #send(): void {
    this.#sentMs.push(performance.now())
    this.#producer.send(this.#frame, answer => (this.#failure ??= refusalOf(answer)))
  }

  /** Resolves once the consumer has all that was sent. */
  async #arrived(): Promise<void> {
    while (this.#tookMs.length < this.#sentMs.length) {
      if (this.#failure !== undefined) throw this.#failure
      await turn()
    }
  }

  async #consume(): Promise<void> {
    while (!this.#closed) {
      const offset = this.#tookMs.length
      const { next } = await fetchFrom(this.#consumer, this.#topic, 0, offset)
      const nowMs = performance.now()
      if (next > this.#sentMs.length)
        throw new Error(`The consumer has ${next} records, more than were sent.`)
      for (const sentMs of this.#sentMs.slice(offset, next)) this.#tookMs.push(nowMs - sentMs)
    }
  }
}
