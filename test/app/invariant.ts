/**
 * The invariant: the same input gives the same final results, however it was split into batches, interleaved,
 * exchanged (in memory or through topics) and committed, and whenever the machine lost power.
 *
 * The whole engine runs: an app over the log in process, on a simulated disk and under a virtual clock, so
 * that a failed case can be repeated by its seed. The naive oracle computes the expected results.
 */
import { deepEqual } from 'node:assert/strict'
import { isMillraceError, partitionForBinary, type Random } from '../../src/base/index.ts'
import { SimulatedLog } from '../../src/broker/simulated-log.test-support.ts'
import { createLog, type Log } from '../../src/port/index.ts'
import { Instance, settingsOf } from '../../src/stream/index.ts'
import { virtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts'
import { forSeeds } from '../for-seeds.ts'
import type { ProcessEnd } from '../power.ts'
import { settle } from '../settle.ts'
import { appRecordBytesMax } from '../tiny-limits.ts'
import { type Event, program } from './invariant-program.ts'
import { expectedRows } from './invariant-rows.ts'

function randomEvents(random: Random): Event[] {
  const total = 20 + random.int(60)
  return Array.from({ length: total }, (_, n) => ({
    key: 'abcd'[random.int(4)]!,
    other: 'xyz'[random.int(3)]!,
    value: 1 + random.int(9),
    // Coarse, so that many times are equal, or at the bounds of windows.
    timestamp: 5 * Math.floor(Math.max(0, n * 6 - random.int(50) + (random.int(12) === 0 ? 60 : 0)) / 5),
  }))
}

async function rowsOf(
  clock: VirtualClock,
  log: Log,
  from: Parameters<Log['consumer']>[0],
): Promise<[string, unknown][]> {
  const rows = new Map<string, unknown>()
  const read = async (): Promise<void> => {
    for await (const { key, value, timestamp } of log.consumer(from, { until: 'end' })) {
      if (value === null) rows.delete(JSON.stringify(key))
      else rows.set(JSON.stringify(key), [value, timestamp])
    }
  }
  await settle(clock, read())
  return sorted(rows)
}

function sorted(rows: ReadonlyMap<string, unknown>): [string, unknown][] {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1))
}

/** Calls to the disk before a crash, at most. */
const callsMax = 500

async function oneCase(random: Random): Promise<void> {
  const partitions = 1 + random.int(3)
  const { app, input, outputs } = program(partitions)
  const events = randomEvents(random)
  const byPartition: Event[][] = Array.from({ length: partitions }, () => [])
  for (const event of events) byPartition[partitionForBinary(event.key, partitions)]!.push(event)

  const clock = virtualClock(1_000_000_000_000)
  const simulated = new SimulatedLog(random, { clock, internalRecordBytesMax: appRecordBytesMax })
  const open = async (calls?: number, how?: ProcessEnd): Promise<Log> =>
    createLog(await settle(clock, simulated.open(calls, how)), clock)
  const options = {
    until: 'end' as const,
    exchange: random.int(2) === 0 ? ('memory' as const) : ('topic' as const),
    commitInterval: 5 + random.int(40),
    alignment: 1 + random.int(200),
    dirtyBytesMax: random.int(4) === 0 ? 500 : 1_000_000,
  }

  // Published in batches of random sizes, all acknowledged before anything may be lost.
  let log = await open()
  const publish = async (): Promise<void> => {
    const producer = log.producer(input, { lingerMs: 0 })
    for (let at = 0; at < events.length;) {
      const some = events.slice(at, at + 1 + random.int(10))
      await Promise.all(
        some.map(({ key, value, other, timestamp }) =>
          producer.send({ key, value: { value, other }, timestamp }),
        ),
      )
      at += some.length
    }
  }
  await settle(clock, publish())

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
  for (let crashes = 0; ; crashes += 1) {
    // At any call to the disk, even between the two halves of an atomic step.
    const calls = crashes < 4 && random.int(3) > 0 ? 1 + random.int(callsMax) : Number.POSITIVE_INFINITY
    const how = random.int(3) === 0 ? 'kill' : 'crash'
    let isDone = false
    try {
      log = await open(calls, how)
      await runApp(new Instance(app.name, app.plan(), log.port, clock, settingsOf(options)))
      isDone = !simulated.hasEnded()
    } catch (error) {
      // The run was done before the crash, but could not report it.
      isDone = isMillraceError(error, 'APP_FINISHED')
      if (!isDone && !simulated.hasEnded()) throw error
    }
    // What the run reports as done is there, whatever comes next.
    simulated.end()
    if (isDone) break
  }

  log = await open()
  const label = JSON.stringify({ partitions, ...options })
  const expected = expectedRows(byPartition, events)
  for (const [name, to] of Object.entries(outputs))
    deepEqual(
      await rowsOf(clock, log, to as never),
      sorted(expected[name as keyof typeof expected]),
      `${name} ${label}`,
    )
  await settle(clock, log.close())
}

export function check(): Promise<void> {
  return forSeeds(500, oneCase)
}
