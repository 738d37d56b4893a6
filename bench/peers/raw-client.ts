/**
 * A client of negligible cost: it sends requests that were built once, several at a time, and looks at no
 * more of an answer than it must. So what is measured is the broker.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  BatchBuilder,
  messages,
  readBatches,
  readInt64,
  readResponse,
  requestFrame,
  type RequestInput,
  type Response,
} from '../../src/wire/index.ts'
import { RawConnection, versions, type Address } from './raw-connection.ts'

/** Where a batch's length, and its last offset's delta, are in it. */
const [lengthAt, lengthEnd, lastDeltaAt] = [8, 12, 23]

/** What is written or read. */
export interface Work {
  readonly topic: string
  readonly partitions: number
  readonly valueBytes: number
  /** A batch is full at this size; 0: each has one record. */
  readonly batchBytes: number
  readonly batches: number
  readonly connections: number
  /** Requests that wait for their answers, per connection. */
  readonly inFlight: number
}

export async function createTopic(
  address: Address,
  { topic, partitions }: Pick<Work, 'topic' | 'partitions'>,
): Promise<void> {
  const connection = await RawConnection.open(address)
  const { topics } = await connection.ask(messages.createTopics, versions.createTopics, {
    topics: [{ name: topic, numPartitions: partitions, replicationFactor: 1, assignments: [], configs: [] }],
    timeoutMs: 30_000,
  })
  const [created] = topics
  if (created!.errorCode !== 0) throw new Error(`'${topic}' was not created: ${created!.errorMessage}`)
  // In Apache Kafka its partitions have leaders soon after that.
  for (let partition = 0; partition < partitions; partition += 1)
    while ((await endOf(connection, topic, partition)) < 0) await sleep(20)
  connection.close()
}

export async function deleteTopic(address: Address, topic: string): Promise<void> {
  const connection = await RawConnection.open(address)
  await connection.ask(messages.deleteTopics, versions.deleteTopics, {
    topicNames: [topic],
    timeoutMs: 30_000,
  })
  connection.close()
}

/** Produces all batches; resolves with their bytes once they are acknowledged. */
export async function produceAll(address: Address, work: Work): Promise<number> {
  const { topic, partitions, batches, connections, inFlight } = work
  const batch = batchOf(work)
  const frames = Array.from({ length: partitions }, (_, index) => produceFrame(topic, index, batch))
  // One after the other: a broker's queue of new connections is short.
  const opened: RawConnection[] = []
  while (opened.length < connections) opened.push(await RawConnection.open(address))
  let sent = 0
  let answered = 0
  await new Promise<void>((resolve, reject) => {
    const next = (connection: RawConnection): void => {
      if (sent === batches) return
      const frame = frames[sent % partitions]!
      sent += 1
      connection.send(frame, answer => {
        const refusal = refusalOf(answer)
        if (refusal) return reject(refusal)
        answered += 1
        if (answered === batches) resolve()
        else next(connection)
      })
    }
    for (const connection of opened) for (let n = 0; n < inFlight; n += 1) next(connection)
  })
  for (const connection of opened) connection.close()
  return batches * batch.length
}

/** A request that produces a batch. */
export function produceFrame(topic: string, index: number, records: Uint8Array): Buffer {
  const request = requestFrame(messages.produce, versions.produce, 1, 'bench', {
    acks: 1,
    timeoutMs: 30_000,
    topicData: [{ name: topic, partitionData: [{ index, records }] }],
  })
  return Buffer.concat(request)
}

/** Why the only batch of a produce was refused; undefined: it was not. */
export function refusalOf(answer: Buffer): Error | undefined {
  const { responses } = readResponse(messages.produce, versions.produce, answer)
  const { errorCode } = responses[0]!.partitionResponses[0]!
  return errorCode === 0 ? undefined : new Error(`A produce was refused with code ${errorCode}.`)
}

/** What was fetched. */
export interface Fetched {
  readonly bytes: number
  readonly records: number
}

/** What a fetch of one partition has brought. */
interface PartFetched {
  /** The offset after it. */
  readonly next: number
  readonly bytes: number
}

/** Of one fetch, at the most. */
const fetchBytes = 1 << 20

/** Fetches from one partition, at the most 1 MiB; waits up to a second for a record. */
export async function fetchFrom(
  connection: RawConnection,
  topic: string,
  partition: number,
  fetchOffset: number,
): Promise<PartFetched> {
  const request = fetchRequest(topic, partition, fetchOffset, fetchBytes)
  return readFetched(await connection.ask(messages.fetch, versions.fetch, request), fetchOffset)
}

function fetchRequest(
  topic: string,
  partition: number,
  fetchOffset: number,
  partitionMaxBytes: number,
): RequestInput<typeof messages.fetch> {
  return {
    maxWaitMs: 1000,
    minBytes: 1,
    maxBytes: 50 << 20,
    topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes }] }],
  }
}

