/**
 * Shared parts of the conformance cases: a port under test, names that do not clash, and a way to write and
 * read in one line.
 */
import assert from 'node:assert/strict'
import { isMillraceError, systemClock, utf8, type ErrorCode } from '../../base/index.ts'
import { BatchBuilder, type RecordBatch } from '../../wire/index.ts'
import type { Isolation, LogPort, Reader, TopicPartition, Writer } from '../log-port.ts'

/** A port under test, as the caller of the suite makes it. */
export interface PortUnderTest {
  readonly port: LogPort
  /** Passes time: by waiting, or by moving a simulated clock. */
  readonly advance: (ms: number) => Promise<void>
  /** Lets the log crash, and opens it again: acknowledged records must be there. */
  readonly crash?: () => Promise<LogPort>
  /** Closes everything. Called once per case. */
  readonly dispose: () => Promise<void>
}

/** The arguments of each case. */
export class Harness {
  port: LogPort
  readonly #under: PortUnderTest
  readonly #prefix: string
  #names = 0

  constructor(under: PortUnderTest, prefix: string) {
    this.#under = under
    this.port = under.port
    this.#prefix = prefix
  }

  /** A unique name. */
  name(what: string): string {
    this.#names += 1
    return `${this.#prefix}-${what}-${this.#names}`
  }

  async topic(partitions = 1): Promise<string> {
    const name = this.name('topic')
    await this.port.createTopic(name, { partitions })
    return name
  }

  async pass(ms: number): Promise<void> {
    await this.#under.advance(ms)
  }

  async crash(): Promise<void> {
    assert(this.#under.crash, 'a port that says that it crashes can do so')
    this.port = await this.#under.crash()
  }

  /** The records that a reader shows from an offset to the readable end. */
  async read(
    topic: string,
    options: { partition?: number; from?: number; isolation?: Isolation } = {},
  ): Promise<Shown[]> {
    const { partition = 0, from = 0, isolation = 'read_committed' } = options
    const reader = await this.port.openReader({ isolation })
    try {
      reader.assign([{ topic, partition, offset: from }])
      return await drain(reader, topic, partition)
    } finally {
      await reader.close()
    }
  }

  async values(
    topic: string,
    options: { partition?: number; from?: number; isolation?: Isolation } = {},
  ): Promise<string[]> {
    return (await this.read(topic, options)).map(({ value }) => value)
  }

  /** Appends without transactions and waits. */
  async write(
    topic: string,
    values: readonly string[],
    options: { partition?: number; timestamp?: number } = {},
  ): Promise<number> {
    const writer = await this.port.openWriter()
    try {
      const { baseOffset } = await writer.append(
        topic,
        options.partition ?? 0,
        batch(values, options.timestamp),
      )
      return baseOffset
    } finally {
      await writer.close()
    }
  }

  async committed(group: string, topic: string, partition = 0): Promise<number | undefined> {
    const [committed] = await this.port.committedOffsets(group, [{ topic, partition }])
    return committed?.offset
  }
}

export interface Shown {
  readonly offset: number
  readonly value: string
}

/** A batch of one record per value; the n-th has `timestamp` + n. */
export function batch(values: readonly string[], timestamp = 0): BatchBuilder {
  const builder = new BatchBuilder({ initialBytes: 256 })
  for (const [index, value] of values.entries()) builder.append(timestamp + index, null, value)
  return builder
}

export async function append(
  writer: Writer,
  topic: string,
  values: readonly string[],
  partition = 0,
): Promise<number> {
  return (await writer.append(topic, partition, batch(values))).baseOffset
}

export function valuesOf(fetched: RecordBatch): string[] {
  const values: string[] = []
  for (const cursor = fetched.records(); cursor.next();) values.push(utf8(cursor.value()!))
  return values
}

/**
 * Takes everything up to the readable end; checks that offsets grow and that positions agree with the taken
 * batches.
 */
export async function drain(reader: Reader, topic: string, partition: number): Promise<Shown[]> {
  const shown: Shown[] = []
  for (;;) {
    const fetched = reader.take(topic, partition)
    if (!fetched) {
      if (reader.atEnd(topic, partition)) return shown
      await reader.wait(10_000)
      continue
    }
    assert(fetched.nextOffset >= fetched.batch.nextOffset, 'nextOffset is after the batch')
    assert(reader.position(topic, partition) >= fetched.nextOffset, 'the position is after the taken batches')
    const cursor = fetched.batch.records()
    while (cursor.next()) {
      if (cursor.offset < fetched.firstOffset) continue
      assert(cursor.offset > (shown.at(-1)?.offset ?? -1), 'offsets grow')
      shown.push({ offset: cursor.offset, value: utf8(cursor.value()!) })
    }
  }
}

export async function refuses(code: ErrorCode, promise: Promise<unknown>): Promise<void> {
  await assert.rejects(promise, error => {
    if (isMillraceError(error, code)) return true
    throw new Error(`expected ${code}`, { cause: error })
  })
}

/** 'pending' as long as the promise has not settled after everything that is ready has run. */
export async function stateOf(promise: Promise<unknown>): Promise<'pending' | 'settled'> {
  let state: 'pending' | 'settled' = 'pending'
  const settle = (): void => {
    state = 'settled'
  }
  promise.then(settle, settle)
  for (let turn = 0; turn < 20; turn += 1) await systemClock.yield()
  return state
}

export function partitionNames(partitions: readonly TopicPartition[]): string[] {
  return partitions.map(({ topic, partition }) => `${topic}/${partition}`).toSorted()
}

/** Committed records become readable soon after, not at once: markers follow the commit. */
export async function eventually(
  h: { pass(ms: number): Promise<void> },
  holds: () => Promise<boolean>,
): Promise<void> {
  for (let turn = 0; turn < 500; turn += 1) {
    if (await holds()) return
    await h.pass(1)
  }
  assert.fail('not within 500 turns')
}
