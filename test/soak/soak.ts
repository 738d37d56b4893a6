/**
 * A log in use for hours of virtual time: producers, transactions that commit and abort, an app, members of
 * groups that come and go, restarts; retention by size and time, compaction, purges. Nothing that has an end
 * may grow: files, descriptors and memory are the same after hours as after minutes. And the app's totals,
 * whose state is compacted, are exact to the end.
 *
 * Files are real, and time is not: a round is five seconds of the log's time and some milliseconds of ours.
 * Within a round time passes only as fast as the disk allows, so that no time-out strikes for a slow machine.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { nodeDisk, seededRandom, type Random } from '../../src/base/index.ts'
import { InProcessLog } from '../../src/broker/index.ts'
import { createApp, json, text, topic } from '../../src/index.ts'
import { createLog, type Log } from '../../src/port/index.ts'
import { Instance, settingsOf } from '../../src/stream/index.ts'
import { virtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts'
import { BatchBuilder } from '../../src/wire/index.ts'
import { collectGarbage } from '../collect-garbage.ts'
import { appRecordBytesMax, tinyLimits } from '../tiny-limits.ts'

/** The log's time that a round takes. */
const roundMs = 5000
/** Steps in which time passes while a round waits for the disk. */
const stepMs = 20
const roundsPerProcess = 15
const recordsPerRound = 100
const keys = 20
const groups = 5
/** How often segments are dropped and compacted: often in a process, which lasts 75 s. */
const housekeeping = { 'log.retention.check.interval.ms': 10_000, 'log.cleaner.backoff.ms': 5000 }
const ordersConfigs = { 'retention.bytes': 64 << 10, 'retention.ms': 240_000, 'segment.bytes': 16 << 10 }
/** So that the files reach their size in minutes. */
const shortLived = { 'segment.ms': 10_000, 'delete.retention.ms': 20_000 }
const totalsConfigs = { 'cleanup.policy': 'compact', 'segment.bytes': 16 << 10, ...shortLived }
const megabyte = 1 << 20

interface Order {
  readonly amount: number
  readonly aborted: boolean
}

const orders = topic('orders', { key: text(), value: json<Order>(), partitions: 2 })
const totals = topic('totals', { key: text(), value: json<{ readonly count: number }>(), partitions: 1 })

function countingApp(): ReturnType<typeof createApp> {
  const app = createApp('totals-by-key')
  app
    .stream(orders)
    .groupByKey()
    .aggregate({ count: 0 }, ({ count }, { aborted }) => {
      assert(!aborted, 'the app read an aborted record')
      return { count: count + 1 }
    })
    .to(totals)
  return app
}

/** What must not grow, at the end of a process of the log. */
export interface Measured {
  readonly atMinute: number
  readonly descriptors: number
  readonly heapBytes: number
  /** Of the files, by the kind of their topic. */
  readonly bytes: Readonly<Record<string, number>>
}