function readFetched({ responses }: Response<typeof messages.fetch>, fetchOffset: number): PartFetched {
  const { errorCode, records } = responses[0]!.partitions[0]!
  if (errorCode !== 0) throw new Error(`A fetch was refused with code ${errorCode}.`)
  return afterLast(records ?? Buffer.alloc(0), fetchOffset)
}

/** Bytes of the first partition: none that belong to a transaction without its end. Does not wait. */
export async function fetchCommitted(
  connection: RawConnection,
  topic: string,
  fetchOffset: number,
): Promise<Buffer> {
  const answer = await connection.ask(messages.fetch, versions.fetch, {
    maxWaitMs: 0,
    minBytes: 0,
    isolationLevel: 1,
    topics: [{ topic, partitions: [{ partition: 0, fetchOffset, partitionMaxBytes: 1 << 20 }] }],
  })
  const { errorCode, records } = answer.responses[0]!.partitions[0]!
  if (errorCode !== 0) throw new Error(`A fetch was refused with code ${errorCode}.`)
  return records ?? Buffer.alloc(0)
}

/**
 * Fetches everything, one partition after the other, with several requests in flight: since all batches are
 * alike, the offset of each request is known before the answers come.
 */
export async function fetchAll(address: Address, work: Work): Promise<Fetched> {
  const { topic, partitions, batches, inFlight } = work
  const batch = batchOf(work)
  const batchesPerFetch = Math.max(1, Math.floor(fetchBytes / batch.length))
  const stride = batchesPerFetch * recordsPerBatch(work)
  const connection = await RawConnection.open(address)
  const fetches: { readonly partition: number; readonly from: number; readonly end: number }[] = []
  for (let partition = 0; partition < partitions; partition += 1) {
    const end = await endOf(connection, topic, partition)
    for (let from = 0; from < end; from += stride)
      fetches.push({ partition, from, end: Math.min(from + stride, end) })
  }
  const frames = fetches.map(({ partition, from }) => {
    const request = fetchRequest(topic, partition, from, batchesPerFetch * batch.length)
    return Buffer.concat(requestFrame(messages.fetch, versions.fetch, 1, 'bench', request))
  })
  let sent = 0
  let bytes = 0
  let records = 0
  const inTurn = async (): Promise<void> => {
    while (sent < frames.length) {
      const { partition, from, end } = fetches[sent]!
      const answer = connection.answerTo(frames[sent]!)
      sent += 1
      let fetched = readFetched(readResponse(messages.fetch, versions.fetch, await answer), from)
      bytes += fetched.bytes
      // Where a file ends.
      while (fetched.next < end) {
        fetched = await fetchFrom(connection, topic, partition, fetched.next)
        bytes += fetched.bytes
      }
      records += fetched.next - from
    }
  }
  await Promise.all(Array.from({ length: inFlight }, inTurn))
  connection.close()
  if (bytes !== batches * batch.length)
    throw new Error(`${bytes} bytes were fetched, and ${batches * batch.length} produced.`)
  return { bytes, records }
}

/** What the whole batches in these bytes are. `from`: the offset of the fetch. */
function afterLast(bytes: Buffer, from: number): PartFetched {
  let next = from
  let at = 0
  while (at + lastDeltaAt + 4 <= bytes.length) {
    const end = at + lengthEnd + bytes.readInt32BE(at + lengthAt)
    if (end > bytes.length) break
    next = readInt64(bytes, at) + bytes.readInt32BE(at + lastDeltaAt) + 1
    at = end
  }
  return { next, bytes: at }
}

/** Records of all partitions, by their ends. */
export async function recordsIn(address: Address, { topic, partitions }: Work): Promise<number> {
  const connection = await RawConnection.open(address)
  let records = 0
  for (let n = 0; n < partitions; n += 1) records += await endOf(connection, topic, n)
  connection.close()
  return records
}

async function endOf(connection: RawConnection, name: string, partitionIndex: number): Promise<number> {
  const { topics } = await connection.ask(messages.listOffsets, versions.listOffsets, {
    replicaId: -1,
    topics: [{ name, partitions: [{ partitionIndex, timestamp: -1 }] }],
  })
  return topics[0]!.partitions[0]!.offset
}

export function recordsPerBatch(work: Work): number {
  return [...readBatches(batchOf(work))][0]!.count
}

/** The batch that the work sends again and again. */
export function batchOf({ valueBytes, batchBytes }: Pick<Work, 'valueBytes' | 'batchBytes'>): Uint8Array {
  const builder = new BatchBuilder({ initialBytes: batchBytes + 1024 })
  const value = 'x'.repeat(valueBytes)
  do builder.append(Date.now(), null, value)
  while (builder.sizeBytes < batchBytes)
  return builder.build()
}
