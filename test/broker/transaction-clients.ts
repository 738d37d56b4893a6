/**
 * Clients of the transaction coordinator, in both versions, against a model: random appends, offsets, ends,
 * time-outs, calls that are repeated or come late, with power losses and clean stops in between.
 *
 * A client knows a transaction to be committed or aborted by the answer to its end, which it repeats until it
 * gets one. The model is the list of those that were committed. In the end every partition shows exactly
 * their records, in their order, and the committed offset is that of the last one.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { isMillraceError, type Random } from '../../src/base/index.ts'
import { Broker } from '../../src/broker/broker.ts'
import type { TransactionalClient } from '../../src/broker/transactions/client-transactions.ts'
import { InProcessLog } from '../../src/broker/index.ts'
import { batch } from '../../src/port/conformance/harness.ts'
import { type ProducerIdentity, ProducerSequences } from '../../src/port/index.ts'
import { valuesIn } from '../../src/broker/simulated-log.test-support.ts'
import { SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { virtualClock } from '../../src/testing/virtual-clock.ts'
import { forSeeds } from '../for-seeds.ts'
import { withPower } from '../power.ts'
import { tinyLimits } from '../tiny-limits.ts'

const topic = 't'
const partitions = [0, 1, 2]
const stopsPerSeed = 6
const stepsMax = 40
const callsMax = 200
const timeoutMs = 60_000

/** The process has ended: the call has no answer. */
class NoAnswer extends Error {}

/** What a client asks of the broker that is open now. */
interface World {
  readonly broker: Broker
  readonly hasEnded: () => boolean
  readonly end: () => void
}

interface Transaction {
  readonly values: { readonly partition: number; readonly value: string }[]
  readonly offset: number
  /** The end that was asked for, and has no answer yet. */
  asked: 'commit' | 'abort' | undefined
  /** A batch may be missing: it can only be aborted. */
  isBroken: boolean
  hasOffset: boolean
}

class Client {
  readonly name: string
  readonly version: 1 | 2
  readonly #random: Random
  #sequences: ProducerSequences<number> | undefined
  #open: Transaction | undefined
  #count = 0
  /** Committed values, by partition. */
  readonly shown: string[][] = partitions.map(() => [])
  committedOffset: number | undefined
  commits = 0
  /** An identity from before, whose calls must change nothing. */
  #stale: ProducerIdentity | undefined

  constructor(name: string, version: 1 | 2, random: Random) {
    this.name = name
    this.version = version
    this.#random = random
  }

