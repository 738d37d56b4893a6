/**
 * One life of a broker under mutated frames: all requests that it offers, in all versions, whole and changed,
 * on several connections at a time. What must hold:
 * - each answer is the next one of its connection, whole, and of the version that was asked;
 * - a connection that is not closed ends when its peer ends: nothing hangs;
 * - only requests that are not Kafka's are reported, never a bug;
 * - all lent memory comes back, the log closes, opens again, and takes requests.
 */
import { deepEqual, equal, fail, ok } from 'node:assert/strict'
import { isMillraceError, type Random } from '../../../src/base/index.ts'
import { InProcessLog } from '../../../src/broker/index.ts'
import type { KafkaServer } from '../../../src/broker/server/kafka-server.ts'
import { SimulatedDisk } from '../../../src/testing/simulated-disk.ts'
import { virtualClock, type VirtualClock } from '../../../src/testing/virtual-clock.ts'
import {
  correlationIdOf,
  isVersionIn,
  messages,
  readRequest,
  readRequestHeader,
  readResponse,
  requestFrame,
  versionsOf,
  type Definition,
} from '../../../src/wire/index.ts'
import { MemoryNet, type MemoryConnection } from './memory-net.ts'
import { mutated } from './mutate.ts'
import { nothingKnown, plausibleRequest, topics, type Known } from './plausible-requests.ts'

const connectionsAtATime = 8
const framesPerConnection = 5
/** Steps of time until every connection must have come to its end. */
const stepsMax = 500
const stepMs = 20

/** What was met, so that a test can tell whether it still tests something. */
export interface Met {
  /** The keys of the requests that are offered. */
  readonly offered: readonly number[]
  frames: number
  /** Answers by the key of their requests. */
  readonly byKey: Map<number, number>
  closed: number
}

interface World {
  readonly clock: VirtualClock
  readonly net: MemoryNet
  readonly log: InProcessLog
  readonly server: KafkaServer
  readonly errors: unknown[]
}

async function open(disk: SimulatedDisk, random: Random): Promise<World> {
  const clock = virtualClock(1_700_000_000_000)
  const configs = { 'auto.create.topics.enable': 'false' }
  const log = await InProcessLog.open('/data', { disk, clock, random, configs })
  const net = new MemoryNet()
  const errors: unknown[] = []
  const server = await log.listen({ net, address: { port: 9092 }, onError: error => errors.push(error) })
  return { clock, net, log, server, errors }
}

/** Plays about so many frames. */
export async function fuzz(random: Random, frames: number): Promise<Met> {
  const disk = new SimulatedDisk({ random })
  const world = await open(disk, random)
  const offered = await offeredBy(world)
  const met: Met = { offered: offered.map(({ key }) => key), frames: 0, byKey: new Map(), closed: 0 }
  const known = nothingKnown()
  while (met.frames < frames) {
    await ensureTopics(world, known)
    const players = Array.from(
      { length: connectionsAtATime },
      () => new Player(random, world, offered, known, met),
    )
    for (const player of players) player.send()
    for (let n = 0; n < stepsMax && players.some(({ isOver }) => !isOver); n += 1) {
      await world.clock.advance(n === 0 ? 0 : stepMs)
      for (const player of players) player.end()
    }
    for (const player of players) player.check()
    for (const error of world.errors.splice(0)) if (!isMillraceError(error, 'INVALID_REQUEST')) throw error
    equal(world.server.lentBytes, 0)
  }
  await end(world)
  // What the frames have done to topics, groups and transactions can be read again.
  const again = await open(disk, random)
  deepEqual((await offeredBy(again)).length, offered.length)
  await end(again)
  return met
}

async function end({ clock, log }: World): Promise<void> {
  const state = { isClosed: false }
  const closing = log.close().then(() => (state.isClosed = true))
  for (let n = 0; n < stepsMax && !state.isClosed; n += 1) await clock.advance(stepMs)
  ok(state.isClosed, 'the log closes')
  await closing
}

/** Topics that the frames have deleted are made again. */
async function ensureTopics({ log }: World, known: Known): Promise<void> {
  known.topicIds.length = 0
  for (const topic of topics) {
    if (!(await log.describeTopic(topic))) {
      const config = topic === 'compacted' ? { 'cleanup.policy': 'compact' } : {}
      await log.createTopic(topic, { partitions: 2, configs: config })
    }
    known.topicIds.push((await log.describeTopic(topic))!.id)
  }
}

/** The requests that the broker says it offers. */
async function offeredBy(world: World): Promise<readonly Definition[]> {
  const connection = world.net.open()
  connection.send(requestFrame(messages.apiVersions, 0, 1, null, {}), true)
  for (let n = 0; n < stepsMax && !connection.isOver; n += 1) await world.clock.advance(1)
  const { apiKeys } = readResponse(messages.apiVersions, 0, Buffer.concat(connection.written).subarray(4))
  return apiKeys.map(({ apiKey }) => messages.messages.find(({ key }) => key === apiKey)!)
}

interface Asked {
  readonly key: number
  readonly version: number
  readonly correlationId: number
  /** A produce without acknowledgement has no answer. */
  readonly isSilent: boolean
}

