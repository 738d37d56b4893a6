/**
 * The program of the kill test on a simulated disk and clock. Its process ends at any call to the disk, by a
 * kill or a loss of power: while it publishes, while it waits, and between any two steps of a commit. A case
 * is repeated by its seed.
 */
import type { Random } from '../../src/base/index.ts'
import { SimulatedLog } from '../../src/broker/simulated-log.test-support.ts'
import { createLog, type Log } from '../../src/port/index.ts'
import { Instance, settingsOf } from '../../src/stream/index.ts'
import { virtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts'
import { forSeeds } from '../for-seeds.ts'
import { settle } from '../settle.ts'
import { appRecordBytesMax } from '../tiny-limits.ts'
import { checkCounts } from './checker.ts'
import { countingApp, createTopics, housekeeping, publishNumbered } from './program.ts'

/** Records per key. */
const total = 60
/** Calls to the disk before a process ends, at most. */
const callsMax = 700
/** The number of processes that do not finish. */
const deaths = 6

/** Publishes the remaining records, and counts until all of them are counted. */
async function publishAndCount(log: Log, clock: VirtualClock, random: Random): Promise<void> {
  await createTopics(log)
  const publishing = publishNumbered(
    log,
    total,
    () => undefined,
    () => clock.sleep(random.int(40)),
    () => false,
  )
  await Promise.race([publishing, clock.sleep(random.int(100))])
  const app = countingApp()
  const options = {
    commitInterval: 1 + random.int(30),
    exchange: random.int(2) === 0 ? ('memory' as const) : ('topic' as const),
  }
  const instance = new Instance(app.name, app.plan(), log.port, clock, settingsOf(options))
  const stop = async (): Promise<void> => {
    await publishing
    // In the meantime the idle app commits.
    await clock.sleep(random.int(100))
    while (instance.progress().lag > 0) await clock.sleep(5)
    instance.stop()
  }
  await Promise.all([instance.run(), stop()])
}

async function oneCase(random: Random): Promise<void> {
  const simulated = new SimulatedLog(random, {
    clock: virtualClock(1_000_000_000_000),
    internalRecordBytesMax: appRecordBytesMax,
    log: { configs: housekeeping, cleaner: { portionBytes: 1 + random.int(3000) } },
  })
  const { clock } = simulated
  for (let ended = 0, isDone = false; !isDone; ended += 1) {
    const calls = ended < deaths ? 1 + random.int(callsMax) : Number.POSITIVE_INFINITY
    const opening = simulated.open(calls, random.int(2) === 0 ? 'kill' : 'crash')
    const live = async (): Promise<void> => {
      const port = await opening
      await publishAndCount(createLog(port, clock), clock, random)
    }
    const death = async (): Promise<'dead'> => {
      while (!simulated.hasEnded()) await clock.sleep(1)
      return 'dead'
    }
    try {
      isDone = (await settle(clock, Promise.race([live(), death()]))) !== 'dead'
    } catch (error) {
      if (!simulated.hasEnded()) throw error
    }
    simulated.end()
  }
  const log = createLog(await settle(clock, simulated.open()), clock)
  await settle(clock, checkCounts(log, total))
  await settle(clock, log.close())
}

export function check(): Promise<void> {
  return forSeeds(500, oneCase)
}
