/**
 * Clients of a broker over a network that cuts, splits, delays and blocks. A client that gets an answer gets
 * the right one, nothing hangs, and all lent memory comes back.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Random } from '../../src/base/index.ts'
import { errorCodes } from '../../src/broker/handlers/error-codes.ts'
import { RawClient } from '../../src/broker/server/raw-client.test-support.ts'
import { batchOf } from '../../src/broker/server/server.test-support.ts'
import {
  startSimulatedServer,
  type SimulatedServer,
} from '../../src/broker/server/simulated-server.test-support.ts'
import { drain } from '../../src/port/conformance/harness.ts'
import { correlationIdOf, messages, readResponse, RecordBatch, type Response } from '../../src/wire/index.ts'

const { apiVersions, fetch, listOffsets, metadata, produce } = messages
const topics = ['orders', 'payments']
const clientsPerRun = 4
const requestsPerClient = 40
/** A client gives up on a connection that has not answered within this time. */
const patienceMs = 20_000

/** What the broker has acknowledged: values by `topic@offset`. */
type Acknowledged = Map<string, string>

export interface Outcome {
  readonly answers: number
  readonly failures: number
}

/** One run from a seed. */
export async function run(random: Random): Promise<Outcome> {
  const simulated = await startSimulatedServer(undefined, {
    random,
    limits: { transferMsMax: 30_000, idleMsMax: 60_000, fetchBytesMax: 20_000, queuedBytesMax: 20_000 },
    net: {
      latencyMsMax: 1 + random.int(20),
      windowBytes: [1, 200, 10_000, 65_536][random.int(4)]!,
      cutChance: [0, 0.002, 0.02][random.int(3)]!,
    },
  })
  const { clock, port, server, errors, until } = simulated
  for (const topic of topics) await until(port.createTopic(topic, { partitions: 1 }))
  const acknowledged: Acknowledged = new Map()
  const players = Array.from(
    { length: clientsPerRun },
    (_, n) => new Player(`client-${n}`, random, simulated, acknowledged),
  )
  const state = { isOver: false }
  const playing = Promise.all(players.map(player => player.play())).finally(() => (state.isOver = true))
  const faults = (async () => {
    while (!state.isOver) {
      await clock.sleep(random.int(3000))
      await disturb(random, simulated)
    }
  })()
  await until(playing, 3_600_000)
  await until(faults)
  // What the peers have left behind ends in its time.
  await clock.advance(70_000)
  equal(server.connections, 0)
  equal(server.lentBytes, 0)
  deepEqual(errors, [])
  await checkLog(simulated, acknowledged)
  await until(port.close())
  const sum = (of: (player: Player) => number): number => players.reduce((total, each) => total + of(each), 0)
  return { answers: sum(({ answers }) => answers), failures: sum(({ failures }) => failures) }
}

async function disturb(random: Random, { clock, net }: SimulatedServer): Promise<void> {
  const host = `client-${random.int(clientsPerRun)}`
  switch (random.int(8)) {
    case 0:
      return net.cut(host)
    case 1:
      return net.cut('broker')
    case 2:
      net.block('broker', host)
      await clock.sleep(random.int(40_000))
      return net.unblock('broker', host)
    case 3:
      net.block(host, 'broker')
      await clock.sleep(random.int(40_000))
      return net.unblock(host, 'broker')
    default:
      return
  }
}

/** Every acknowledged value is where the broker said. */
async function checkLog({ port, until }: SimulatedServer, acknowledged: Acknowledged): Promise<void> {
  for (const topic of topics) {
    const reader = await port.openReader()
    reader.assign([{ topic, partition: 0, offset: 0 }])
    const shown = await until(drain(reader, topic, 0))
    await reader.close()
    const values = new Map(shown.map(({ value, offset }) => [`${topic}@${offset}`, value]))
    for (const [place, value] of acknowledged)
      if (place.startsWith(`${topic}@`)) equal(values.get(place), value, place)
  }
}

/** A request that was sent, and the check of its answer. */
interface Asked {
  readonly id: number
  readonly check: (frame: Buffer) => void
}

class Player {
  readonly #name: string
  readonly #random: Random
  readonly #simulated: SimulatedServer
  readonly #acknowledged: Acknowledged
  #values = 0
  answers = 0
  failures = 0

  constructor(name: string, random: Random, simulated: SimulatedServer, acknowledged: Acknowledged) {
    this.#name = name
    this.#random = random
    this.#simulated = simulated
    this.#acknowledged = acknowledged
  }

