/**
 * Restarts: an app over 8 partitions that commits every 100 ms, for a day by a virtual clock, is restarted at random points, sometimes by a loss of
 * power. Offsets, state and outputs are those of a run that nobody disturbed. The log's own topics are rewritten over and over meanwhile.
 */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { type Random, seededRandom } from '../../src/base/index.ts'
import { json, text, topic, windowed } from '../../src/schema/index.ts'
import { App, listApps, tumbling } from '../../src/stream/index.ts'
import { scale, seed, soak } from '../scale.ts'
import { type Incoming, type Running, World } from './world.ts'

const partitions = 8
/** `npm test` runs a tenth of them, in an hour. */
const restarts = scale(500)
const lengthMs = soak ? 86_400_000 : 3_600_000

const input = topic('input', { key: text(), value: json<number>(), watermark: { outOfOrderness: '1m' } })
const totals = topic('totals', { key: text(), value: json<number>(), partitions: 2 })
const hours = topic('hours', { key: windowed(text()), value: json<number>(), partitions: 2 })

function counting(): App {
  const app = new App('app')
  const numbers = app.stream(input)
  numbers
    .groupByKey()
    .aggregate({ sum: 0, n: 0 }, ({ sum, n }, value) => ({ sum: sum + value, n: n + 1 }), { name: 'totals' })
    .mapValues(({ sum, n }) => 1000 * n + sum)
    .to(totals)
  numbers
    .groupBy((_, key) => `group ${key?.at(-1)}`)
    .windowedBy(tumbling('10m'))
    .count({ name: 'groups' })
    .emit('final')
    .to(hours)
  return app
}

/** What is published at which time: the same for both runs. */
interface Step {
  readonly afterMs: number
  readonly records: readonly Incoming[]
  /** What happens then to the run that is disturbed. */
  readonly event: 'none' | 'stop' | 'reopen' | 'crash'
}

function stepsOf(random: Random): Step[] {
  const count = 2 * restarts
  return Array.from({ length: count }, (_, step) => {
    const time = Math.floor((lengthMs * step) / count)
    const records = Array.from({ length: random.int(6) }, () => {
      const partition = random.int(partitions)
      return { key: `key ${partition}${random.int(3)}`, value: random.int(100), partition, timestamp: time }
    })
    const event = step % 2 === 0 ? (['stop', 'reopen', 'crash'] as const)[random.int(3)]! : 'none'
    return { afterMs: Math.floor(lengthMs / count), records, event }
  })
}

/** Tiny segments and rewrites of the log's own topics. */
const limits = { internal: { segmentBytes: 20_000, rewriteBytes: 3000, batchBytes: 4500, replayBytes: 9000 } }

async function run(steps: readonly Step[], isDisturbed: boolean): Promise<World> {
  const world = await World.open(seed, limits)
  const none = Array.from({ length: partitions }, (_, partition) => ({
    key: `key ${partition}0`,
    value: 0,
    partition,
  }))
  await world.write('input', none, { partitions })
  const start = (): Running => world.start(counting(), { commitInterval: 100 })
  let running = start()
  for (const { afterMs, records, event } of steps) {
    await world.write('input', records)
    if (isDisturbed && event !== 'none') {
      // In the middle of what it is at.
      await world.clock.advance(afterMs % 240)
      equal(running.outcome(), 'running')
      if (event === 'crash') await world.crash()
      else {
        await world.stop(running)
        if (event === 'reopen') await world.reopen()
      }
      running = start()
    }
    await world.clock.advance(afterMs)
  }
  await world.stop(running)
  await world.run(counting(), { until: 'end' })
  return world
}

test('restarted at random points for a day, an app has the offsets, state and outputs of one that was not', async () => {
  const steps = stepsOf(seededRandom(seed))
  const [undisturbed, disturbed] = [await run(steps, false), await run(steps, true)]
  const found = async (world: World): Promise<unknown> => ({
    apps: await world.settle(listApps(world.port)),
    totals: byKey(await world.read('totals')),
    hours: byKey(await world.read('hours')),
  })
  const right = await found(undisturbed)
  deepEqual(await found(disturbed), right)
  ok(byKey(await undisturbed.read('hours')).length > 0)
})

/** What each key got, in order: between two keys the order depends on how partitions interleave. */
function byKey(records: readonly { key: string | null; value: string | null }[]): unknown[] {
  return [...Map.groupBy(records, ({ key }) => key ?? '')]
    .map(([key, of]) => [key, of.map(({ value }) => value)] as const)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
}
