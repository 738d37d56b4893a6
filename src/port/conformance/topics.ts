/** Topics, positions and locks. */
import assert from 'node:assert/strict'
import type { Isolation } from '../log-port.ts'
import { append, batch, refuses } from './harness.ts'
import type { Cases } from './index.ts'

export const topicCases: Cases = {
  async 'many appends that are not awaited keep the order in which their writer called them'(h) {
    const topic = await h.topic()
    const writers = await Promise.all([h.port.openWriter(), h.port.openWriter()])
    const values = Array.from({ length: 200 }, (_, n) => `${n % 2} ${n}`)
    const appended = await Promise.all(values.map((value, n) => append(writers[n % 2]!, topic, [value])))
    const shown = await h.values(topic)
    assert.deepEqual(
      appended.map(offset => shown[offset]),
      values,
    )
    for (const by of ['0', '1']) {
      const ofOne = (value: string): boolean => value.startsWith(by)
      assert.deepEqual(shown.filter(ofOne), values.filter(ofOne))
    }
    for (const writer of writers) await writer.close()
  },

  async 'a topic is created, described, listed and deleted'(h) {
    const name = h.name('topic')
    assert.equal(await h.port.describeTopic(name), undefined)
    await h.port.createTopic(name, { partitions: 3 })
    const { partitions, internal } = (await h.port.describeTopic(name))!
    assert.deepEqual({ partitions, internal }, { partitions: 3, internal: false })
    assert((await h.port.listTopics()).some(topic => topic.name === name))
    await h.port.deleteTopic(name)
    assert.equal(await h.port.describeTopic(name), undefined)
    assert(!(await h.port.listTopics()).some(topic => topic.name === name))
  },

  async 'of names that differ only in dots, one is created, also of two at once'(h) {
    const name = h.name('topic')
    const [dot, line] = [`${name}.x`, `${name}_x`]
    const created = await Promise.allSettled(
      [dot, line].map(each => h.port.createTopic(each, { partitions: 1 })),
    )
    assert.deepEqual(
      created.map(({ status }) => status),
      ['fulfilled', 'rejected'],
    )
    await refuses('INVALID_ARGUMENT', h.port.createTopic(line, { partitions: 1 }))
    await h.port.deleteTopic(dot)
    await h.port.createTopic(line, { partitions: 1 })
  },

  async 'a topic is created once'(h) {
    const name = await h.topic()
    await refuses('TOPIC_EXISTS', h.port.createTopic(name, { partitions: 1 }))
    const other = h.name('topic')
    const results = await Promise.allSettled(
      [1, 1].map(partitions => h.port.createTopic(other, { partitions })),
    )
    assert.deepEqual(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected'])
  },

  async 'names and counts that Kafka refuses are refused'(h) {
    for (const name of ['', '.', '..', 'a b', 'a/b', 'ä', 'x'.repeat(250)])
      await refuses('INVALID_ARGUMENT', h.port.createTopic(name, { partitions: 1 }))
    for (const partitions of [0, -2, 1.5])
      await refuses('INVALID_ARGUMENT', h.port.createTopic(h.name('topic'), { partitions }))
  },

  async 'a missing topic or partition is reported'(h) {
    const name = h.name('nowhere')
    await refuses('UNKNOWN_TOPIC', h.port.offsets(name, 0, 'latest'))
    await refuses('UNKNOWN_TOPIC', h.write(name, ['a']))
    await refuses('UNKNOWN_TOPIC', h.read(name))
    await refuses('UNKNOWN_TOPIC', h.port.deleteTopic(name))
    const hooks = { onAssigned: () => undefined, onRevoked: () => undefined, onLost: () => undefined }
    await refuses('UNKNOWN_TOPIC', h.port.joinGroup({ group: h.name('group'), topics: [[name]], ...hooks }))
    const topic = await h.topic(2)
    await refuses('UNKNOWN_PARTITION', h.port.offsets(topic, 2, 'latest'))
    await refuses('UNKNOWN_PARTITION', h.write(topic, ['a'], { partition: 2 }))
    await refuses('UNKNOWN_PARTITION', h.read(topic, { partition: 2 }))
  },

  async 'a topic of a deleted name starts from scratch, and so do the offsets of its groups'(h) {
    const topic = await h.topic()
    const group = h.name('group')
    await h.write(topic, ['old'])
    await h.port.commitOffsets({ group, offsets: [{ topic, partition: 0, offset: 1 }] })
    const id = (await h.port.describeTopic(topic))?.id
    await h.port.deleteTopic(topic)
    await h.port.createTopic(topic, { partitions: 1 })
    assert.notEqual((await h.port.describeTopic(topic))?.id, id)
    assert.deepEqual(await h.values(topic), [])
    assert.equal(await h.committed(group, topic), undefined)
    assert.equal(await h.write(topic, ['new']), 0)
  },

  async 'a reader of a topic that is deleted learns of it'(h) {
    const topic = await h.topic()
    const reader = await h.port.openReader()
    reader.assign([{ topic, partition: 0, offset: 0 }])
    await h.port.deleteTopic(topic)
    await assert.rejects(async () => {
      for (;;) {
        reader.take(topic, 0)
        await reader.wait(10_000)
      }
    })
    await reader.close()
  },

  async 'positions: the ends, and the first record at or after a time'(h) {
    const topic = await h.topic()
    assert.equal(await h.port.offsets(topic, 0, 'earliest'), 0)
    assert.equal(await h.port.offsets(topic, 0, 'latest'), 0)
    await h.write(topic, ['a', 'b', 'c'], { timestamp: 1000 })
    await h.write(topic, ['d', 'e'], { timestamp: 2000 })
    const cases: [number, number][] = [
      [0, 0],
      [1000, 0],
      [1001, 1],
      [1500, 3],
      [2001, 4],
      [2002, 5],
    ]
    for (const [timestamp, offset] of cases)
      assert.equal(await h.port.offsets(topic, 0, { timestamp }), offset, `at ${timestamp}`)
    assert.equal(await h.port.offsets(topic, 0, 'latest'), 5)
  },

  async 'the first record with the largest timestamp, of those that are readable'(h) {
    const topic = await h.topic()
    const largest = (isolation?: Isolation): Promise<number> =>
      h.port.offsets(topic, 0, 'max-timestamp', isolation)
    assert.equal(await largest(), 0)
    await h.write(topic, ['a', 'b'], { timestamp: 1000 })
    assert.equal(await largest(), 1)
    await h.write(topic, ['c', 'd'], { timestamp: 900 })
    await h.write(topic, ['e'], { timestamp: 1001 })
    // The first of those that have it.
    assert.equal(await largest(), 1)
    const writer = await h.port.openWriter({ transactionalId: h.name('id') })
    await writer.append(topic, 0, batch(['f'], 5000))
    assert.equal(await largest(), 1)
    await writer.commit()
    assert.equal(await largest(), 5)
    await writer.close()
  },

  async 'a topic of an app is hidden, the app alone writes it, and it goes with the app'(h) {
    const app = h.name('app')
    const topic = `${app}-count-changelog`
    await h.port.createTopic(topic, { partitions: 2, app })
    assert.equal((await h.port.describeTopic(topic))?.internal, true)
    assert.equal((await h.port.describeTopic(topic))?.config.app, app)
    const names = async (internal: boolean): Promise<string[]> =>
      (await h.port.listTopics({ internal })).map(({ name }) => name)
    assert(!(await names(false)).includes(topic))
    assert((await names(true)).includes(topic))
    await refuses('INVALID_ARGUMENT', h.write(topic, ['a']))
    await refuses('INVALID_ARGUMENT', h.port.deleteTopic(topic))
    await refuses('INVALID_ARGUMENT', h.port.deleteTopic(topic, { app: `${app}-other` }))
    for (const transactionalId of [undefined, `${app}-0`]) {
      const writer = await h.port.openWriter({ app, ...(transactionalId ? { transactionalId } : {}) })
      await append(writer, topic, ['mine'])
      if (transactionalId) await writer.commit()
      await writer.close()
    }
    await h.port.offsets(topic, 0, 'latest')
    assert.deepEqual(await h.values(topic), ['mine', 'mine'])
    await h.port.deleteTopic(topic, { app })
    assert.equal(await h.port.describeTopic(topic), undefined)
  },

  async 'only topics that were made for an app are its: a name like theirs makes none'(h) {
    const app = h.name('app')
    const mine = [`${app}-customers-changelog`, `${app}-invoices-repartition`]
    for (const name of mine) await h.port.createTopic(name, { partitions: 1 })
    await append(await h.port.openWriter(), mine[0]!, ['a'])
    assert.equal(await h.port.deleteApp(app), false)
    await h.port.commitOffsets({ group: app, offsets: [{ topic: mine[0]!, partition: 0, offset: 1 }] })
    await refuses('TOPIC_EXISTS', h.port.createTopic(mine[0]!, { partitions: 1, app }))
    await h.port.admin.deleteGroup(app)
    assert.deepEqual(await h.values(mine[0]!), ['a'])
    assert.equal((await h.port.describeTopic(mine[1]!))?.config.app, undefined)
  },

  async 'the name of an app to delete must be a text'(h) {
    const topic = await h.topic()
    for (const name of [undefined, null, 5])
      await refuses('INVALID_ARGUMENT', h.port.deleteApp(name as never))
    assert.ok(await h.port.describeTopic(topic))
  },

  async 'a deleted app has no topics, offsets and transactional ids; another one keeps its own'(h) {
    const app = h.name('app')
    const other = `${app}-jobs`
    const input = await h.topic()
    const output = await h.topic()
    for (const each of [app, other]) {
      await h.port.createTopic(`${each}-count-changelog`, { partitions: 1, app: each })
      const writer = await h.port.openWriter({ transactionalId: `${each}-0`, app: each })
      await append(writer, output, [each])
      await append(writer, `${each}-count-changelog`, ['state'])
      await writer.commit({ group: each, offsets: [{ topic: input, partition: 0, offset: 1 }] })
      if (each === app) await refuses('GROUP_NOT_EMPTY', h.port.deleteApp(app))
      await writer.close()
    }
    assert.equal(await h.port.deleteApp(app), true)
    assert.equal(await h.port.deleteApp(app), false)
    assert.equal(await h.port.describeTopic(`${app}-count-changelog`), undefined)
    assert.equal(await h.committed(app, input), undefined)
    assert.deepEqual(await h.values(output), [app, other])
    assert.deepEqual(await h.values(`${other}-count-changelog`), ['state'])
    assert.equal(await h.committed(other, input), 1)
    // It starts from scratch.
    await h.port.createTopic(`${app}-count-changelog`, { partitions: 3, app })
    const writer = await h.port.openWriter({ transactionalId: `${app}-0`, app })
    await append(writer, `${app}-count-changelog`, ['again'])
    await writer.commit()
    await writer.close()
    await h.port.offsets(`${app}-count-changelog`, 0, 'latest')
    assert.deepEqual(await h.values(`${app}-count-changelog`), ['again'])
  },

  async 'a lock has one holder'(h) {
    const name = h.name('app')
    const lock = await h.port.lock(name, 'first')
    await refuses('APP_ALREADY_RUNNING', h.port.lock(name, 'second'))
    await lock.release()
    const again = await h.port.lock(name, 'second')
    await lock.release()
    await refuses('APP_ALREADY_RUNNING', h.port.lock(name, 'third'))
    await again.release()
  },

  async 'after a crash topics and acknowledged records are there'(h) {
    const topic = await h.topic(2)
    await h.write(topic, ['a', 'b'], { partition: 1 })
    await h.crash()
    assert.equal((await h.port.describeTopic(topic))?.partitions, 2)
    assert.deepEqual(await h.values(topic, { partition: 1 }), ['a', 'b'])
    await h.write(topic, ['c'], { partition: 1 })
    assert.deepEqual(await h.values(topic, { partition: 1 }), ['a', 'b', 'c'])
  },
}
