/**
 * A transactional producer over TCP, in either version of transactions: it writes the numbers from 1 on to
 * every partition, and commits with them the next number to write. So the committed offset says where it
 * continues, and whether a commit that was not answered took effect.
 *
 * After a lost connection it does what clients do: it repeats the end of its transaction, aborts it, or
 * begins again with a new epoch. Each time the committed offset must agree with the answers.
 */
import { equal } from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeNet, type Random } from '../../src/base/index.ts'
import { errorCodes } from '../../src/broker/handlers/error-codes.ts'
import { RawClient } from '../../src/broker/server/raw-client.test-support.ts'
import { BatchBuilder, messages } from '../../src/wire/index.ts'

export const topic = 'numbers'
export const partitions = 3
/** What an aborted transaction writes. */
const poison = 'poison'

export type TransactionVersion = 1 | 2

/** The versions of the requests of a client that has transactions of the version. */
const versions = {
  1: { init: 4, add: 3, addOffsets: 3, produce: 9, offsets: 3, end: 3 },
  2: { init: 5, add: 3, addOffsets: 3, produce: 12, offsets: 5, end: 5 },
} as const
const offsetFetchVersion = 7
const none = -1
/** The broker says so while it, or the end of the transaction before, is not ready. */
const again: readonly number[] = [
  errorCodes.CONCURRENT_TRANSACTIONS,
  errorCodes.COORDINATOR_LOAD_IN_PROGRESS,
  errorCodes.COORDINATOR_NOT_AVAILABLE,
  errorCodes.NOT_LEADER_OR_FOLLOWER,
  errorCodes.UNSTABLE_OFFSET_COMMIT,
]
const againMs = 5
/** One transaction in so many begins with a new connection. */
const reconnectEvery = 10

/** What the producer is about to do: kills are spread over these. */
export type TcpPhase = 'beginning' | 'producing' | 'adding offsets' | 'ending' | 'ended'

export interface TcpProducerOptions {
  readonly version: TransactionVersion
  readonly random: Random
  /** The port of the broker, once it runs. */
  readonly port: () => Promise<number>
  readonly said: (phase: TcpPhase) => void
}

export class TcpProducer {
  readonly id: string
  /** How a repeated end was answered, and how often. */
  readonly repeats = new Map<string, number>()
  /** How often it was told to abort, as after a crash. */
  aborts = 0
  readonly #options: TcpProducerOptions
  #client: RawClient | undefined
  #producerId = none
  #epoch = none
  #sequences: number[] = []
  /** The next number to write. */
  #next = 1
  /** Set while it is not known whether the end of a transaction took effect: the next number if it did. */
  #inDoubt: { readonly isCommit: boolean; readonly next: number } | undefined

  constructor(options: TcpProducerOptions) {
    this.#options = options
    this.id = `producer-${options.version}`
  }

  /** Runs transactions until the number is written and committed. */
  async writeUpTo(last: number): Promise<void> {
    while (this.#next <= last)
      try {
        // A client may also lose its connection alone.
        if (this.#options.random.int(reconnectEvery) === 0) this.close()
        if (!this.#client) await this.#connect()
        // A commit that was in doubt may have been the last one.
        if (this.#next <= last) await this.#transaction(last)
      } catch (error) {
        if (error instanceof Abortable) await this.#abort()
        else if (error instanceof Behind) await this.#beginAgain()
        else if (isBroken(error)) {
          this.close()
          await sleep(againMs)
        } else throw error
      }
  }

  close(): void {
    this.#client?.close()
    this.#client = undefined
  }

  async #connect(): Promise<void> {
    this.#client = await RawClient.connect(nodeNet, { port: await this.#options.port() })
    this.#options.said('beginning')
    const isNew = this.#producerId === none
    const code = isNew || this.#options.random.int(2) === 0 ? undefined : await this.#finish()
    if (code !== errorCodes.NONE) await this.#init()
    const committed = await this.#committed()
    const doubt = this.#inDoubt
    if (!doubt) equal(committed, this.#next, `${this.id}: the position after a crash`)
    else if (code === errorCodes.NONE && doubt.isCommit) equal(committed, doubt.next, 'a repeated commit')
    else if (!doubt.isCommit) equal(committed, this.#next, 'an abort')
    this.#next = committed
    this.#inDoubt = undefined
  }

  /** Takes the next epoch (KIP-360), as a client whose sequences are ahead of what a crash has left. */
  async #beginAgain(): Promise<void> {
    this.aborts += 1
    await this.#init().catch((error: unknown) => {
      if (!isBroken(error)) throw error
      this.close()
    })
  }

  /** Aborts, as a client that is told TRANSACTION_ABORTABLE. */
  async #abort(): Promise<void> {
    this.aborts += 1
    await this.#end(false).then(
      code => check('EndTxn', code),
      error => {
        if (!isBroken(error)) throw error
        this.close()
      },
    )
  }

