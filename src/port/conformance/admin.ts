/** Configs, and deletion of records. */
import assert from 'node:assert/strict'
import type { ConfigChange, ConfigResource } from '../log-admin.ts'
import { append, refuses, type Harness } from './harness.ts'
import type { Cases } from './index.ts'

function set(name: string, value: string | number): ConfigChange {
  return { name, op: 'set', value }
}

function resourceOf(name: string): ConfigResource {
  return { type: 'topic', name }
}

async function valueOf(h: Harness, topic: string, config: string): Promise<readonly [string | null, string]> {
  const [found] = await h.port.admin.describeConfigs(resourceOf(topic), [config])
  return [found!.value, found!.source]
}

export const adminCases: Cases = {
  async 'a log has one id, in the form of Kafka'(h) {
    const { clusterId } = await h.port.admin.describeCluster()
    assert.match(clusterId ?? '', /^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/)
    assert.deepEqual(await h.port.admin.describeCluster(), { clusterId })
  },

  async 'the partitions of a topic are described by their offsets'(h) {
    const topic = h.name('topic')
    await h.port.createTopic(topic, { partitions: 2 })
    const writer = await h.port.openWriter()
    await append(writer, topic, ['a', 'b'], 1)
    await writer.close()
    assert.deepEqual(await h.port.admin.describePartitions(topic), [
      { partition: 0, startOffset: 0, endOffset: 0 },
      { partition: 1, startOffset: 0, endOffset: 2 },
    ])
    await refuses('UNKNOWN_TOPIC', h.port.admin.describePartitions(h.name('none')))
  },

  async 'a topic gets more partitions, and keeps what it has'(h) {
    const topic = await h.topic(2)
    const { admin } = h.port
    await h.write(topic, ['a'])
    await admin.createPartitions(topic, 4, { validateOnly: true })
    assert.equal((await h.port.describeTopic(topic))?.partitions, 2)
    await refuses('UNKNOWN_PARTITION', h.port.offsets(topic, 2, 'latest'))
    await admin.createPartitions(topic, 4)
    const writer = await h.port.openWriter()
    await append(writer, topic, ['b'], 3)
    await writer.close()
    assert.deepEqual(
      (await admin.describePartitions(topic)).map(({ endOffset }) => endOffset),
      [1, 0, 0, 1],
    )
    for (const count of [4, 1, 0, -1, 1.5, Infinity])
      await refuses('INVALID_ARGUMENT', admin.createPartitions(topic, count))
    await refuses('UNKNOWN_TOPIC', admin.createPartitions(h.name('none'), 2))
  },

  async 'after a crash: a topic has the partitions that were added'(h) {
    const topic = await h.topic()
    const id = (await h.port.describeTopic(topic))?.id
    await h.write(topic, ['a'])
    await h.port.admin.createPartitions(topic, 3)
    await h.crash()
    const found = await h.port.describeTopic(topic)
    assert.deepEqual([found?.partitions, found?.id], [3, id])
    assert.deepEqual(await h.values(topic), ['a'])
    assert.equal(await h.port.offsets(topic, 2, 'latest'), 0)
  },

  async 'a topic has the configs of its creation, and the defaults'(h) {
    const topic = h.name('topic')
    await h.port.createTopic(topic, {
      partitions: 1,
      configs: { 'cleanup.policy': 'compact', 'max.message.bytes': 5000 },
    })
    assert.deepEqual(await valueOf(h, topic, 'cleanup.policy'), ['compact', 'topic'])
    assert.deepEqual(await valueOf(h, topic, 'max.message.bytes'), ['5000', 'topic'])
    assert.deepEqual((await valueOf(h, topic, 'delete.retention.ms'))[0], '86400000')
    assert.equal((await h.port.describeTopic(topic))?.batchBytesMax, 5000)
  },

  async 'a topic with a config that does not exist, or a wrong value, is not created'(h) {
    const topic = h.name('topic')
    for (const configs of [{ 'retention.mss': 1 }, { 'retention.ms': 'week' }, { 'cleanup.policy': 'keep' }])
      await refuses('INVALID_CONFIG', h.port.createTopic(topic, { partitions: 1, configs }))
    assert.equal(await h.port.describeTopic(topic), undefined)
  },

  async 'changes hold at once: all of a call, or none'(h) {
    const topic = await h.topic()
    const { admin } = h.port
    const resource = resourceOf(topic)
    await admin.alterConfigs(resource, [
      set('max.message.bytes', 4000),
      { name: 'cleanup.policy', op: 'append', value: 'compact' },
    ])
    assert.deepEqual(await valueOf(h, topic, 'cleanup.policy'), ['delete,compact', 'topic'])
    assert.equal((await h.port.describeTopic(topic))?.batchBytesMax, 4000)
    await admin.alterConfigs(resource, [{ name: 'cleanup.policy', op: 'subtract', value: 'compact' }])
    const before = await admin.describeConfigs(resource)
    const wrong = [set('max.message.bytes', 3000), set('segment.bytes', 'large')]
    await refuses('INVALID_CONFIG', admin.alterConfigs(resource, wrong))
    await admin.alterConfigs(resource, [set('max.message.bytes', 2000)], { validateOnly: true })
    assert.deepEqual(await admin.describeConfigs(resource), before)
    await admin.alterConfigs(resource, [{ name: 'max.message.bytes', op: 'delete' }])
    assert.notEqual((await valueOf(h, topic, 'max.message.bytes'))[1], 'topic')
    await refuses('UNKNOWN_TOPIC', admin.alterConfigs(resourceOf(h.name('nowhere')), []))
  },

  async 'what a topic no longer takes is refused, and the next record is not'(h) {
    const topic = await h.topic()
    const writer = await h.port.openWriter()
    await append(writer, topic, ['x'.repeat(500)])
    await h.port.admin.alterConfigs(resourceOf(topic), [set('max.message.bytes', 200)])
    await refuses('RECORD_TOO_LARGE', append(writer, topic, ['y'.repeat(500)]))
    await append(writer, topic, ['small'])
    assert.deepEqual(await h.values(topic), ['x'.repeat(500), 'small'])
    await writer.close()
  },

  async 'records are deleted up to any offset, also inside a batch'(h) {
    const topic = await h.topic()
    const { admin } = h.port
    await h.write(topic, ['a', 'b', 'c'], { timestamp: 100 })
    await h.write(topic, ['d', 'e'], { timestamp: 200 })
    assert.equal(await admin.deleteRecords(topic, 0, 1), 1)
    assert.equal(await h.port.offsets(topic, 0, 'earliest'), 1)
    assert.equal(await h.port.offsets(topic, 0, { timestamp: 0 }), 1)
    assert.deepEqual(await h.values(topic, { from: 1 }), ['b', 'c', 'd', 'e'])
    await refuses('OFFSET_OUT_OF_RANGE', h.read(topic, { from: 0 }))
    assert.equal(await admin.deleteRecords(topic, 0, 0), 1)
    await refuses('OFFSET_OUT_OF_RANGE', admin.deleteRecords(topic, 0, 6))
    assert.equal(await admin.deleteRecords(topic, 0, 4), 4)
    assert.deepEqual(await h.values(topic, { from: 4 }), ['e'])
    assert.equal(await admin.deleteRecords(topic, 0, -1), 5)
    assert.deepEqual(await h.values(topic, { from: 5 }), [])
    assert.equal(await h.write(topic, ['f']), 5)
    assert.deepEqual(await h.values(topic, { from: 5 }), ['f'])
  },

  async 'records of a compacted topic are not deleted by offset'(h) {
    const topic = h.name('topic')
    await h.port.createTopic(topic, { partitions: 1, configs: { 'cleanup.policy': 'compact' } })
    await refuses('POLICY_VIOLATION', h.port.admin.deleteRecords(topic, 0, -1))
    await refuses('UNKNOWN_PARTITION', h.port.admin.deleteRecords(topic, 1, -1))
  },

  async 'the records of an open and of an aborted transaction can be deleted'(h) {
    const topic = await h.topic()
    const writer = await h.port.openWriter({ transactionalId: h.name('id') })
    await append(writer, topic, ['a', 'b'])
    await h.write(topic, ['plain'])
    assert.equal(await h.port.admin.deleteRecords(topic, 0, 1), 1)
    await writer.abort()
    await append(writer, topic, ['c'])
    await writer.commit()
    assert.equal(await h.port.offsets(topic, 0, 'latest'), 6)
    assert.deepEqual(await h.values(topic, { from: 1 }), ['plain', 'c'])
    await writer.close()
  },

  async 'after a crash: altered configs and deleted records are as they were acknowledged'(h) {
    const topic = await h.topic(2)
    await h.write(topic, ['a', 'b', 'c'])
    await h.port.admin.alterConfigs(resourceOf(topic), [set('max.message.bytes', 4000)])
    await h.port.admin.alterConfigs({ type: 'broker' }, [set('log.retention.ms', 9000)])
    await h.port.admin.deleteRecords(topic, 0, 2)
    await h.crash()
    assert.deepEqual(await valueOf(h, topic, 'max.message.bytes'), ['4000', 'topic'])
    assert.deepEqual(await valueOf(h, topic, 'retention.ms'), ['9000', 'broker'])
    assert.equal(await h.port.offsets(topic, 0, 'earliest'), 2)
    assert.deepEqual(await h.values(topic, { from: 2 }), ['c'])
  },

  async 'the defaults of all topics change for topics that do not set them'(h) {
    const [own, other] = [h.name('topic'), await h.topic()]
    await h.port.createTopic(own, { partitions: 1, configs: { 'retention.ms': 5000 } })
    const { admin } = h.port
    const broker: ConfigResource = { type: 'broker' }
    await admin.alterConfigs(broker, [set('log.retention.ms', 8000)])
    assert.deepEqual(await valueOf(h, own, 'retention.ms'), ['5000', 'topic'])
    assert.deepEqual(await valueOf(h, other, 'retention.ms'), ['8000', 'broker'])
    await refuses('INVALID_CONFIG', admin.alterConfigs(broker, [set('log.retention.hours', 1)]))
    await refuses('INVALID_CONFIG', admin.alterConfigs(broker, [set('retention.ms', 1)]))
    await admin.alterConfigs(broker, [{ name: 'log.retention.ms', op: 'delete' }])
    assert.notEqual((await valueOf(h, other, 'retention.ms'))[1], 'broker')
  },
}
