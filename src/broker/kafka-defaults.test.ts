/** Kafka's defaults delete nothing that a program has kept by its own, unless they are asked for by name. */
import { equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError, MemoryDisk, systemClock, systemRandom, type Disk } from '../base/index.ts'
import type { BrokerConfigs, TopicConfigs } from '../port/index.ts'
import { InProcessLog } from './in-process.ts'

const disk = (): Disk => new MemoryDisk({ capacityBytes: 1 << 24 })

function open(
  of: Disk,
  defaults: 'kafka' | 'in-process',
  configs: BrokerConfigs = {},
): Promise<InProcessLog> {
  return InProcessLog.open('/data', { disk: of, clock: systemClock, random: systemRandom, defaults, configs })
}

/** A log that a program has made, with topics of these configs. */
async function filled(...topics: readonly TopicConfigs[]): Promise<Disk> {
  const of = disk()
  const log = await open(of, 'in-process')
  for (const [n, configs] of topics.entries())
    await log.createTopic(`orders-${n}`, { partitions: 1, configs })
  await log.close()
  return of
}

async function retentionOf(log: InProcessLog): Promise<string | null | undefined> {
  const [described] = await log.admin.describeConfigs({ type: 'topic', name: 'orders-0' }, ['retention.ms'])
  await log.close()
  return described?.value
}

const week = '604800000'

test('over a log that keeps all they are refused, and nothing is changed', async () => {
  const of = await filled({}, { 'retention.bytes': 1000 }, { 'retention.ms': 5 })
  for (let n = 0; n < 2; n += 1)
    await rejects(open(of, 'kafka'), error => {
      const about = /2 topics: 'orders-0', 'orders-1'.*log\.retention\.ms=-1 keeps all/
      return isMillraceError(error, 'INVALID_CONFIG') && about.test(error.message)
    })
  equal(await retentionOf(await open(of, 'in-process')), '-1')
})

test('they hold if they are asked for by name, or kept by an altered default', async () => {
  const of = await filled({})
  equal(await retentionOf(await open(of, 'kafka', { 'log.retention.ms': -1 })), '-1')
  equal(await retentionOf(await open(of, 'kafka', { 'log.retention.hours': 168 })), week)
  await rejects(open(of, 'kafka'), error => isMillraceError(error, 'INVALID_CONFIG'))
  const log = await open(of, 'in-process')
  await log.admin.alterConfigs({ type: 'broker' }, [{ name: 'log.retention.ms', op: 'set', value: 77 }])
  await log.close()
  equal(await retentionOf(await open(of, 'kafka')), '77')
})

test('a topic that says its retention, or is only compacted, is none of theirs', async () => {
  const of = await filled({ 'retention.ms': 1_000_000 }, { 'cleanup.policy': 'compact' })
  equal(await retentionOf(await open(of, 'kafka')), '1000000')
})

test('a log that began with them goes back to them', async () => {
  const of = disk()
  const log = await open(of, 'kafka')
  await log.createTopic('orders-0', { partitions: 1 })
  await log.close()
  equal(await retentionOf(await open(of, 'in-process')), '-1')
  equal(await retentionOf(await open(of, 'kafka')), week)
  // A log without topics has nothing that a program has kept.
  equal(await retentionOf(await open(of, 'kafka')), week)
  const empty = await filled()
  await (await open(empty, 'kafka')).close()
})
