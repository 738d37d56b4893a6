import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../base/index.ts'
import { batch } from '../port/conformance/harness.ts'
import type { InProcessLog } from './in-process.ts'
import { SimulatedLog, valuesIn } from './simulated-log.test-support.ts'

const offsets = [{ topic: 't', partition: 0, offset: 1 }]

/** A record, the offset of a group, and a transaction with both: all acknowledged. */
async function write(port: InProcessLog): Promise<void> {
  await port.createTopic('t', { partitions: 1 })
  await (await port.openWriter()).append('t', 0, batch(['plain']))
  await port.commitOffsets({ group: 'g', offsets })
  const transactional = await port.openWriter({ transactionalId: 'id' })
  await transactional.append('t', 0, batch(['in a transaction']))
  await transactional.commit({ group: 'h', offsets })
}

test('log.flush.interval.messages of 1 keeps all that was acknowledged over a loss of power', async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const configs = { 'log.flush.interval.messages': 1 }
    const log = new SimulatedLog(seededRandom(seed), { log: { durability: 'os', configs } })
    await write(await log.open())
    const port = await log.crash()
    deepEqual(await valuesIn(port, 't'), ['plain', 'in a transaction'], `seed ${seed}`)
    for (const group of ['g', 'h']) {
      const [committed] = await port.committedOffsets(group, [{ topic: 't', partition: 0 }])
      equal(committed?.offset, 1, `seed ${seed}, group ${group}`)
    }
    await log.close()
  }
})

test('alterations of the flush configs hold while the log is open, and last', async () => {
  const log = new SimulatedLog(seededRandom(1), { log: { durability: 'os' } })
  const port = await log.open()
  await port.createTopic('t', { partitions: 1, configs: { 'flush.ms': 1000 } })
  const resource = { type: 'topic', name: 't' } as const
  await port.admin.alterConfigs(resource, [{ name: 'flush.messages', op: 'set', value: 1 }])
  const writer = await port.openWriter()
  await writer.append('t', 0, batch(['a']))
  await port.admin.alterConfigs(resource, [{ name: 'flush.messages', op: 'set', value: 1000 }])
  await writer.append('t', 0, batch(['b']))
  await log.clock.advance(1000)
  const again = await log.crash()
  deepEqual(await valuesIn(again, 't'), ['a', 'b'])
  const described = await again.admin.describeConfigs(resource, ['flush.messages', 'flush.ms'])
  deepEqual(
    described.map(({ value, source }) => [value, source]),
    [
      ['1000', 'topic'],
      ['1000', 'topic'],
    ],
  )
  await log.close()
})
