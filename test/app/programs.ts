/**
 * Small programs for tests that run several in turn over the same log. Numbers go in under one key, and come
 * out as JSON.
 */
import { equal } from 'node:assert/strict'
import { type ErrorCode, isMillraceError } from '../../src/base/index.ts'
import { json, text, topic, type Topic } from '../../src/schema/index.ts'
import { App, type RunOptions, type Stream } from '../../src/stream/index.ts'
import { World } from './world.ts'

export const input: Topic<string, number> = topic('input', { key: text(), value: json<number>() })
export const output: Topic<unknown, unknown> = topic('output', {
  key: json<unknown>(),
  value: json<unknown>(),
  partitions: 1,
})

/** What an app does with the numbers in `input`. */
export type Program = (numbers: Stream<string, number>, app: App) => void

export function appOf(program: Program, name = 'app'): App {
  const app = new App(name)
  program(app.stream(input) as Stream<string, number>, app)
  return app
}

/** Writes values under one key, each with itself as timestamp. */
export const write = (world: World, ...values: readonly number[]): Promise<void> =>
  world.write(
    'input',
    values.map(value => ({ key: 'k', value, timestamp: value })),
  )

/** The values in `output`, as JSON. */
export const valuesIn = async (world: World): Promise<string[]> =>
  (await world.read('output')).map(({ value }) => value ?? 'null')

/**
 * Runs one program after the other over one log. Gives the results, or the error of the second program, whose
 * advice is followed.
 */
export async function oneAfterTheOther(
  before: Program,
  after: Program,
  options: RunOptions = {},
): Promise<readonly string[] | { readonly code: ErrorCode; readonly message: string }> {
  const world = await World.open()
  await write(world, 1, 2)
  await world.run(appOf(before), { until: 'now', ...options })
  await write(world, 3)
  const written = (await valuesIn(world)).length
  try {
    await world.run(appOf(after), { until: 'end', ...options })
  } catch (error) {
    if (!isMillraceError(error)) throw error
    equal((await valuesIn(world)).length, written, 'nothing was written')
    // The result that the message promises.
    await world.run(appOf(after), { until: 'end', ...options, restart: true })
    return error
  }
  return await valuesIn(world)
}

/** Counts the records of each key. */
export const counted: Program = numbers => numbers.groupByKey().count({ name: 'state' }).to(output)

/** Counts behind an exchange. */
export const regrouped: Program = numbers =>
  numbers
    .groupBy((_, key) => `${key}${key}`)
    .count()
    .to(output)

/** Counts the records of each key once for each name, and writes which name counted. */
export const countedBy =
  (...names: readonly string[]): Program =>
  numbers => {
    for (const name of names)
      numbers
        .groupByKey()
        .count({ name })
        .mapValues(count => `${name} ${count}`)
        .to(output)
  }
