/**
 * What an instance has after partitions came and went: the tasks of its partitions, at the committed
 * watermark, and nothing of the others.
 */
import { deepEqual } from 'node:assert/strict'
import { test } from 'node:test'
import { ActiveClock } from '../../src/base/index.ts'
import { json, text, topic } from '../../src/schema/index.ts'
import { App, Metrics, settingsOf, tumbling } from '../../src/stream/index.ts'
import { Assignment } from '../../src/stream/run/assignment.ts'
import { GlobalTables } from '../../src/stream/run/global-tables.ts'
import { allInputs } from '../../src/stream/run/restart.ts'
import { Outputs } from '../../src/stream/task/outputs.ts'
import { PreviousRun } from '../../src/stream/run/previous-run.ts'
import { TopologyTopics } from '../../src/stream/plan/topology-topics.ts'
import { Turn } from '../../src/stream/run/turn.ts'
import { World } from './world.ts'

const input = topic('input', { key: text(), value: json<number>() })
const output = topic('output', { key: json<unknown>(), value: json<unknown>(), partitions: 1 })

for (const exchange of ['memory', 'topic'] as const)
  test(`a task that waits for several partitions continues from the lowest of their watermarks (${exchange})`, async () => {
    const windows = (): App => {
      const app = new App('app')
      app
        .stream(input)
        .groupBy(() => 'all')
        .windowedBy(tumbling(50))
        .count()
        .emit('final')
        .to(output)
      return app
    }
    const world = await World.open()
    const record = (partition: number, timestamp: number) => ({ key: 'k', value: 1, partition, timestamp })
    await world.write('input', [record(0, 100), record(1, 10)], { partitions: 2 })
    await world.run(windows(), { until: 'now', exchange })
    await world.write('input', [record(1, 20), record(1, 21)])
    await world.run(windows(), { until: 'end', exchange })
    deepEqual(
      (await world.read('output')).map(({ key, value, timestamp }) => [
        JSON.parse(key ?? ''),
        value,
        timestamp,
      ]),
      [
        [{ key: 'all', start: 0, end: 50 }, '3', 49],
        [{ key: 'all', start: 100, end: 150 }, '1', 149],
      ],
    )
  })

test('a task that moves to another instance takes its state along', async () => {
  const app = new App('app')
  app.stream(input).groupByKey().count().to(output)
  const world = await World.open()
  const { clock, port } = world
  await world.write('input', [{ key: 'k', value: 1 }], { partitions: 2 })
  const plan = app.plan()
  const topics = new TopologyTopics(port, 'app', 'topic')
  const context = {
    app: 'app',
    plan,
    port,
    clock,
    active: new ActiveClock(clock, 1000),
    settings: settingsOf({ exchange: 'topic' }),
    topics,
    metrics: new Metrics(),
    turn: new Turn(),
  }
  const partitions = [0, 1].map(partition => ({ topic: 'input', partition }))
  const assigned = async (): Promise<Assignment> => {
    await topics.lookUp(plan, false, () => {})
    const previous = await PreviousRun.of(context, allInputs(context))
    await topics.create(plan, operator => previous.changelogsOf(operator), previous.mayHaveUncounted)
    const outputs = new Outputs(await port.openWriter({ app: 'app' }), topics)
    const { signal } = new AbortController()
    const assignment = new Assignment(
      context,
      previous.continuation,
      outputs,
      new GlobalTables(context),
      await port.openReader(),
      signal,
      () => {},
    )
    await assignment.add(partitions)
    return assignment
  }
  const assignment = await world.settle(assigned())
  const has = (): unknown => ({
    states: assignment.states.map(({ changelog: { topic: name, partition } }) => `${name}-${partition}`),
    inputs: [...assignment.inputs.keys()],
    tasks: Array.from(assignment.tasks.all(), ({ partition }) => partition),
  })
  const changelog = 'app-count-1-aggregate-changelog'
  deepEqual(has(), {
    states: [`${changelog}-0`, `${changelog}-1`],
    inputs: ['input-0', 'input-1'],
    tasks: [0, 1],
  })
  assignment.remove([partitions[0]!])
  deepEqual(has(), { states: [`${changelog}-1`], inputs: ['input-1'], tasks: [1] })
})