/** One connection: what it sends, and what came back. */
class Player {
  readonly #random: Random
  readonly #world: World
  readonly #known: Known
  readonly #met: Met
  readonly #connection: MemoryConnection
  readonly #bytes: Buffer
  #endsAt: number

  constructor(random: Random, world: World, offered: readonly Definition[], known: Known, met: Met) {
    this.#random = random
    this.#world = world
    this.#known = known
    this.#met = met
    this.#connection = world.net.open()
    const frames = 1 + random.int(framesPerConnection)
    this.#bytes = Buffer.concat(
      Array.from({ length: frames }, (_, n) => frameBytes(random, offered, known, n)),
    )
    this.#endsAt = random.int(4)
  }

  get isOver(): boolean {
    return this.#connection.isOver
  }

  send(): void {
    const random = this.#random
    const bytes = this.#bytes
    const chunks: Buffer[] = []
    for (let at = 0; at < bytes.length;) {
      const length = random.next() < 0.3 ? 1 + random.int(bytes.length - at) : bytes.length - at
      chunks.push(bytes.subarray(at, at + length))
      at += length
    }
    this.#connection.send(chunks, false)
  }

  /** The peer ends its side, some time after it has sent everything. */
  end(): void {
    this.#endsAt -= 1
    if (this.#endsAt <= 0) this.#connection.send([], true)
  }

  check(): void {
    if (!this.isOver) this.#fail('the connection hangs')
    const pending = askedIn(this.#bytes)
    const frames = pending.length
    let stream = Buffer.concat(this.#connection.written)
    while (stream.length > 0) {
      const size = stream.readInt32BE(0)
      if (size > stream.length - 4) this.#fail('a response is cut')
      const response = stream.subarray(4, 4 + size)
      stream = stream.subarray(4 + size)
      this.#answered(pending, response)
    }
    const isRefused = pending.length > 0
    // Those behind a refused one were not looked at.
    this.#met.frames += frames - pending.length + (isRefused ? 1 : 0)
    if (isRefused) this.#met.closed += 1
    const { errors } = this.#world
    ok(errors.length <= connectionsAtATime * framesPerConnection)
  }

  #answered(pending: Asked[], response: Buffer): void {
    const correlationId = correlationIdOf(response)
    let next = pending.shift()
    while (next?.isSilent) next = pending.shift()
    if (next?.correlationId !== correlationId) this.#fail(`answer ${correlationId} was not the next one`)
    const { key, version } = next
    const definition = messages.messages.find(each => each.key === key)!
    const isOffered = isVersionIn(version, definition.versions)
    if (!isOffered) equal(key, messages.apiVersions.key)
    try {
      this.#learn(definition, readResponse(definition, isOffered ? version : 0, response))
    } catch (error) {
      this.#fail('an answer cannot be read', error)
    }
    this.#met.byKey.set(key, (this.#met.byKey.get(key) ?? 0) + 1)
  }

  /** Ids that later requests may use. */
  #learn(definition: Definition, response: unknown): void {
    const told = response as {
      readonly memberId?: string
      readonly producerId?: number
      readonly sessionId?: number
    }
    const { memberIds, producers, fetchSessions } = this.#known
    if (definition === messages.joinGroup && told.memberId) remember(memberIds, told.memberId)
    if (definition === messages.initProducerId && told.producerId! >= 0)
      remember(producers, response as (typeof producers)[number])
    if (definition === messages.fetch && told.sessionId! > 0) {
      const { sessionId } = told as { readonly sessionId: number }
      const session = fetchSessions.find(each => each.sessionId === sessionId)
      if (session) session.epoch += 1
      else remember(fetchSessions, { sessionId, epoch: 1 })
    }
  }

  #fail(what: string, cause?: unknown): never {
    fail(new Error(`${what}; the connection sent ${this.#bytes.toString('hex')}`, { cause }))
  }
}

function frameBytes(
  random: Random,
  offered: readonly Definition[],
  known: Known,
  correlationId: number,
): Buffer {
  const whole = requestBytes(random, offered, known, correlationId)
  if (random.next() < 0.4) return whole
  return mutated(random, whole, requestBytes(random, offered, known, correlationId))
}

/** The requests in what a connection sends, up to one that has no header. */
function askedIn(bytes: Buffer): Asked[] {
  const asked: Asked[] = []
  for (let at = 0; at + 4 <= bytes.length; at += 4 + bytes.readInt32BE(at)) {
    const size = bytes.readInt32BE(at)
    if (size < 0 || at + 4 + size > bytes.length) break
    try {
      const frame = bytes.subarray(at + 4, at + 4 + size)
      const header = readRequestHeader(frame)
      const isProduce = header.key === messages.produce.key
      const isSilent = isProduce && readRequest(messages.produce, header, frame).acks === 0
      asked.push({ ...header, isSilent })
    } catch {
      break
    }
  }
  return asked
}

function requestBytes(random: Random, offered: readonly Definition[], known: Known, id: number): Buffer {
  const definition = offered[random.int(offered.length)]!
  const { min, max } = versionsOf(definition.versions)
  const version = min + random.int(max - min + 1)
  const request = plausibleRequest(random, definition, version, known)
  return Buffer.concat(requestFrame(definition, version, id, 'fuzz', request as never))
}

function remember<T>(list: T[], item: T): void {
  list.push(item)
  if (list.length > 10) list.shift()
}