  async play(): Promise<void> {
    while (this.answers < requestsPerClient && this.failures < 10 * requestsPerClient) {
      const { net, clock } = this.#simulated
      let client: RawClient | undefined
      try {
        client = await RawClient.connect(net.host(this.#name), { host: 'broker', port: 9092 })
        await this.#converse(client)
      } catch (error) {
        // Only the network may fail.
        if (!(error instanceof Error) || !('code' in error) || !/^E[A-Z]+$/.test(String(error.code)))
          throw error
        this.failures += 1
        await clock.sleep(50)
      } finally {
        client?.close()
      }
    }
  }

  /** Sends some requests, then reads their answers. */
  async #converse(client: RawClient): Promise<void> {
    const { clock } = this.#simulated
    for (let rounds = this.#random.int(6); rounds >= 0; rounds -= 1) {
      const watch = clock.schedule(patienceMs, () => client.close())
      try {
        const asked: Asked[] = []
        for (let n = this.#random.int(4); n >= 0; n -= 1) asked.push(await this.#ask(client))
        for (const { id, check } of asked) {
          const frame = await client.frame()
          // The broker, or a cut, has ended the connection.
          if (!frame) return
          equal(correlationIdOf(frame), id)
          check(frame)
          this.answers += 1
        }
      } finally {
        watch.cancel()
      }
    }
  }

  async #ask(client: RawClient): Promise<Asked> {
    const random = this.#random
    const topic = topics[random.int(topics.length)]!
    switch (random.int(5)) {
      case 0:
        return {
          id: await client.send(apiVersions, 3, {}),
          check: frame => equal(readResponse(apiVersions, 3, frame).errorCode, errorCodes.NONE),
        }
      case 1:
        return {
          id: await client.send(metadata, 9, { topics: [{ name: topic }] }),
          check: frame =>
            deepEqual(
              readResponse(metadata, 9, frame).topics.map(({ name, errorCode }) => [name, errorCode]),
              [[topic, errorCodes.NONE]],
            ),
        }
      case 2:
        return this.#list(client, topic)
      case 3:
        return this.#fetch(client, topic)
      default:
        return this.#produce(client, topic)
    }
  }

  async #list(client: RawClient, topic: string): Promise<Asked> {
    const least = Math.max(-1, ...this.#offsetsOf(topic)) + 1
    const id = await client.send(listOffsets, 7, {
      replicaId: -1,
      topics: [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
    })
    return {
      id,
      check(frame) {
        const [partition] = readResponse(listOffsets, 7, frame).topics[0]!.partitions
        equal(partition!.errorCode, errorCodes.NONE)
        ok(partition!.offset >= least)
      },
    }
  }

  async #fetch(client: RawClient, topic: string): Promise<Asked> {
    const random = this.#random
    const known = this.#offsetsOf(topic)
    const fetchOffset = known[random.int(Math.max(1, known.length))] ?? 0
    const expected = this.#acknowledged.get(`${topic}@${fetchOffset}`)
    const id = await client.send(fetch, 12, {
      maxWaitMs: random.int(2000),
      minBytes: 1 + random.int(3000),
      maxBytes: 1 + random.int(5000),
      sessionId: 0,
      sessionEpoch: -1,
      topics: [
        { topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1 + random.int(5000) }] },
      ],
    })
    return {
      id,
      check(frame) {
        const answer: Response<typeof fetch> = readResponse(fetch, 12, frame)
        const [partition] = answer.responses[0]!.partitions
        equal(partition!.errorCode, errorCodes.NONE)
        if (expected === undefined || partition!.records!.length === 0) return
        equal(valueAt(partition!.records!, fetchOffset), expected)
      },
    }
  }

  async #produce(client: RawClient, topic: string): Promise<Asked> {
    this.#values += 1
    const value = `${this.#name} ${this.#values} ${'x'.repeat(this.#random.int(3000))}`
    const id = await client.send(produce, 9, {
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: topic, partitionData: [{ index: 0, records: batchOf([value]) }] }],
    })
    return {
      id,
      check: frame => {
        const [partition] = readResponse(produce, 9, frame).responses[0]!.partitionResponses
        equal(partition!.errorCode, errorCodes.NONE)
        const place = `${topic}@${partition!.baseOffset}`
        equal(this.#acknowledged.get(place), undefined, `${place} was given to another record`)
        this.#acknowledged.set(place, value)
      },
    }
  }

  #offsetsOf(topic: string): number[] {
    return Array.from(this.#acknowledged.keys(), place => place.split('@'))
      .filter(([name]) => name === topic)
      .map(([, offset]) => Number(offset))
  }
}

/** The value of the record at an offset, of which the first batch is. */
function valueAt(records: Uint8Array, offset: number): string {
  const batch = new RecordBatch(records)
  ok(batch.isValid())
  const cursor = batch.records()
  while (cursor.next()) if (cursor.offset === offset) return Buffer.from(cursor.value()!).toString()
  throw new Error(`No record has offset ${offset}.`)
}
