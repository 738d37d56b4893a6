/** What a program without types gets wrong. */
import assert from 'node:assert/strict'
import { isMillraceError } from '../../base/index.ts'
import { append, refuses } from './harness.ts'
import type { Cases } from './index.ts'

/** A part of a port, as a program in JavaScript calls it. */
type Untyped = Record<string, (...given: unknown[]) => unknown>

/** A method, and what it is called with. */
type WrongCall = readonly [Untyped, string, ...unknown[]]

/** Each call is refused for its arguments. */
async function refusesAll(calls: readonly WrongCall[]): Promise<void> {
  for (const [on, call, ...given] of calls) {
    const made = async (): Promise<unknown> => on[call]!(...given)
    await refuses(
      'INVALID_ARGUMENT',
      made().catch(error => {
        if (isMillraceError(error)) throw error
        throw new Error(`${call}(${JSON.stringify(given)})`, { cause: error })
      }),
    )
  }
}

export const argumentCases: Cases = {
  async 'what a program without types gets wrong is refused, and changes nothing'(h) {
    const { port } = h
    const topic = await h.topic()
    const resource = { type: 'topic', name: topic } as const
    const group = h.name('group')
    const at = { topic, partition: 0, offset: 0 }
    await port.commitOffsets({ group, offsets: [at] })
    const any = port as unknown as Untyped
    const admin = port.admin as unknown as Untyped
    const policy = { name: 'cleanup.policy', value: 'compact' }
    const before = await port.admin.describeConfigs(resource)
    const wrong: readonly WrongCall[] = [
      [admin, 'describeConfigs', null],
      [admin, 'describeConfigs', { type: 'group', name: topic }],
      [admin, 'describeConfigs', { type: 'Topic', name: topic }],
      [admin, 'describeConfigs', { type: 'topic' }],
      [admin, 'describeConfigs', resource, 'retention.ms'],
      [admin, 'alterConfigs', null, []],
      [admin, 'alterConfigs', { type: 'group', name: topic }, []],
      [admin, 'alterConfigs', resource, null],
      [admin, 'alterConfigs', resource, [null]],
      [admin, 'alterConfigs', resource, [{}]],
      [admin, 'alterConfigs', resource, [policy]],
      [admin, 'alterConfigs', resource, [{ ...policy, op: 'add' }]],
      [admin, 'alterConfigs', resource, [{ ...policy, op: 'SET' }]],
      [admin, 'alterConfigs', resource, [{ ...policy, op: 'set' }], { validateOnly: 'yes' }],
      [admin, 'createPartitions', null, 3],
      [admin, 'createPartitions', topic, '3'],
      [admin, 'createPartitions', topic, 3, { validateOnly: 'yes' }],
      [admin, 'deleteRecords', topic, 0, -1, null],
      [admin, 'deleteRecords', null, 0, -1],
      [admin, 'deleteRecords', topic, '0', -1],
      [admin, 'describePartitions', undefined],
      [admin, 'describeGroup', undefined],
      [admin, 'deleteGroup', null],
      [admin, 'deleteOffsets', undefined, [at]],
      [admin, 'openTransactions', null],
      [admin, 'deleteOffsets', group, undefined],
      [admin, 'deleteOffsets', group, [null]],
      [admin, 'abortTransaction', undefined],
      [admin, 'abortTransaction', {}],
      [admin, 'abortTransaction', { transactionalId: 5 }],
      [any, 'createTopic', h.name('topic'), null],
      [any, 'createTopic', h.name('topic'), { partitions: 1, configs: null }],
      [any, 'createTopic', h.name('topic'), { partitions: 1, replicationFactor: 3 }],
      ...[Number.NaN, 'x', undefined, 1.5].map((timestamp): WrongCall => [
        any,
        'offsets',
        topic,
        0,
        { timestamp },
      ]),
      [any, 'createTopic', undefined, { partitions: 1 }],
      [any, 'describeTopic', undefined],
      [any, 'listTopics', null],
      [any, 'listTopics', { internal: 'yes' }],
      [any, 'listTopics', { intern: true }],
      [any, 'deleteTopic', undefined],
      [any, 'deleteTopic', h.name('none'), null],
      [any, 'deleteTopic', h.name('none'), { owner: 'app' }],
      [any, 'offsets', undefined, 0, 'latest'],
      [any, 'offsets', topic, undefined, 'latest'],
      [any, 'offsets', topic, '0', 'latest'],
      [any, 'offsets', topic, 0, 'foo'],
      [any, 'offsets', topic, 0, undefined],
      [any, 'offsets', topic, 0, 'latest', 'committed'],
      [any, 'openReader', { isolation: 'none' }],
      [any, 'openReader', { fetchBytes: 0 }],
      [any, 'openWriter', { transactionalId: 5 }],
      [any, 'openWriter', { transactionalId: '' }],
      [any, 'openWriter', { transactionalID: 'a' }],
      [any, 'committedOffsets', group, undefined],
      [any, 'committedOffsets', undefined, [at]],
      [any, 'lock', undefined, 'holder'],
      [any, 'lock', h.name('lock'), undefined],
      [any, 'commitOffsets', null],
      [any, 'commitOffsets', { group }],
      [any, 'commitOffsets', { group, offsets: [null] }],
      [any, 'commitOffsets', { group: 5, offsets: [at] }],
      ...['a', 2 ** 40, 0.5].map((leaderEpoch): WrongCall => [
        any,
        'commitOffsets',
        { group, offsets: [{ ...at, offset: 1, leaderEpoch }] },
      ]),
      [any, 'commitOffsets', { group, offsets: [{ ...at, offset: 1, metadata: 5 }] }],
      [any, 'setOffsets', undefined, []],
      [any, 'setOffsets', undefined, [at]],
      [any, 'setOffsets', group, null],
    ]
    await refusesAll(wrong)
    assert.deepEqual(await port.admin.describeConfigs(resource), before)
    assert.deepEqual(await port.committedOffsets(group, [at]), [at])
  },

  async 'what a program without types asks of a reader or writer is refused, and they continue'(h) {
    const topic = await h.topic()
    const reader = await h.port.openReader()
    const reading = reader as unknown as Untyped
    await refusesAll([
      [reading, 'assign', undefined],
      [reading, 'assign', [null]],
      [reading, 'assign', [{ partition: 0, offset: 0 }]],
      [reading, 'assign', [{ topic, partition: '0', offset: 0 }]],
      [reading, 'assign', [{ topic, partition: 0 }]],
      [reading, 'assign', [{ topic, partition: 0, offset: '0' }]],
      [reading, 'take', topic, 0],
      [reading, 'atEnd', topic, 0],
      [reading, 'position', topic, 0],
      [reading, 'end', topic, 0],
    ])
    for (const transactionalId of [undefined, h.name('id')]) {
      const writer = await h.port.openWriter(transactionalId === undefined ? {} : { transactionalId })
      const writing = writer as unknown as Untyped
      await refusesAll([
        [writing, 'append', topic, 0, undefined],
        [writing, 'append', topic, 0, {}],
        [writing, 'append', topic, 0, { count: '1', build: () => new Uint8Array(100) }],
      ])
      if (transactionalId !== undefined) await writer.abort()
      await append(writer, topic, ['a'])
      if (transactionalId !== undefined) {
        await refusesAll([
          [writing, 'commit', null],
          [writing, 'commit', { group: h.name('group') }],
        ])
        await writer.commit()
      }
      await writer.close()
    }
    reader.assign([{ topic, partition: 0, offset: 0 }])
    await h.port.offsets(topic, 0, 'latest')
    assert.deepEqual(await h.values(topic), ['a', 'a'])
    await reader.close()
  },

  async 'what a program without types says of a member is refused, and it does not join'(h) {
    const topic = await h.topic()
    const group = h.name('group')
    const hooks = { onAssigned: () => undefined, onRevoked: () => undefined, onLost: () => undefined }
    const valid = { ...hooks, group, topics: [[topic]] }
    const any = h.port as unknown as Untyped
    const wrong: readonly Record<string, unknown>[] = [
      { group: undefined },
      { group: 5 },
      { topics: undefined },
      { topics: topic },
      { topics: [topic] },
      { topics: [[5]] },
      { protocol: 'none' },
      { assignors: 'range' },
      { assignors: ['sticky'] },
      { instanceId: 5 },
      { instanceId: null },
      { instanceId: '' },
      { instanceId: '.' },
      { instanceId: 'a b' },
      { instanceId: 'x'.repeat(250) },
      { sessionTimeoutMs: '10s' },
      { rebalanceTimeoutMs: null },
      { onAssigned: undefined },
      { onRevoked: 'no' },
      { onLost: undefined },
      { busy: true },
      { signal: {} },
      { sessionTimeout: 10_000 },
    ]
    await refusesAll([
      [any, 'joinGroup', undefined],
      ...wrong.map((each): WrongCall => [any, 'joinGroup', { ...valid, ...each }]),
    ])
    assert.equal(await h.port.admin.describeGroup(group), undefined)
    const member = await h.port.joinGroup(valid)
    await refusesAll([[member as unknown as Untyped, 'commit', undefined]])
    await member.leave()
  },
}
