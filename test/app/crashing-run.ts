/**
 * The whole engine over the log in process, on a simulated disk and under a virtual clock, so that a failed
 * case can be repeated by its seed: an app runs to the end of its inputs, through losses of power.
 */
import { isMillraceError, type Random } from '../../src/base/index.ts'
import { SimulatedLog } from '../../src/broker/simulated-log.test-support.ts'
import { createLog, type Log } from '../../src/port/index.ts'
import type { WritableTopic } from '../../src/schema/index.ts'
import { type App, Instance, type RunOptions, settingsOf } from '../../src/stream/index.ts'
import { virtualClock } from '../../src/testing/virtual-clock.ts'
import type { ProcessEnd } from '../power.ts'
import { settle } from '../settle.ts'
import { appRecordBytesMax } from '../tiny-limits.ts'

/** A record of an input, in the order in which it is published. */
export interface Published {
  readonly key: string
  readonly value: unknown
  readonly timestamp: number
}

/** A record of an output. */
export type Written = readonly [key: unknown, value: unknown, timestamp: number]

/** Calls to the disk before a crash, at most. */
const callsMax = 500

/** Options that make runs differ. */
export function randomOptions(random: Random) {
  return {
    exchange: random.int(2) === 0 ? ('memory' as const) : ('topic' as const),
    commitInterval: 5 + random.int(40),
    alignment: 1 + random.int(200),
    dirtyBytesMax: random.int(4) === 0 ? 500 : 1_000_000,
  }
}

/**
 * Publishes the records in batches of random sizes, all acknowledged before anything may be lost. Then the
 * app runs until it is done; `crashes` is how often its process may end before that, at any call to the disk.
 * Returns what the topics hold then, in the order of each partition.
 */
export async function runThroughCrashes<Name extends string>(
  app: App,
  inputs: readonly (readonly [WritableTopic<string, never>, readonly Published[]])[],
  outputs: Readonly<Record<Name, unknown>>,
  options: RunOptions,
  random: Random,
  crashesMax = 4,
): Promise<Record<Name, Written[]>> {
  const clock = virtualClock(1_000_000_000_000)
  const simulated = new SimulatedLog(random, { clock, internalRecordBytesMax: appRecordBytesMax })
  const open = async (calls?: number, how?: ProcessEnd): Promise<Log> =>
    createLog(await settle(clock, simulated.open(calls, how)), clock)
  const publish = async (log: Log): Promise<void> => {
    for (const [topic, records] of inputs) {
      const producer = log.producer(topic, { lingerMs: 0 })
      for (let at = 0; at < records.length;) {
        const some = records.slice(at, at + 1 + random.int(10))
        await Promise.all(some.map(record => producer.send(record as never)))
        at += some.length
      }
    }
  }
  let log = await open()
  await settle(clock, publish(log))
  await settle(clock, log.close())

  /** Runs until the app ends, or its process does. */
  const runApp = async (instance: Instance): Promise<void> => {
    const running = instance.run()
    const over = async (): Promise<void> => {
      while (!simulated.hasEnded()) await clock.sleep(1 + random.int(8))
      await clock.sleep(100)
    }
    await settle(clock, Promise.race([running, over()]))
  }
  const settings = settingsOf({ until: 'end', ...options })
  for (let crashes = 0, isDone = false; !isDone; crashes += 1) {
    // At any call to the disk, even between the two halves of an atomic step.
    const isCut = crashes < crashesMax && random.int(3) > 0
    const calls = isCut ? 1 + random.int(callsMax) : Number.POSITIVE_INFINITY
    const how = random.int(3) === 0 ? 'kill' : 'crash'
    try {
      log = await open(calls, how)
      await runApp(new Instance(app.name, app.plan(), log.port, clock, settings))
      isDone = !simulated.hasEnded()
    } catch (error) {
      // The run was done before the crash, but could not report it.
      isDone = isMillraceError(error, 'APP_FINISHED')
      if (!isDone && !simulated.hasEnded()) throw error
    }
    // What the run reports as done is there, whatever comes next.
    simulated.end()
  }

  log = await open()
  const written = {} as Record<Name, Written[]>
  for (const name of Object.keys(outputs) as Name[]) {
    const records: Written[] = []
    const read = async (): Promise<void> => {
      for await (const { key, value, timestamp } of log.consumer(outputs[name] as never, { until: 'end' }))
        records.push([key, value, timestamp])
    }
    await settle(clock, read())
    written[name] = records
  }
  await settle(clock, log.close())
  return written
}

/** The last value of each key and its time, by the key as JSON, in order. */
export function lastRows(written: readonly Written[]): [key: string, [value: unknown, timestamp: number]][] {
  const rows = new Map<string, [unknown, number]>()
  for (const [key, value, timestamp] of written)
    if (value === null) rows.delete(JSON.stringify(key))
    else rows.set(JSON.stringify(key), [value, timestamp])
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1))
}
