/**
 * A consumer over Kafka's protocol as a model of the clients there are (KIP-227): it says in each fetch only
 * what has changed since the last one, and checks that records come once and in order.
 */
import { equal, ok } from 'node:assert/strict'
import type { Random } from '../../src/base/index.ts'
import { errorCodes } from '../../src/broker/handlers/error-codes.ts'
import type { RawClient } from '../../src/broker/server/raw-client.test-support.ts'
import { messages, readBatches, type Response } from '../../src/wire/index.ts'

const { fetch } = messages
const byIdVersion = 13

/** A partition of one life of a topic. */
export interface Place {
  readonly topic: string
  readonly topicId: string
  readonly index: number
}

/** What the log holds of a partition, by offset. */
export interface Truth {
  readonly place: Place
  readonly values: string[]
  /** Records below were deleted. */
  startOffset: number
  isDeleted: boolean
}

interface Read {
  readonly truth: Truth
  position: number
  /** The broker was told of the position. */
  isTold: boolean
  /** What the last answer said of it. */
  highWatermark: number
  logStartOffset: number
}

export class FetchConsumer {
  readonly #random: Random
  readonly #version: number
  readonly #partitions = new Map<string, Read>()
  /** What the next fetch forgets. */
  #forgotten: Place[] = []
  #sessionId = 0
  #sessionEpoch = 0
  /** Records that were read. */
  records = 0

  constructor(random: Random, version: number) {
    this.#random = random
    this.#version = version
  }

  get isById(): boolean {
    return this.#version >= byIdVersion
  }

  has(place: Place): boolean {
    return this.#partitions.has(this.#keyOf(place))
  }

  add(truth: Truth): void {
    const position = truth.startOffset
    const key = this.#keyOf(truth.place)
    this.#forgotten = this.#forgotten.filter(place => this.#keyOf(place) !== key)
    this.#partitions.set(key, { truth, position, isTold: false, highWatermark: -1, logStartOffset: -1 })
  }

  remove(place: Place): void {
    if (this.#partitions.delete(this.#keyOf(place))) this.#forgotten.push(place)
  }

  /** All records of its partitions are read. */
  get isAtEnd(): boolean {
    return [...this.#partitions.values()].every(
      ({ truth, position }) => truth.isDeleted || position === truth.values.length,
    )
  }

  isReadAll(place: Place): boolean {
    const { truth, position } = this.#partitions.get(this.#keyOf(place))!
    return position === truth.values.length
  }

  /** Its connection is gone, and with it perhaps an answer: it asks for all again. */
  reconnected(): void {
    this.#sessionEpoch = 0
  }

  /** One fetch. `isLost`: the answer does not arrive. */
  async fetch(client: RawClient, maxBytes: number, isLost = false): Promise<void> {
    const isFull = this.#sessionEpoch === 0
    const asked = [...this.#partitions.values()].filter(({ isTold }) => isFull || !isTold)
    const request = {
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes,
      sessionId: this.#sessionId,
      sessionEpoch: this.#sessionEpoch,
      isolationLevel: this.#random.int(2),
      topics: asked.map(({ truth: { place }, position }) => ({
        ...this.#topicOf(place),
        partitions: [{ partition: place.index, fetchOffset: position, partitionMaxBytes: maxBytes }],
      })),
      forgottenTopicsData: isFull
        ? []
        : this.#forgotten.map(place => ({ ...this.#topicOf(place), partitions: [place.index] })),
    }
    if (isLost) {
      await client.send(fetch, this.#version, request)
      return
    }
    const answer = await client.ask(fetch, this.#version, request)
    if (answer.errorCode !== errorCodes.NONE) {
      // As when the broker has no room for the session, or the epoch was lost.
      const expected = [errorCodes.FETCH_SESSION_ID_NOT_FOUND, errorCodes.INVALID_FETCH_SESSION_EPOCH]
      ok((expected as number[]).includes(answer.errorCode), `error ${answer.errorCode}`)
      ok(!isFull)
      this.#sessionEpoch = 0
      if (answer.errorCode === errorCodes.FETCH_SESSION_ID_NOT_FOUND) this.#sessionId = 0
      return
    }
    this.#forgotten = []
    for (const each of asked) each.isTold = true
    this.#took(answer, isFull)
    this.#sessionId = answer.sessionId
    this.#sessionEpoch = answer.sessionId === 0 ? 0 : this.#sessionEpoch + 1
  }

  #took({ responses }: Response<typeof fetch>, isFull: boolean): void {
    const answered = new Set<string>()
    const asked = this.#partitions.size
    for (const { topic, topicId, partitions } of responses)
      for (const partition of partitions) {
        const read = [...this.#partitions.values()].find(
          ({ truth: { place } }) =>
            place.index === partition.partitionIndex &&
            (this.isById ? place.topicId === topicId : place.topic === topic),
        )
        ok(read, 'nothing is answered that was not asked')
        const key = this.#keyOf(read.truth.place)
        ok(!answered.has(key), 'a partition is answered once')
        answered.add(key)
        const { records, errorCode, highWatermark, logStartOffset } = partition
        if (errorCode !== errorCodes.NONE) {
          this.#failed(read, errorCode)
          continue
        }
        const isNews = highWatermark !== read.highWatermark || logStartOffset !== read.logStartOffset
        ok(isFull || records!.length > 0 || isNews, 'only news is answered')
        read.highWatermark = highWatermark
        read.logStartOffset = logStartOffset
        if (records!.length > 0) this.#read(read, records!)
      }
    if (isFull) equal(answered.size, asked)
  }

  #read(read: Read, records: Uint8Array): void {
    const { truth } = read
    for (const batch of readBatches(records)) {
      const cursor = batch.records()
      while (cursor.next()) {
        // The first batch may begin before.
        if (cursor.offset < read.position) continue
        equal(cursor.offset, read.position, 'records come in order, without gaps')
        equal(Buffer.from(cursor.value()!).toString(), truth.values[cursor.offset])
        read.position += 1
        this.records += 1
      }
    }
    read.isTold = false
    // As the clients do: without a session the broker reads in the order of the request.
    const key = this.#keyOf(truth.place)
    this.#partitions.delete(key)
    this.#partitions.set(key, read)
  }

  #failed(read: Read, errorCode: number): void {
    const { truth } = read
    read.highWatermark = -1
    read.logStartOffset = -1
    switch (errorCode) {
      case errorCodes.OFFSET_OUT_OF_RANGE:
        ok(read.position < truth.startOffset, 'records were deleted')
        read.position = truth.startOffset
        read.isTold = false
        return
      case errorCodes.UNKNOWN_TOPIC_ID:
      case errorCodes.UNKNOWN_TOPIC_OR_PARTITION:
        ok(truth.isDeleted)
        this.remove(truth.place)
        return
      default:
        throw new Error(`Partition ${this.#keyOf(truth.place)} has error ${errorCode}.`)
    }
  }

  /** As requests name it. */
  #keyOf({ topic, topicId, index }: Place): string {
    return `${this.isById ? topicId : topic}-${index}`
  }

  #topicOf({ topic, topicId }: Place): { readonly topic: string } | { readonly topicId: string } {
    return this.isById ? { topicId } : { topic }
  }
}
