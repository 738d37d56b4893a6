/**
 * State that no operator claims: it is kept and named, refused to an operator that has missed records, and
 * dropped by `forget`.
 */
import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../is-code.ts'
import type { App } from '../../src/stream/index.ts'
import { appOf, countedBy, output, type Program, valuesIn, write } from './programs.ts'
import { World } from './world.ts'

test('state that no operator claims is dropped by name; that of an operator that is there is not', async () => {
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

test('an operator that was away has missed what came: its old state is refused, and dropped by name', async () => {
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
  match(notices.join(' '), /claims: 'two'.*forget: \['two'\]/)
  deepEqual(instance.progress().unclaimed, ['two'])
  await write(world, 3)
  await rejects(
    world.run(appOf(both), { until: 'now' }),
    isCode('STATE_INCOMPATIBLE', /'two' is back.*forget: \['two'\]/s),
  )
  await world.run(appOf(both), { until: 'now', forget: ['two'] })
  deepEqual(await valuesIn(world), ['1', '1', '2', '3', '3'])
})

test('an operator that is given another name, as a refusal advises, begins with nothing, and others continue', async () => {
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

test('forget holds from its run on, also where no record comes: a program that has the operator again begins with nothing', async () => {
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
