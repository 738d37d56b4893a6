/**
 * State that no operator claims: it is kept and named, refused to an operator that missed records, and
 * dropped by `forget`.
 */
import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../is-code.ts'
import type { App } from '../../src/stream/index.ts'
import { appOf, countedBy, output, type Program, valuesIn, write } from './programs.ts'
import { World } from './world.ts'

test('forget drops state that no operator claims, and keeps that of a present operator', async () => {
  const named = (...names: readonly string[]): App => appOf(countedBy(...names))
  const world = await World.open()
  await write(world, 1, 2)
  await world.run(named('one'), { until: 'now' })
  await write(world, 3)
  await rejects(world.run(named('two'), { until: 'now' }), isCode('STATE_INCOMPATIBLE'))
  await world.run(named('two'), { until: 'now', forget: ['one'] })
  deepEqual(await valuesIn(world), ['"one 1"', '"one 2"', '"two 1"'])
  equal(await world.settle(world.port.describeTopic('app-one-aggregate-changelog')), undefined)
  await rejects(world.run(named('two'), { until: 'now', forget: ['two'] }), isCode('INVALID_ARGUMENT'))
})

test('an operator that missed records is refused its old state, which forget drops by name', async () => {
  const both: Program = numbers => {
    numbers.groupByKey().count({ name: 'one' }).to(output)
    numbers
      .groupByKey()
      .reduce((a, b) => a + b, { name: 'two' })
      .to(output)
  }
  const one: Program = numbers => numbers.groupByKey().count({ name: 'one' }).to(output)
  const world = await World.open()
  await write(world, 1)
  await world.run(appOf(both), { until: 'now' })
  await write(world, 2)
  const notices: string[] = []
  const instance = await world.run(appOf(one), {
    until: 'now',
    onNotice: notice => void notices.push(notice),
  })
  match(notices.join(' '), /claims: 'two'.*gives no results any more.*forget: \['two'\]/)
  deepEqual(instance.progress().unclaimed, ['two'])
  await write(world, 3)
  await rejects(
    world.run(appOf(both), { until: 'now' }),
    isCode('STATE_INCOMPATIBLE', /'two' is back.*forget: \['two'\]/s),
  )
  await world.run(appOf(both), { until: 'now', forget: ['two'] })
  deepEqual(await valuesIn(world), ['1', '1', '2', '3', '3'])
})

test('an operator that is renamed, as a refusal advises, begins with no state, and others continue', async () => {
  const program =
    (summing: Program): Program =>
    (numbers, app) => {
      summing(numbers, app)
      numbers
        .groupByKey()
        .count({ name: 'count' })
        .mapValues(count => `count ${count}`)
        .to(output)
    }
  const sum: Program = numbers =>
    numbers
      .groupByKey()
      .aggregate(0, (n, value) => n + value, { name: 'sum' })
      .to(output)
  const mean =
    (name: string): Program =>
    numbers =>
      numbers
        .groupByKey()
        .aggregate({ sum: 0, n: 0 }, (all, value) => ({ sum: all.sum + value, n: all.n + 1 }), { name })
        .to(output)
  const world = await World.open()
  await write(world, 1, 2)
  await world.run(appOf(program(sum)), { until: 'now' })
  await write(world, 3)
  await rejects(
    world.run(appOf(program(mean('sum'))), { until: 'now' }),
    isCode('STATE_INCOMPATIBLE', /another name and drop the old state with { forget: \['sum'\] }/),
  )
  await world.run(appOf(program(mean('mean'))), { until: 'now', forget: ['sum'] })
  deepEqual((await valuesIn(world)).slice(4), ['{"sum":3,"n":1}', '"count 3"'])
})

test('forget takes effect even if no record comes: an operator that returns begins with no state', async () => {
  const named = (...names: readonly string[]): App => appOf(countedBy(...names))
  for (const isGoneBefore of [true, false]) {
    const world = await World.open()
    await write(world, 1, 2)
    await world.run(named('one', 'two'), { until: 'now' })
    if (isGoneBefore) {
      await write(world, 3)
      await world.run(named('one'), { until: 'now' })
    }
    await world.run(named('one'), { until: 'now', forget: ['two'] })
    await world.run(named('one', 'two'), { until: 'now' })
    await write(world, 4)
    await world.run(named('one', 'two'), { until: 'now' })
    deepEqual((await valuesIn(world)).slice(-2), [isGoneBefore ? '"one 4"' : '"one 3"', '"two 1"'])
  }
})
