/**
 * Changes of configs and deletions of records whose process ends at any call to the disk: each is done
 * completely or not at all, what was acknowledged is there, and all partitions of a topic agree.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError, utf8, type Random } from '../../src/base/index.ts'
import type { InProcessLog } from '../../src/broker/index.ts'
import { SimulatedLog } from '../../src/broker/simulated-log.test-support.ts'
import { batch } from '../../src/port/conformance/harness.ts'
import type { ConfigResource } from '../../src/port/index.ts'
import { forSeeds } from '../for-seeds.ts'

const partitions = 3
const topic: ConfigResource = { type: 'topic', name: 't' }

/** A state that may be found: the last acknowledged one, or one that was asked for after it. */
interface Expected {
  own: string[]
  broker: string[]
  starts: number[][]
}

async function change(port: InProcessLog, random: Random, n: number, expected: Expected): Promise<void> {
  const kind = random.int(4)
  if (kind === 0) {
    const value = `${1000 + n}`
    expected.own.push(value)
    await port.admin.alterConfigs(topic, [
      { name: 'delete.retention.ms', op: 'set', value },
      { name: 'min.compaction.lag.ms', op: 'set', value },
    ])
    expected.own = [value]
  } else if (kind === 1) {
    const value = `${1000 + n}`
    expected.broker.push(value)
    await port.admin.alterConfigs({ type: 'broker' }, [
      { name: 'log.index.interval.bytes', op: 'set', value },
      { name: 'log.index.size.max.bytes', op: 'set', value },
    ])
    expected.broker = [value]
  } else if (kind === 2) {
    const partition = random.int(partitions)
    const end = await port.offsets('t', partition, 'latest')
    const offset = random.int(end + 1)
    const starts = expected.starts[partition]!
    starts.push(Math.max(starts.at(-1)!, offset))
    const start = await port.admin.deleteRecords('t', partition, offset)
    assert.equal(start, starts.at(-1))
    expected.starts[partition] = [start]
  } else {
    const writer = await port.openWriter()
    for (let partition = 0; partition < partitions; partition += 1)
      await writer.append('t', partition, batch([`${n}`, 'x'.repeat(random.int(100)), 'y']))
    await writer.close()
  }
}

async function check(log: SimulatedLog, port: InProcessLog, expected: Expected): Promise<void> {
  const values = new Map(
    (await port.admin.describeConfigs(topic)).map(({ name, value, source }) => [name, `${value} ${source}`]),
  )
  const pair = (first: string, second: string): string => {
    assert.equal(values.get(first), values.get(second), `${first} and ${second} changed together`)
    return values.get(first)!
  }
  const own = pair('delete.retention.ms', 'min.compaction.lag.ms').replace(' topic', '')
  assert(expected.own.includes(own), `${own} is one of ${expected.own.join()}`)
  expected.own = [own]
  const broker = pair('index.interval.bytes', 'segment.index.bytes').replace(' broker', '')
  assert(expected.broker.includes(broker), `${broker} is one of ${expected.broker.join()}`)
  expected.broker = [broker]
  const { config } = (await port.describeTopic('t'))!
  for (let partition = 0; partition < partitions; partition += 1) {
    const stated = utf8(log.disk.contentOf(`/data/t-${partition}/config.json`)!).split('\n')[0]!
    assert.deepEqual((JSON.parse(stated) as { configs: unknown }).configs, config.configs)
    const start = await port.offsets('t', partition, 'earliest')
    const starts = expected.starts[partition]!
    // Of several deletions that were asked for, any may be the last one that came to the disk.
    assert(starts.includes(start), `${start} is one of ${starts.join()}`)
    expected.starts[partition] = [start]
  }
}

test('configs and log starts survive the end of their process at any call', async () => {
  await forSeeds(
    1000,
    async random => {
      const log = new SimulatedLog(random, { log: { configs: { 'log.segment.bytes': 400 } } })
      const expected: Expected = { own: ['1'], broker: ['4'], starts: [] }
      let port = await log.open()
      const unlessEnded = (error: unknown): void => {
        if (!log.hasEnded()) throw error
      }
      const configs = { 'delete.retention.ms': 1, 'min.compaction.lag.ms': 1 }
      await port.createTopic('t', { partitions, configs })
      await port.admin.alterConfigs({ type: 'broker' }, [
        { name: 'log.index.interval.bytes', op: 'set', value: 4 },
        { name: 'log.index.size.max.bytes', op: 'set', value: 4 },
      ])
      for (let partition = 0; partition < partitions; partition += 1) expected.starts.push([0])
      let ended = 0
      for (let round = 0; round < 4; round += 1) {
        try {
          for (let n = 0; n < 6; n += 1) await change(port, random, 10 * round + n, expected)
        } catch (error) {
          if (!log.hasEnded() || !isMillraceError(error)) throw error
          ended += 1
        }
        if (!log.hasEnded() && random.int(10) < 3) await log.close().catch(unlessEnded)
        log.end()
        port = await log.open()
        await check(log, port, expected)
        log.end()
        port = await log.open(30 + random.int(150), random.int(2) === 0 ? 'crash' : 'kill').catch(() => port)
        if (log.hasEnded()) port = await log.open()
      }
      await log.close().catch(unlessEnded)
      return ended
    },
    ended => assert(ended.filter(count => count > 0).length > ended.length / 4, 'processes end in between'),
  )
})