  /** One random step. */
  async step(world: World): Promise<void> {
    if (!this.#sequences) return this.#init(world)
    if (this.#open?.asked) return this.#end(world, this.#open.asked)
    if (this.#stale && this.#random.int(10) === 0) return this.#comeLate(world)
    const kind = this.#random.int(10)
    if (!this.#open || kind < 6) return this.#append(world)
    if (kind < 7) return this.#commitOffset(world)
    return this.#end(world, this.#open.isBroken || kind === 9 ? 'abort' : 'commit')
  }

  /** Ends what is open, if it can. */
  async finish(world: World): Promise<void> {
    for (let n = 0; this.#open && n < 5; n += 1)
      await this.#end(world, this.#open.asked ?? (this.#open.isBroken ? 'abort' : 'commit'))
    ok(!this.#open, `${this.name} could end its transaction`)
  }

  get #identity(): ProducerIdentity {
    return this.#sequences!.identity
  }

  get #caller(): TransactionalClient {
    return { transactionalId: this.name, identity: this.#identity, version: this.version }
  }

  #continueAs(identity: ProducerIdentity): void {
    if (this.#sequences) {
      const { producerId, producerEpoch } = this.#identity
      if (producerId === identity.producerId && producerEpoch === identity.producerEpoch) return
      this.#stale = this.#identity
    }
    if (this.#sequences) this.#sequences.continueAs(identity)
    else this.#sequences = new ProducerSequences(identity)
  }

  /** Registers, sometimes twice, as a client does that got no answer. */
  async #init({ broker, hasEnded }: World, held?: ProducerIdentity): Promise<void> {
    const { name: transactionalId, version } = this
    const init = { transactionalId, timeoutMs, version, ...(held && { held }) }
    const identity = await answer(hasEnded, broker.clientTransactions.init(init))
    if (held && this.#random.int(2) === 0)
      deepEqual(await answer(hasEnded, broker.clientTransactions.init(init)), identity, 'the same answer')
    this.#continueAs(identity)
  }

  async #append(world: World): Promise<void> {
    const { broker, hasEnded } = world
    const index = this.#random.int(partitions.length)
    // Without an answer nothing has begun.
    const partition = await answer(hasEnded, broker.opened(topic, index))
    this.#open ??= {
      values: [],
      offset: ++this.#count,
      asked: undefined,
      isBroken: false,
      hasOffset: false,
    }
    const transaction = this.#open
    const value = `${this.name} ${transaction.offset}.${transaction.values.length}`
    try {
      const { clientTransactions } = broker
      await answer(hasEnded, clientTransactions.addPartitions(this.#caller, [partition]))
      clientTransactions.verify(this.#caller, partition)
      const stamp = { ...this.#sequences!.take(index, 1), transactional: true }
      const append = async (): Promise<void> => partition.append(batch([value]).build(stamp)).written
      await answer(hasEnded, append())
      transaction.values.push({ partition: index, value })
    } catch (error) {
      await this.#failed(world, error)
    }
  }

  async #commitOffset(world: World): Promise<void> {
    const { broker, hasEnded } = world
    const transaction = this.#open!
    try {
      if (this.version === 1) await answer(hasEnded, broker.clientTransactions.addOffsets(this.#caller))
      const offsets = [{ topic, partition: 0, offset: transaction.offset }]
      const commit = { group: this.name, offsets }
      await answer(hasEnded, broker.clientTransactions.commitOffsets(this.#caller, commit))
      transaction.hasOffset = true
    } catch (error) {
      await this.#failed(world, error)
    }
  }

  /** Something could not be added to the transaction. */
  async #failed(world: World, error: unknown): Promise<void> {
    this.#open!.isBroken = true
    if (error instanceof NoAnswer) throw error
    if (isMillraceError(error, 'PRODUCER_FENCED')) return this.#fenced(world)
    // As a client of version 1 does: its sequences may be ahead of what the crash has left (KIP-360).
    if (!isMillraceError(error, 'TRANSACTION_ABORTABLE', 'OUT_OF_ORDER_SEQUENCE')) throw error
  }

  async #end(world: World, outcome: 'commit' | 'abort'): Promise<void> {
    const { broker, hasEnded } = world
    const transaction = this.#open!
    transaction.asked = outcome
    const end = (): Promise<ProducerIdentity> =>
      answer(hasEnded, broker.clientTransactions.end(this.#caller, outcome))
    try {
      const identity = await end()
      if (this.#random.int(3) === 0) deepEqual(await end(), identity, 'the same answer')
      this.#ended(transaction, outcome)
      this.#continueAs(identity)
      if (this.version === 1 && transaction.isBroken) await this.#init(world, this.#identity)
    } catch (error) {
      if (error instanceof NoAnswer) throw error
      if (isMillraceError(error, 'PRODUCER_FENCED')) return this.#fenced(world)
      // An abort of what never began, in version 1.
      if (outcome === 'abort' && this.version === 1 && isMillraceError(error, 'INVALID_TXN_STATE')) {
        this.#ended(transaction, 'abort')
        return this.#init(world, this.#identity)
      }
      // Its time was over, and the coordinator has aborted it: an abort gets the next identity.
      const isExpired =
        this.version === 2 && outcome === 'commit' && isMillraceError(error, 'INVALID_TXN_STATE')
      if (!isExpired && !isMillraceError(error, 'TRANSACTION_ABORTABLE')) throw error
      transaction.isBroken = true
      transaction.asked = undefined
    }
  }

  #ended(transaction: Transaction, outcome: 'commit' | 'abort'): void {
    this.#open = undefined
    if (outcome === 'abort') return
    ok(!transaction.isBroken, 'a transaction that lacks a batch was not committed')
    this.commits += 1
    for (const { partition, value } of transaction.values) this.shown[partition]!.push(value)
    if (transaction.hasOffset) this.committedOffset = transaction.offset
  }

  /** The time is over, or an answer was lost: whatever was open is aborted. */
  async #fenced(world: World): Promise<void> {
    this.#open = undefined
    this.#sequences = undefined
    await this.#init(world)
  }

  /** A call of an earlier identity, which was on its way for long. */
  async #comeLate({ broker, hasEnded }: World): Promise<void> {
    const { transactions } = broker
    const index = this.#random.int(partitions.length)
    const partition = await answer(hasEnded, broker.opened(topic, index))
    const late: readonly (() => Promise<unknown>)[] = [
      () => transactions.addPartitions(this.name, this.#stale!, [partition], this.version),
      () => transactions.end(this.name, this.#stale!, 'commit', this.version),
      () => transactions.end(this.name, this.#stale!, 'abort', this.version),
      async () => transactions.verify(this.name, this.#stale!, partition),
    ]
    try {
      await answer(hasEnded, late[this.#random.int(late.length)]!())
    } catch (error) {
      if (!isMillraceError(error, 'PRODUCER_FENCED', 'INVALID_TXN_STATE')) throw error
    }
  }
}

async function answer<T>(hasEnded: () => boolean, call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    if (hasEnded() || isMillraceError(error, 'CLOSED')) throw new NoAnswer('no answer', { cause: error })
    throw error
  }
}

async function run(random: Random): Promise<number> {
  const disk = new SimulatedDisk({ random })
  const clock = virtualClock(1_000_000)
  await disk.makeDirectory('/data')
  await disk.syncDirectory('/')
  const opened = async (calls: number): Promise<World> => {
    const process = withPower(disk, calls)
    const options = { disk: process.disk, clock, random, internal: tinyLimits(random) }
    try {
      return { broker: await Broker.open('/data', options), hasEnded: process.hasEnded, end: process.end }
    } catch (error) {
      if (process.hasEnded()) throw new NoAnswer('no answer', { cause: error })
      throw error
    }
  }
  const first = await opened(Infinity)
  await first.broker.createTopic(topic, { partitions: partitions.length })
  await first.broker.close()
  const clients = ([1, 2, 1, 2] as const).map((version, n) => new Client(`client ${n}`, version, random))
  for (let stop = 0; stop < stopsPerSeed; stop += 1) {
    const isClean = random.int(2) === 0
    let world: World | undefined
    try {
      world = await opened(isClean ? Infinity : 1 + random.int(callsMax))
      for (let n = random.int(stepsMax) * (isClean ? 1 : 3); n > 0; n -= 1) {
        await clients[random.int(clients.length)]!.step(world)
        if (random.int(40) === 0) await clock.advance(random.int(2 * timeoutMs))
      }
      if (isClean) await world.broker.close()
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error
    }
    if (isClean) continue
    world?.end()
    // What the process still does reaches nothing.
    await world?.broker.close().catch(() => undefined)
  }
  const last = await opened(Infinity)
  for (const client of clients) await client.finish(last)
  await last.broker.close()
  await verify(clients, await InProcessLog.open('/data', { disk, clock, random }))
  return clients.reduce((sum, { commits }) => sum + commits, 0)
}

async function verify(clients: readonly Client[], port: InProcessLog): Promise<void> {
  for (const partition of partitions) {
    const values = await valuesIn(port, topic, partition)
    for (const { name, shown } of clients)
      deepEqual(
        values.filter(value => value.startsWith(`${name} `)),
        shown[partition],
        `${name} in partition ${partition}`,
      )
    equal(
      await port.offsets(topic, partition, 'latest', 'read_committed'),
      await port.offsets(topic, partition, 'latest', 'read_uncommitted'),
      `a transaction is left open in partition ${partition}`,
    )
  }
  for (const { name, committedOffset } of clients) {
    const [committed] = await port.committedOffsets(name, [{ topic, partition: 0 }])
    equal(committed?.offset, committedOffset, `the offset of ${name}`)
  }
  await port.close()
}

export function check(): Promise<void> {
  return forSeeds(400, run, commits => {
    const total = commits.reduce((sum, count) => sum + count, 0)
    ok(total > commits.length * 3, `only ${total} transactions were committed`)
  })
}
