/**
 * Apps and consumers over one log that use the same topics, or names that collide: none gets another's data.
 */
import { deepEqual, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import type { App } from '../../src/stream/index.ts'
import { isCode } from '../is-code.ts'
import { appOf, counted, output, regrouped, valuesIn, write } from './programs.ts'
import { World } from './world.ts'

test('two apps over one log that read the same topics do not affect each other', async () => {
  const world = await World.open()
  await write(world, 1, 2)
  const one = world.start(appOf(regrouped, 'one'))
  const two = world.start(appOf(regrouped, 'two'), { exchange: 'topic' })
  await world.clock.advance(500)
  await write(world, 3)
  await world.clock.advance(500)
  await world.stop(one)
  await world.stop(two)
  deepEqual((await valuesIn(world)).sort(), ['1', '1', '2', '2', '3', '3'])
})

test('a consumer group with the name of an app does not take records from the app', async () => {
  const world = await World.open()
  await write(world, 1)
  const running = world.start(appOf(counted))
  await world.clock.advance(200)
  const joining = world.port.joinGroup({
    group: 'app',
    topics: [['input']],
    onAssigned: () => {},
    onRevoked: () => {},
    onLost: () => {},
  })
  await rejects(world.settle(joining), isCode('INCONSISTENT_GROUP_PROTOCOL', /'app' belongs to an app/))
  await write(world, 2)
  await world.clock.advance(200)
  await world.stop(running)
  deepEqual(await valuesIn(world), ['1', '2'])
})

test('of two apps whose names and operators give one changelog name, the second is refused', async () => {
  const world = await World.open()
  await write(world, 1)
  const countAs = (app: string, name: string): App =>
    appOf(numbers => numbers.groupByKey().count({ name }).to(output), app)
  await world.run(countAs('a', 'b-c'), { until: 'now' })
  await rejects(
    world.run(countAs('a-b', 'c'), { until: 'now' }),
    isCode('STATE_INCOMPATIBLE', /a\/b-c: .*a-b\/c: /s),
  )
})
