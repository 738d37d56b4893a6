/**
 * A small world for apps under test: the log in process on a simulated disk, under a clock that moves only on
 * request. Records go in as bytes, partition by partition, and come out with their headers. Apps run in
 * simulated time, and a loss of power cuts them off.
 */
import { type Clock, seededRandom } from '../../src/base/index.ts'
import type { InProcessLogOptions } from '../../src/broker/index.ts'
import { SimulatedLog } from '../../src/broker/simulated-log.test-support.ts'
import type { FetchedBatch, LogPort } from '../../src/port/index.ts'
import { type App, Instance, type RunOptions, settingsOf } from '../../src/stream/index.ts'
import type { SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { virtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts'
import { BatchBuilder, type RecordHeader } from '../../src/wire/index.ts'
import { settle } from '../settle.ts'
import { appRecordBytesMax } from '../tiny-limits.ts'

/** A record to read. A value that is not a string is written as JSON. */
export interface Incoming {
  readonly key?: string | null
  readonly value: unknown
  readonly timestamp?: number
  readonly partition?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** A record that the app wrote, its key and value as text. */
export interface Outgoing {
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  readonly value: string | null
  readonly timestamp: number
  readonly headers: Readonly<Record<string, string>>
}

/** The contents of a disk: the bytes of files, by path. */
export type Files = ReadonlyMap<string, Uint8Array>

/** A running app. */
export interface Running {
  readonly instance: Instance
  readonly done: Promise<void>
  readonly outcome: () => 'running' | 'done' | 'failed'
}

export class World {
  readonly #log: SimulatedLog
  #port: LogPort

  private constructor(log: SimulatedLog, port: LogPort) {
    this.#log = log
    this.#port = port
  }

  static async open(
    seed = 1,
    options: Partial<InProcessLogOptions> = {},
    files: Files = new Map(),
  ): Promise<World> {
    const log = new SimulatedLog(seededRandom(seed), {
      clock: virtualClock(1_000_000_000_000),
      internalRecordBytesMax: appRecordBytesMax,
      log: options,
    })
    for (const [path, bytes] of files) log.disk.setContent(path, bytes)
    return new World(log, await settle(log.clock, log.open()))
  }

  /** A world over the files that {@link files} returned. */
  static over(files: Files, options: Partial<InProcessLogOptions> = {}): Promise<World> {
    // Not the seed that wrote the files: its ids would repeat.
    return World.open(1_000_003, options, files)
  }

  get disk(): SimulatedDisk {
    return this.#log.disk
  }

  get clock(): VirtualClock {
    return this.#log.clock
  }

  /** All files of the log, by path. The log should be closed. */
  async files(): Promise<Files> {
    return await this.settle(filesOf(this.disk, '/data'))
  }

  /** Closes the log and opens it again. */
  async reopen(): Promise<void> {
    await this.settle(this.#port.close())
    this.#port = await this.settle(this.#log.open())
  }

  get port(): LogPort {
    return this.#port
  }

  settle<T>(work: Promise<T>): Promise<T> {
    return settle(this.clock, work)
  }

  /**
   * Writes records to a topic, which is created if it is missing, in batches of `perBatch` records of a
   * partition. All records are durable when it returns.
   */
  async write(
    topic: string,
    records: readonly Incoming[],
    { partitions = 1, perBatch = 1000, app }: { partitions?: number; perBatch?: number; app?: string } = {},
  ): Promise<void> {
    const write = async (): Promise<void> => {
      if (!(await this.port.describeTopic(topic))) await this.port.createTopic(topic, { partitions })
      const writer = await this.port.openWriter(app === undefined ? {} : { app })
      const acknowledged: Promise<unknown>[] = []
      for (const [partition, own] of Map.groupBy(records, each => each.partition ?? 0))
        for (let at = 0; at < own.length; at += perBatch) {
          const batch = new BatchBuilder()
          for (const { key = null, value, timestamp = 0, headers = {} } of own.slice(at, at + perBatch))
            batch.append(timestamp, bytesOf(key), bytesOf(value), headersOf(headers))
          acknowledged.push(writer.append(topic, partition, batch))
        }
      await Promise.all(acknowledged)
      await writer.close()
    }
    await this.settle(write())
  }

  /** All committed records that a topic still has, partition by partition. */
  read(topic: string): Promise<Outgoing[]> {
    return this.settle(this.#read(topic))
  }

  /**
   * The last value of each key in a topic, without deleted and empty keys: partition, key and value in
   * hexadecimal.
   */
  async rows(topic: string): Promise<string[]> {
    const rows = new Map<string, string>()
    const visit = (partition: number, record: RecordCursor): void => {
      const key = `${partition} ${hex(record.key())}`
      const value = record.value()
      if (value && record.key()?.length) rows.set(key, hex(value))
      else rows.delete(key)
    }
    await this.settle(this.#visit(topic, visit))
    return Array.from(rows, ([key, value]) => `${key} ${value}`).toSorted()
  }

  /** `clock`: used instead of the world's clock, whose time it shows in its own way. */
  start(app: App, options: RunOptions = {}, port: LogPort = this.port, clock: Clock = this.clock): Running {
    const instance = new Instance(app.name, app.plan(), port, clock, settingsOf(options))
    let outcome: 'running' | 'done' | 'failed' = 'running'
    const done = instance.run()
    done.then(
      () => {
        outcome = 'done'
      },
      () => {
        outcome = 'failed'
      },
    )
    return { instance, done, outcome: () => outcome }
  }

  /** Runs an app until it ends by itself. */
  async run(app: App, options: RunOptions): Promise<Instance> {
    const { instance, done } = this.start(app, options)
    await this.settle(done)
    return instance
  }

  async stop({ instance, done }: Running): Promise<void> {
    instance.stop()
    await this.settle(done)
  }

  /** Power is lost: everything that runs is unusable. The log is opened again. */
  async crash(): Promise<void> {
    this.#log.end()
    await this.clock.advance(100)
    this.#port = await this.settle(this.#log.open())
  }

  async #read(topic: string): Promise<Outgoing[]> {
    const found: Outgoing[] = []
    await this.#visit(topic, (partition, record) => {
      found.push({
        partition,
        offset: record.offset,
        key: textOf(record.key()),
        value: textOf(record.value()),
        timestamp: record.timestamp,
        headers: Object.fromEntries(record.headers().map(({ key, value }) => [key, textOf(value) ?? ''])),
      })
    })
    return found
  }

  async #visit(topic: string, visit: (partition: number, record: RecordCursor) => void): Promise<void> {
    const partitions = (await this.port.describeTopic(topic))?.partitions ?? 0
    const reader = await this.port.openReader()
    for (let partition = 0; partition < partitions; partition += 1) {
      const end = await this.port.offsets(topic, partition, 'latest')
      const offset = await this.port.offsets(topic, partition, 'earliest')
      reader.assign([{ topic, partition, offset }])
      while (reader.position(topic, partition) < end) {
        const fetched = reader.take(topic, partition)
        if (!fetched) {
          await reader.wait(10)
          continue
        }
        for (const cursor = fetched.batch.records(); cursor.next();) visit(partition, cursor)
      }
    }
    await reader.close()
  }
}

type RecordCursor = ReturnType<FetchedBatch['batch']['records']>

/** Of results per window: the window's start, and the value. */
export function startsAndValues(records: readonly Outgoing[]): [start: number, value: number][] {
  return records.map(({ key, value }) => [
    (JSON.parse(key ?? '') as { start: number }).start,
    JSON.parse(value ?? '') as number,
  ])
}

/** The files in a folder, and in its subfolders. */
async function filesOf(disk: SimulatedDisk, folder: string): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>()
  for (const name of await disk.list(folder)) {
    const path = `${folder}/${name}`
    const bytes = disk.contentOf(path)
    if (bytes) files.set(path, bytes)
    else for (const [below, content] of await filesOf(disk, path)) files.set(below, content)
  }
  return files
}

function headersOf(headers: Readonly<Record<string, string>>): RecordHeader[] {
  return Object.entries(headers).map(([key, value]) => ({ key, value: Buffer.from(value) }))
}

function hex(bytes: Uint8Array | null): string {
  return bytes === null ? '-' : Buffer.from(bytes).toString('hex')
}

function bytesOf(value: unknown): Uint8Array | null {
  if (value === null) return null
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
}

function textOf(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString()
}

/** A proxy's handler that replaces methods of an object. */
export function inPlaceOf<T extends object>(methods: Partial<T>): ProxyHandler<T> {
  return {
    get(target, name) {
      if (name in methods) return methods[name as keyof T]
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  }
}
