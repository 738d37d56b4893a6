/**
 * A client of negligible cost: it sends requests that were built once, several at a time, and looks at no
 * more of an answer than it must. So what is measured is the broker.
 */
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  BatchBuilder,
  messages,
  readBatches,
  readInt64,
  readResponse,
  requestFrame,
  type Definition,
  type RequestInput,
  type Response,
} from '../../src/wire/index.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** Bytes of the size in front of each frame. */
const sizeBytes = 4
/** The version of each request, which both brokers have. Topics are named, not numbered. */
const versions = { createTopics: 5, deleteTopics: 4, produce: 9, fetch: 11, listOffsets: 5 }
/** Where a batch's length, and its last offset's delta, are in it. */
const [lengthAt, lengthEnd, lastDeltaAt] = [8, 12, 23]

/** A connection: its answers come in the order of its requests. */
export class RawConnection {
  readonly #socket: Socket
  readonly #waiting: ((frame: Buffer) => void)[] = []
  #chunks: Buffer[] = []
  #bytes = 0
  #wanted = sizeBytes

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (bytes: Buffer) => this.#receive(bytes))
  }

  static open(address: Address): Promise<RawConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ ...address, noDelay: true })
      socket.once('error', reject)
      socket.once('connect', () => resolve(new RawConnection(socket)))
    })
  }

  /** Sends a frame; `answered` gets the frame that answers it, without its size. */
  send(frame: Uint8Array, answered: (frame: Buffer) => void): void {
    this.#waiting.push(answered)
    this.#socket.write(frame)
  }

  async ask<const D extends Definition>(
    definition: D,
    version: number,
    request: RequestInput<D>,
  ): Promise<Response<D>> {
    const frame = Buffer.concat(requestFrame(definition, version, 1, 'bench', request))
    const answer = await new Promise<Buffer>(resolve => this.send(frame, resolve))
    return readResponse(definition, version, answer)
  }

  close(): void {
    this.#socket.destroy()
  }

  #receive(bytes: Buffer): void {
    this.#chunks.push(bytes)
    this.#bytes += bytes.length
    if (this.#bytes < this.#wanted) return
    let all = this.#chunks.length === 1 ? bytes : Buffer.concat(this.#chunks)
    while (all.length >= sizeBytes) {
      const end = sizeBytes + all.readInt32BE(0)
      if (all.length < end) break
      this.#waiting.shift()!(all.subarray(sizeBytes, end))
      all = all.subarray(end)
    }
    this.#wanted = all.length < sizeBytes ? sizeBytes : sizeBytes + all.readInt32BE(0)
    this.#chunks = [all]
    this.#bytes = all.length
  }
}

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
  const frames = Array.from({ length: partitions }, (_, index) =>
    Buffer.concat(
      requestFrame(messages.produce, versions.produce, 1, 'bench', {
        acks: 1,
        timeoutMs: 30_000,
        topicData: [{ name: topic, partitionData: [{ index, records: batch }] }],
      }),
    ),
  )
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
        const code = errorOf(answer)
        if (code !== 0) return reject(new Error(`A produce to '${topic}' was refused with code ${code}.`))
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

/** The code of the only partition in an answer to a produce: it is far from the start, and all is checked. */
function errorOf(answer: Buffer): number {
  const { responses } = readResponse(messages.produce, versions.produce, answer)
  return responses[0]!.partitionResponses[0]!.errorCode
}

/** Fetches everything, one partition after the other; resolves with the bytes and the records. */
export async function fetchAll(
  address: Address,
  { topic, partitions }: Work,
): Promise<{ readonly bytes: number; readonly records: number }> {
  const connection = await RawConnection.open(address)
  let bytes = 0
  let records = 0
  for (let partition = 0; partition < partitions; partition += 1) {
    const end = await endOf(connection, topic, partition)
    for (let fetchOffset = 0; fetchOffset < end;) {
      const answer = await connection.ask(messages.fetch, versions.fetch, {
        maxWaitMs: 1000,
        minBytes: 1,
        maxBytes: 50 << 20,
        topics: [{ topic, partitions: [{ partition, fetchOffset, partitionMaxBytes: 1 << 20 }] }],
      })
      const fetched = answer.responses[0]!.partitions[0]!
      if (fetched.errorCode !== 0) throw new Error(`A fetch was refused with code ${fetched.errorCode}.`)
      const next = afterLast(fetched.records!)
      records += next.offset - fetchOffset
      bytes += next.bytes
      fetchOffset = next.offset
    }
  }
  connection.close()
  return { bytes, records }
}

/** The offset after the last whole batch, and where that ends. */
function afterLast(bytes: Buffer): { readonly offset: number; readonly bytes: number } {
  let offset = 0
  let at = 0
  while (at + lastDeltaAt + 4 <= bytes.length) {
    const end = at + lengthEnd + bytes.readInt32BE(at + lengthAt)
    if (end > bytes.length) break
    offset = readInt64(bytes, at) + bytes.readInt32BE(at + lastDeltaAt) + 1
    at = end
  }
  return { offset, bytes: at }
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

function batchOf({ valueBytes, batchBytes }: Work): Uint8Array {
  const builder = new BatchBuilder({ initialBytes: batchBytes + 1024 })
  const value = 'x'.repeat(valueBytes)
  do builder.append(Date.now(), null, value)
  while (builder.sizeBytes < batchBytes)
  return builder.build()
}