/** Runs until `enough` says so, given the number of rounds. Returns the measures of all processes. */
export async function soakUntil(enough: (rounds: number) => boolean): Promise<readonly Measured[]> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-soak-'))
  const soak = new Soak(folder)
  try {
    const measured: Measured[] = []
    while (!enough(soak.rounds)) measured.push(await soak.process())
    return measured
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

class Soak {
  rounds = 0
  /** What the app must have counted, by key. */
  readonly #published = new Map<string, number>()
  readonly #folder: string
  readonly #clock: VirtualClock = virtualClock(1_000_000_000_000)
  readonly #random: Random = seededRandom(1)

  constructor(folder: string) {
    this.#folder = folder
  }

  /** One process of the log, from its start to a clean stop. */
  async process(): Promise<Measured> {
    const port = await this.#settle(
      InProcessLog.open(this.#folder, {
        disk: nodeDisk,
        clock: this.#clock,
        random: this.#random,
        durability: 'os',
        configs: housekeeping,
        producerIdExpirationMs: 24 * roundMs,
        internal: tinyLimits(this.#random, appRecordBytesMax),
      }),
    )
    const log = createLog(port, this.#clock)
    if (!(await log.describeTopic(orders.name)))
      await this.#settle(log.createTopic(orders, { configs: ordersConfigs }))
    if (!(await log.describeTopic(totals.name)))
      await this.#settle(log.createTopic(totals, { configs: totalsConfigs }))
    const app = countingApp()
    await this.#settle(this.#shortenOwn(port, app.name))
    const settings = settingsOf({
      commitInterval: 1000,
      exchange: this.#random.int(2) === 0 ? 'topic' : 'memory',
    })
    const instance = new Instance(app.name, app.plan(), port, this.#clock, settings)
    const running = instance.run()
    for (let round = 0; round < roundsPerProcess; round += 1) {
      await this.#settle(Promise.all([this.#publish(log), this.#transact(port), this.#consume(log)]))
      await this.#clock.advance(roundMs)
      this.rounds += 1
    }
    await this.#settle(this.#caughtUp(port, app.name))
    instance.stop()
    await this.#settle(running)
    await this.#settle(this.#checkTotals(log))
    await this.#settle(log.close())
    return this.#measure()
  }

  async #publish(log: Log): Promise<void> {
    const producer = log.producer(orders)
    for (let n = 0; n < recordsPerRound; n += 1) {
      const key = `${this.#random.int(keys)}`
      void producer.send({ key, value: { amount: n, aborted: false } })
      this.#counts(key)
    }
    await producer.flush()
    await producer.close()
  }

  /** A transaction over some partitions, by one of a few writers. */
  async #transact(port: InProcessLog): Promise<void> {
    const writer = await port.openWriter({ transactionalId: `writer-${this.#random.int(groups)}` })
    const aborted = this.#random.int(3) === 0
    const appended = []
    for (let partition = this.#random.int(2); partition < 2; partition += 1) {
      const batch = new BatchBuilder({ initialBytes: 256 })
      // The writer chooses the partition, so a key must name it: the app counts by partition.
      const key = `${partition}-${this.#random.int(keys)}`
      batch.append(this.#clock.now(), key, JSON.stringify({ amount: 1, aborted }))
      if (!aborted) this.#counts(key)
      appended.push(writer.append(orders.name, partition, batch))
    }
    await Promise.all(appended)
    await (aborted ? writer.abort() : writer.commit())
    await writer.close()
  }

  /** A member joins a group, reads what there is, commits and leaves, before retention takes what is next. */
  async #consume(log: Log): Promise<void> {
    const group = `group-${this.rounds % groups}`
    for await (const { value } of log.consumer(orders, { group, until: 'end' }))
      assert(!value?.aborted, 'a consumer read an aborted record')
  }

  #counts(key: string): void {
    this.#published.set(key, (this.#published.get(key) ?? 0) + 1)
  }

  /** The app's topics for itself, which it made in the first process. */
  async #shortenOwn(port: InProcessLog, app: string): Promise<void> {
    const changes = Object.entries(shortLived).map(([name, value]) => ({ name, op: 'set', value }) as const)
    for (const { name } of await port.listTopics({ internal: true }))
      if (name.startsWith(`${app}-`)) await port.admin.alterConfigs({ type: 'topic', name }, changes)
  }

  /** Waits until the app has committed all input: by the log, since an app that has not begun has no lag. */
  async #caughtUp(port: InProcessLog, app: string): Promise<void> {
    for (const partition of [0, 1]) {
      // A commit has ended before its markers show. This waits for them.
      const end = await port.offsets(orders.name, partition, 'latest')
      const committed = async (): Promise<number> =>
        (await port.committedOffsets(app, [{ topic: orders.name, partition }]))[0]?.offset ?? 0
      while ((await committed()) < end) await this.#clock.sleep(stepMs)
    }
  }

  /** The latest total of each key, as compaction leaves it. */
  async #checkTotals(log: Log): Promise<void> {
    const found = new Map<string | null, number | undefined>()
    for await (const { key, value } of log.consumer(totals, { until: 'end' })) found.set(key, value?.count)
    assert.deepEqual(found, this.#published)
  }

  #measure(): Measured {
    collectGarbage()
    const bytes: Record<string, number> = {}
    for (const name of readdirSync(this.#folder)) {
      const kind = kindOf(name)
      bytes[kind] = (bytes[kind] ?? 0) + sizeOf(join(this.#folder, name))
    }
    return {
      atMinute: (this.rounds * roundMs) / 60_000,
      descriptors: descriptors(),
      heapBytes: process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers,
      bytes,
    }
  }

  /** Lets time pass until `work` has settled, no faster than the disk. */
  async #settle<T>(work: Promise<T>): Promise<T> {
    const state = { settled: false }
    const note = (): void => void (state.settled = true)
    work.then(note, note)
    while (!state.settled) {
      await sleep(1)
      await this.#clock.advance(stepMs)
    }
    return work
  }
}

/** The plans are a kind alone: there is a record for each change of the program, here every other process. */
function kindOf(name: string): string {
  if (name.startsWith('__')) return 'internal'
  if (!name.startsWith('totals-by-key')) return 'topics'
  return name.includes('-plan-') ? 'plans' : 'app'
}

function sizeOf(path: string): number {
  if (!statSync(path).isDirectory()) return statSync(path).size
  return readdirSync(path).reduce((sum, name) => sum + sizeOf(join(path, name)), 0)
}

/** The open descriptors of this process. A system without such a folder does not tell: 0 does not grow. */
function descriptors(): number {
  const folder = ['/proc/self/fd', '/dev/fd'].find(path => existsSync(path))
  return folder === undefined ? 0 : readdirSync(folder).length
}

/**
 * Fails if the later half of the measures has more than the earlier half. The first measures are left out:
 * the log is still being filled. `realMinutes`: how long all took.
 */
export function checkFlat(measured: readonly Measured[], realMinutes: number): void {
  const settled = measured.slice(Math.ceil(measured.length / 4))
  const [earlier, later] = [settled.slice(0, settled.length >> 1), settled.slice(settled.length >> 1)]
  const grown = (what: (each: Measured) => number): number =>
    Math.max(...later.map(what)) - Math.max(...earlier.map(what))
  assert(grown(each => each.descriptors) <= 0, 'descriptors grow')
  for (const kind of ['internal', 'topics', 'app'])
    assert(grown(each => each.bytes[kind]!) < megabyte / 8, `the files of ${kind} grow`)
  // Half of the settled time lies between the two halves.
  const minutes = (realMinutes * 3) / 8
  assert(grown(each => each.heapBytes) < megabyte * Math.max(minutes, 4), 'memory grows')
}
