/**
 * Inputs and topics between stages that do not match the last commit: another partition count, another form
 * of exchange, records that another program left in flight, an input that is shorter than before.
 */
import { deepEqual, match, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '../../src/base/index.ts'
import { App, type RunOptions } from '../../src/stream/index.ts'
import { isCode } from '../is-code.ts'
import { appOf, counted, output, type Program, regrouped, valuesIn, write } from './programs.ts'
import { World } from './world.ts'

test('another partition count of the input is refused, until the app starts from scratch', async () => {
  for (const exchange of ['memory', 'topic'] as const) {
    const program: Program = numbers => {
      counted(numbers, new App('unused'))
      numbers
        .groupBy((_, key) => key)
        .count()
        .to(output)
    }
    const world = await World.open()
    await write(world, 1, 2)
    await world.run(appOf(program), { until: 'now', exchange })
    await world.settle(world.port.deleteTopic('input'))
    await world.write('input', [{ key: 'k', value: 3, partition: 1 }], { partitions: 2 })
    await rejects(
      world.run(appOf(program), { until: 'now', exchange }),
      isCode('PARTITION_COUNT_CHANGED', /'app-.*' in 1 partitions.* 2.*restart/s),
    )
    await world.run(appOf(program), { until: 'now', exchange, restart: true })
    deepEqual((await valuesIn(world)).sort(), ['1', '1', '1', '1', '2', '2'])
  }
})

test('the form of exchange may change if no records are left between the stages', async () => {
  for (const [first, second] of [
    ['memory', 'topic'],
    ['topic', 'memory'],
  ] as const) {
    const world = await World.open()
    await write(world, 1, 2)
    await world.run(appOf(regrouped), { until: 'now', exchange: first })
    await write(world, 3)
    await world.run(appOf(regrouped), { until: 'now', exchange: second })
    deepEqual(await valuesIn(world), ['1', '2', '3'])
  }
})

for (const [change, after, exchange] of [
  ['is gone', numbers => numbers.to(output), 'topic'],
  ['is in memory', regrouped, 'memory'],
] satisfies [string, Program, RunOptions['exchange']][])
  test(`an app continues for good once its exchange ${change}, also past inputs without new records`, async () => {
    const world = await World.open()
    await world.write(
      'input',
      [0, 1].map(partition => ({ key: 'k', value: 1, partition })),
      { partitions: 2 },
    )
    await world.run(appOf(regrouped), { until: 'now', exchange: 'topic' })
    for (const value of [3, 4]) {
      await write(world, value)
      await world.run(appOf(after), { until: 'now', exchange })
    }
    deepEqual(await valuesIn(world), ['1', '2', '3', '4'])
  })

test('a change to the exchange in memory is refused if records are left between the stages, and the advice helps', async () => {
  let refusals = 0
  for (let ms = 0; ms < 12; ms += 1) {
    const world = await World.open()
    await write(world, 1, 2)
    const running = world.start(appOf(regrouped), { exchange: 'topic', commitInterval: 1 })
    await world.clock.advance(ms)
    ok(running.outcome() !== 'failed')
    await world.crash()
    const inMemory = () => world.run(appOf(regrouped), { until: 'now', exchange: 'memory' })
    await inMemory().catch(async (error: unknown) => {
      ok(isMillraceError(error, 'STATE_INCOMPATIBLE'), String(error))
      match(error.message, /'app-select-key-1-exchange-repartition', partition 0/)
      refusals += 1
      await world.run(appOf(regrouped), { until: 'now', exchange: 'topic' })
      await inMemory()
    })
    deepEqual(await valuesIn(world), ['1', '2'], `crash after ${ms} ms`)
  }
  ok(refusals > 0)
})

test('records between the stages reach their operator by the name of their sender, however the program changed', async () => {
  for (let ms = 0; ms < 12; ms += 2) {
    const world = await World.open()
    await write(world, 1, 2)
    const named: Program = numbers =>
      numbers
        .groupBy((_, key) => `${key}${key}`, { name: 'by-double' })
        .count({ name: 'doubles' })
        .to(output)
    world.start(appOf(named), { exchange: 'topic', commitInterval: 1 })
    await world.clock.advance(ms)
    await world.crash()
    const grown: Program = (numbers, app) => {
      numbers
        .groupBy(() => 'all')
        .count()
        .toStream()
        .filter(count => count !== null && count < 0)
        .to(output)
      named(numbers, app)
    }
    await world.run(appOf(grown), { until: 'now', exchange: 'topic' })
    deepEqual(await valuesIn(world), ['1', '2'], `crash after ${ms} ms`)
  }
})

test('records between the stages do not reach another operator that now has the same number', async () => {
  let refusals = 0
  for (let ms = 0; ms < 12; ms += 1) {
    const world = await World.open()
    await write(world, 1, 2)
    const doubles: Program = numbers =>
      numbers
        .groupBy((_, key) => `${key}${key}`)
        .count({ name: 'doubles' })
        .to(output)
    world.start(appOf(doubles), { exchange: 'topic', commitInterval: 1 })
    await world.clock.advance(ms)
    await world.crash()
    const grown: Program = (numbers, app) => {
      numbers
        .groupBy(value => value)
        .count({ name: 'values' })
        .filter(count => count < 0)
        .to(output)
      doubles(numbers, app)
    }
    const run = () => world.run(appOf(grown), { until: 'now', exchange: 'topic' })
    await run().catch(async (error: unknown) => {
      ok(isMillraceError(error, 'STATE_INCOMPATIBLE'), String(error))
      match(error.message, /'app-select-key-1-exchange-repartition'.*earlier program/s)
      refusals += 1
      await world.run(appOf(doubles), { until: 'now', exchange: 'topic' })
      await run()
    })
    deepEqual(await valuesIn(world), ['1', '2'], `crash after ${ms} ms`)
  }
  ok(refusals > 0)
})

test('an app that has read past the end of its input is refused: it would skip the next records', async () => {
  for (const options of [{ until: 'now' }, {}] satisfies RunOptions[]) {
    const world = await World.open()
    await write(world, 1, 2)
    await world.run(appOf(counted), { until: 'now' })
    // As after a repair that cut the input off before that offset.
    await world.settle(
      world.port.commitOffsets({ group: 'app', offsets: [{ topic: 'input', partition: 0, offset: 9 }] }),
    )
    await write(world, 3)
    await rejects(
      world.run(appOf(counted), options),
      isCode('OFFSET_OUT_OF_RANGE', /'app'.*input-0 up to offset 9, and it ends at 3.*restart/s),
    )
    await world.run(appOf(counted), { until: 'now', restart: true })
    deepEqual(await valuesIn(world), ['1', '2', '1', '2', '3'])
  }
})