  /** Repeats the end that was not answered, or aborts. Undefined: only a new epoch helps. */
  async #finish(): Promise<number | undefined> {
    const isCommit = this.#inDoubt?.isCommit ?? false
    const code = await this.#end(isCommit)
    const what = `${isCommit ? 'commit' : 'abort'}: ${code}`
    this.repeats.set(what, (this.repeats.get(what) ?? 0) + 1)
    if (code !== errorCodes.TRANSACTION_ABORTABLE) return code === errorCodes.NONE ? code : undefined
    // A crash has aborted the transaction.
    return (await this.#end(false)) === errorCodes.NONE ? none : undefined
  }

  async #transaction(last: number): Promise<void> {
    const { random, said } = this.#options
    const count = Math.min(1 + random.int(20), last + 1 - this.#next)
    const isCommit = random.int(5) > 0
    const values = Array.from({ length: count }, (_, n) =>
      isCommit ? `${this.#options.version}:${this.#next + n}` : poison,
    )
    const touched = isCommit ? [0, 1, 2] : [random.int(partitions)]
    said('producing')
    if (this.#options.version === 1) await this.#addPartitions(touched)
    for (const partition of touched) await this.#produce(partition, values)
    said('adding offsets')
    await this.#addOffsets(this.#next + count)
    said('ending')
    this.#inDoubt = { isCommit, next: this.#next + count }
    check('EndTxn', await this.#end(isCommit))
    if (isCommit) this.#next += count
    this.#inDoubt = undefined
    said('ended')
  }

  async #init(): Promise<void> {
    const answer = await this.#ask(async client => {
      const init = await client.ask(messages.initProducerId, this.#versions.init, {
        transactionalId: this.id,
        transactionTimeoutMs: 60_000,
      })
      return { code: init.errorCode, ...init }
    })
    check('InitProducerId', answer.code)
    this.#become(answer.producerId, answer.producerEpoch)
  }

  #become(producerId: number, epoch: number): void {
    if (this.#producerId !== producerId || this.#epoch !== epoch) this.#sequences = []
    this.#producerId = producerId
    this.#epoch = epoch
  }

  async #addPartitions(touched: readonly number[]): Promise<void> {
    const { code } = await this.#ask(async client => {
      const { resultsByTopicV3AndBelow } = await client.ask(messages.addPartitionsToTxn, this.#versions.add, {
        v3AndBelowTransactionalId: this.id,
        v3AndBelowProducerId: this.#producerId,
        v3AndBelowProducerEpoch: this.#epoch,
        v3AndBelowTopics: [{ name: topic, partitions: touched }],
      })
      return { code: resultsByTopicV3AndBelow[0]!.resultsByPartition[0]!.partitionErrorCode }
    })
    check('AddPartitionsToTxn', code)
  }

  async #produce(index: number, values: readonly string[]): Promise<void> {
    const builder = new BatchBuilder()
    for (const value of values) builder.append(Date.now(), null, value)
    const baseSequence = this.#sequences[index] ?? 0
    const records = builder.build({
      producerId: this.#producerId,
      producerEpoch: this.#epoch,
      baseSequence,
      transactional: true,
    })
    const { code } = await this.#ask(async client => {
      const { responses } = await client.ask(messages.produce, this.#versions.produce, {
        transactionalId: this.id,
        acks: -1,
        timeoutMs: 30_000,
        topicData: [{ name: topic, partitionData: [{ index, records }] }],
      })
      return { code: responses[0]!.partitionResponses[0]!.errorCode }
    })
    check('Produce', code)
    this.#sequences[index] = baseSequence + values.length
  }

  async #addOffsets(committedOffset: number): Promise<void> {
    const producer = { transactionalId: this.id, producerId: this.#producerId, producerEpoch: this.#epoch }
    if (this.#options.version === 1) {
      const added = await this.#ask(async client => {
        const answer = await client.ask(messages.addOffsetsToTxn, this.#versions.addOffsets, {
          ...producer,
          groupId: this.id,
        })
        return { code: answer.errorCode }
      })
      check('AddOffsetsToTxn', added.code)
    }
    const { code } = await this.#ask(async client => {
      const { topics } = await client.ask(messages.txnOffsetCommit, this.#versions.offsets, {
        ...producer,
        groupId: this.id,
        topics: [
          { name: topic, partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: '' }] },
        ],
      })
      return { code: topics[0]!.partitions[0]!.errorCode }
    })
    check('TxnOffsetCommit', code)
  }

  async #end(committed: boolean): Promise<number> {
    const answer = await this.#ask(async client => {
      const ended = await client.ask(messages.endTxn, this.#versions.end, {
        transactionalId: this.id,
        producerId: this.#producerId,
        producerEpoch: this.#epoch,
        committed,
      })
      return { code: ended.errorCode, ...ended }
    })
    if (answer.code === errorCodes.NONE && this.#options.version === 2)
      this.#become(answer.producerId, answer.producerEpoch)
    return answer.code
  }

  /** The next number, as it was committed last. */
  async #committed(): Promise<number> {
    const { code, offset } = await this.#ask(async client => {
      const { topics, errorCode } = await client.ask(messages.offsetFetch, offsetFetchVersion, {
        groupId: this.id,
        topics: [{ name: topic, partitionIndexes: [0] }],
        requireStable: true,
      })
      const found = topics[0]?.partitions[0]
      return { code: errorCode || (found?.errorCode ?? 0), offset: found?.committedOffset ?? none }
    })
    check('OffsetFetch', code)
    return offset === none ? 1 : offset
  }

  get #versions(): (typeof versions)[TransactionVersion] {
    return versions[this.#options.version]
  }

  /** Asks again while the broker is not ready. */
  async #ask<A extends { readonly code: number }>(request: (client: RawClient) => Promise<A>): Promise<A> {
    for (;;) {
      const answer = await request(this.#client!)
      if (!again.includes(answer.code)) return answer
      await sleep(againMs)
    }
  }
}

/** A crash may have taken a part of the transaction: its client has to abort it. */
class Abortable extends Error {}

/** A crash may have taken records that the producer has counted: only with a new epoch can it continue. */
class Behind extends Error {}

const behind: readonly number[] = [
  errorCodes.OUT_OF_ORDER_SEQUENCE_NUMBER,
  errorCodes.UNKNOWN_PRODUCER_ID,
  errorCodes.INVALID_PRODUCER_ID_MAPPING,
]

function check(what: string, code: number): void {
  if (behind.includes(code)) throw new Behind(what)
  if (code === errorCodes.TRANSACTION_ABORTABLE) throw new Abortable(what)
  if (code !== errorCodes.NONE) throw new Error(`${what} was refused with code ${code}`)
}

/** The broker was killed, or has closed the connection before it answered. */
function isBroken(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return (
    /^E(CONN|PIPE)/.test('code' in error ? String(error.code) : '') ||
    / closed the connection /.test(error.message)
  )
}
