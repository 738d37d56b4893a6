/**
 * Runs two programs one after the other over one log. Either the second is refused in words that tell what to
 * do, or it gives what it gives alone for the same input.
 */
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '../../src/base/index.ts'
import { json, text, topic, type Topic } from '../../src/schema/index.ts'
import { App } from '../../src/stream/index.ts'
import { World } from './world.ts'

const watermark = { outOfOrderness: 0 }

/** Both topics have records under the keys `k0` and `k1`, those of `numbers` 3 ms later. */
export const numbers: Topic<string, number> = topic('numbers', {
  key: text(),
  value: json<number>(),
  watermark,
})
export const others: Topic<string, number> = topic('others', {
  key: text(),
  value: json<number>(),
  watermark,
})

export type Program = (app: App) => void

/** `refused`: what the message says; left out if the change works. */
export type Case = readonly [change: string, before: Program, after: Program, refused?: RegExp | undefined]

/** A test for each change. */
export function testChanges(cases: readonly Case[]): void {
  for (const [change, before, after, refused] of cases)
    test(`${refused ? 'refuses' : 'takes over state after'} a change of ${change}`, () =>
      check(before, after, refused))
}

/** Two runs, of the program before and the one after, and what one run of the second alone gives. */
async function check(before: Program, after: Program, refused: RegExp | undefined): Promise<void> {
  const world = await World.open()
  await write(world, 0)
  await world.run(appOf(before), { until: 'now' })
  await write(world, 1)
  const written = (await world.read('output')).length
  try {
    await world.run(appOf(after), { until: 'end' })
  } catch (error) {
    ok(isMillraceError(error, 'STATE_INCOMPATIBLE'), String(error))
    ok(refused, error.message)
    match(error.message, refused)
    match(error.message, /\{ restart: true \}/)
    equal((await world.read('output')).length, written, 'nothing was written')
    return
  }
  ok(!refused, 'is refused')
  const fresh = await World.open()
  await write(fresh, 0)
  await write(fresh, 1)
  await fresh.run(appOf(after), { until: 'end' })
  deepEqual(await latest(world), await latest(fresh))
}

function appOf(program: Program): App {
  const app = new App('app')
  program(app)
  return app
}

/** Windows are open, joins wait and timers are set when the first half ends. */
async function write(world: World, half: 0 | 1): Promise<void> {
  const at = (timestamp: number) => ({ key: `k${timestamp % 2}`, value: timestamp % 7, timestamp })
  const times = [
    [10, 15, 20, 101, 112, 120, 125, 128],
    [129, 131, 140, 155, 160, 201, 230, 320, 333],
  ][half]!
  await world.write('others', times.map(at))
  await world.write(
    'numbers',
    times.map(time => at(time + 3)),
  )
}

/** The last value of each key in the output. */
async function latest(world: World): Promise<Record<string, string>> {
  const records = await world.read('output')
  const values = Object.fromEntries(records.map(({ key, value }) => [key ?? '', value]))
  return Object.fromEntries(
    Object.entries(values)
      .filter((entry): entry is [string, string] => entry[1] !== null && entry[1] !== 'null')
      .toSorted(([one], [other]) => (one < other ? -1 : 1)),
  )
}
