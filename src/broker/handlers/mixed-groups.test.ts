/** Groups that have members in this process and members over TCP, whichever of them leads. */
import { deepEqual, equal } from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import type { LogPort, TopicPartition } from '../../port/index.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../port/group/consumer-protocol.ts'
import type { messages, Response } from '../../wire/index.ts'
import type { RawClient } from '../server/raw-client.test-support.ts'
import { startTestServer } from '../server/server.test-support.ts'
import { errorCodes } from './error-codes.ts'
import { GroupClient } from './group-client.test-support.ts'

const all = [0, 1, 2]
/** No owned partitions, and a generation. */
const librdkafkaNote = Buffer.from('0000000000000007', 'hex')
/** Turns of 2 ms, on a busy machine more: what does not come in these never comes. */
const turnsMax = 20_000
const hooks = { onAssigned() {}, onRevoked() {}, onLost() {} }

/** A member as another client has it: it gives back everything before it joins again. */
class ForeignMember {
  readonly #client: GroupClient
  readonly #protocol: string
  readonly #topic: string
  readonly #done: Promise<void>
  owned: readonly number[] = []
  #isLeaving = false
  #toCommit: { readonly offset: number; readonly codes: PromiseWithResolvers<readonly number[]> } | undefined

  constructor(client: RawClient, protocol: string, topic = 't') {
    this.#client = new GroupClient(client)
    this.#protocol = protocol
    this.#topic = topic
    this.#done = this.#run()
  }

  /** Commits this offset for what it owns, between two heartbeats: a connection has one request at a time. */
  commit(offset: number): Promise<readonly number[]> {
    this.#toCommit = { offset, codes: Promise.withResolvers() }
    return this.#toCommit.codes.promise
  }

  async leave(): Promise<void> {
    this.#isLeaving = true
    await this.#done
    this.owned = []
  }

  async #run(): Promise<void> {
    while (!this.#isLeaving) {
      this.owned = []
      const metadata = encodeSubscription({
        topics: [this.#topic],
        userData: librdkafkaNote,
        owned: [],
        generation: -1,
      })
      const joined = await this.#client.join({ protocols: [{ name: this.#protocol, metadata }] })
      equal(joined.errorCode, errorCodes.NONE)
      const synced = await this.#client.sync(
        {},
        { protocolName: this.#protocol, assignments: shares(joined) },
      )
      if (synced.errorCode === errorCodes.REBALANCE_IN_PROGRESS) continue
      equal(synced.errorCode, errorCodes.NONE)
      this.owned = decodeAssignment(synced.assignment).partitions.map(({ partition }) => partition)
      while (!this.#isLeaving && (await this.#client.heartbeat()) === errorCodes.NONE) await this.#pause()
    }
    await this.#client.leave()
  }

  async #pause(): Promise<void> {
    await sleep(2)
    if (!this.#toCommit) return
    const { offset, codes } = this.#toCommit
    this.#toCommit = undefined
    const partitions = this.owned.map(partitionIndex => ({
      partitionIndex,
      committedOffset: offset,
      committedMetadata: null,
    }))
    codes.resolve(await this.#client.commit('t', [], { topics: [{ name: 't', partitions }] }))
  }
}

/** What a leader assigns: partition by partition, and as librdkafka's the user data of each subscription. */
function shares({ members }: Response<typeof messages.joinGroup>) {
  return members.map(({ memberId, metadata }, index) => {
    const own = all.filter(partition => partition % members.length === index)
    const partitions = own.map(partition => ({ topic: 't', partition }))
    const { userData } = decodeSubscription(metadata)
    return { memberId, assignment: encodeAssignment({ partitions, userData }) }
  })
}

function joinHere(port: LogPort, protocol: string) {
  return port.joinGroup({ group: 'g', topics: [['t']], assignors: [protocol as 'range'], ...hooks })
}

/** Waits until the members have so many partitions, in any order, and each of these has one owner. */
async function settled(
  members: readonly (() => readonly number[])[],
  counts: readonly number[],
): Promise<void> {
  let owned: (readonly number[])[] = []
  for (let turn = 0; turn < turnsMax; turn += 1) {
    owned = members.map(member => member()).toSorted((a, b) => b.length - a.length)
    const isShared = owned.every((each, index) => each.length === counts[index])
    if (isShared && new Set(owned.flat()).size === all.length) return
    await sleep(2)
  }
  deepEqual(
    owned.map(({ length }) => length),
    counts,
  )
}

test('a member here leads one that reads a topic which is made, and grows, later', async context => {
  const { connect, port } = await startTestServer(context)
  await port.createTopic('t', { partitions: 1 })
  const here = await joinHere(port, 'range')
  const other = new ForeignMember(await connect(), 'range', 'u')
  const until = async (isSo: () => boolean): Promise<void> => {
    for (let turn = 0; turn < turnsMax && !isSo(); turn += 1) await sleep(2)
  }
  await until(() => here.generation === 2)
  deepEqual([here.generation, other.owned], [2, []])
  await port.createTopic('u', { partitions: 1 })
  await until(() => other.owned.length === 1)
  await port.admin.createPartitions('u', 3)
  await until(() => other.owned.length === 3)
  deepEqual([other.owned, here.assignment], [all, [{ topic: 't', partition: 0 }]])
  await other.leave()
  await here.leave()
})

test('a member here leads one that says what cannot be read, and leaves it out', async context => {
  const { connect, port } = await startTestServer(context)
  await port.createTopic('t', { partitions: all.length })
  const here = await joinHere(port, 'range')
  const broken = new GroupClient(await connect())
  await broken.joinOnce()
  await broken.joinOnce({ protocols: [{ name: 'range', metadata: Buffer.from('garbage') }] })
  const { partitions } = decodeAssignment((await broken.sync()).assignment)
  deepEqual([partitions, here.assignment.length], [[], all.length])
  await here.leave()
})

for (const protocol of ['range', 'cooperative-sticky'])
  test(`members here and over TCP share a topic by ${protocol}, and commit for each other`, async context => {
    const { connect, port } = await startTestServer(context)
    await port.createTopic('t', { partitions: all.length })
    const numbers = (partitions: readonly TopicPartition[]): number[] =>
      partitions.map(({ partition }) => partition)
    const first = await joinHere(port, protocol)
    const one = new ForeignMember(await connect(), protocol)
    const two = new ForeignMember(await connect(), protocol)
    const foreign = [() => one.owned, () => two.owned]
    await settled([() => numbers(first.assignment), ...foreign], [1, 1, 1])
    // The one in this process came first: it leads.
    const described = await port.admin.describeGroup('g')
    deepEqual([described?.protocol, described?.members.length], [protocol, 3])

    deepEqual([await one.commit(5), await two.commit(6)], [[errorCodes.NONE], [errorCodes.NONE]])
    await first.commit([{ ...first.assignment[0]!, offset: 7 }])
    const places = all.map(partition => ({ topic: 't', partition }))
    const offsets = (await port.committedOffsets('g', places)).map(each => each?.offset)
    const owners = [one.owned, two.owned, numbers(first.assignment)].map(([partition]) => partition!)
    deepEqual(
      owners.map(partition => offsets[partition]),
      [5, 6, 7],
    )

    await first.leave()
    await settled(foreign, [2, 1])
    const last = await joinHere(port, protocol)
    await settled([() => numbers(last.assignment), ...foreign], [1, 1, 1])
    await Promise.all([one.leave(), two.leave()])
    await settled([() => numbers(last.assignment)], [3])
    await last.leave()
  })
