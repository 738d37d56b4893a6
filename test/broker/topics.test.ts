/** Topics over crashes, and internal topics that would otherwise grow without limit. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromUtf8, isMillraceError } from '../../src/base/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { batch } from '../../src/port/conformance/harness.ts'
import { SimulatedLog } from '../../src/broker/simulated-log.test-support.ts'

test('a topic that was being created or deleted at a crash exists completely or not at all', () =>
  forSeeds(400, async random => {
    const log = new SimulatedLog(random)
    const calm = await log.open()
    await calm.createTopic('old', { partitions: 2 })
    await calm.close()
    let created = false
    let deleted = false
    const port = await log.open(1 + random.int(80)).catch(() => undefined)
    try {
      await port?.createTopic('new', { partitions: 3, configs: { 'segment.bytes': 5000 } })
      created = port !== undefined
      await port?.deleteTopic('old')
      deleted = port !== undefined
    } catch {
      // The power is lost.
    }
    await port?.close().catch(() => undefined)
    const after = await log.crash()
    const found = (await after.listTopics()).map(({ name }) => name)
    if (created) assert(found.includes('new'))
    if (deleted) assert(!found.includes('old'))
    for (const name of found) {
      const { partitions } = (await after.describeTopic(name))!
      assert.equal(partitions, name === 'new' ? 3 : 2)
      const writer = await after.openWriter()
      for (let partition = 0; partition < partitions; partition += 1)
        await writer.append(name, partition, batch(['a']))
      await writer.close()
    }
    for (const name of ['old', 'new'].filter(each => !found.includes(each)))
      await after.createTopic(name, { partitions: 1 })
    await after.close()
  }))

test('without the metadata file topics are found by their partitions', async () => {
  const log = new SimulatedLog()
  const port = await log.open()
  await port.createTopic('kept', { partitions: 3 })
  await port.close()
  await log.disk.remove('/data/metadata.json')
  const again = await log.open()
  assert.deepEqual(
    (await again.listTopics()).map(({ name, partitions }) => [name, partitions]),
    [['kept', 3]],
  )
  await again.close()
})

test('an invalid metadata file is an error that says so', async () => {
  for (const text of ['', '{', '[]', '{"format":2}', '{"format":1,"nextProducerId":0,"topics":[{}]}']) {
    const log = new SimulatedLog()
    await (await log.open()).close()
    log.disk.setContent('/data/metadata.json', fromUtf8(text))
    await assert.rejects(log.open(), error => isMillraceError(error, 'DATA_DIR_UNREADABLE'))
  }
})

test('only the log itself can use internal topics', async () => {
  const log = new SimulatedLog()
  const port = await log.open()
  assert.deepEqual(await port.listTopics(), [])
  const internal = (await port.listTopics({ internal: true })).map(({ name }) => name).toSorted()
  assert.deepEqual(internal, ['__consumer_offsets', '__transaction_state'])
  const refused = (promise: Promise<unknown>): Promise<void> =>
    assert.rejects(promise, error => isMillraceError(error, 'INVALID_ARGUMENT'))
  for (const name of internal) {
    const writer = await port.openWriter()
    await refused(writer.append(name, 0, batch(['a'])))
    await refused(port.deleteTopic(name))
    await writer.close()
  }
  await port.close()
})

/**
 * Offsets, inside transactions or not, over clean restarts: they never go back, and the internal logs stay
 * short.
 */
for (const kind of ['plain', 'transactional'] as const)
  test(`committed offsets do not go back at a clean restart: ${kind}`, () =>
    forSeeds(40, async random => {
      const log = new SimulatedLog(random)
      await (await log.open()).createTopic('t', { partitions: 3 })
      await log.close()
      const last = new Map<number, number>()
      let offset = 0
      for (let restart = 0; restart < 4; restart += 1) {
        const port = await log.open()
        for (const [partition, expected] of last) {
          const [committed] = await port.committedOffsets('g', [{ topic: 't', partition }])
          assert.equal(committed?.offset, expected, `restart ${restart}`)
        }
        const writer = await port.openWriter({ transactionalId: 'w' })
        for (let n = random.int(60); n > 0; n -= 1) {
          const partition = random.int(3)
          offset += 1
          const offsets = [{ topic: 't', partition, offset, metadata: 'm'.repeat(random.int(100)) }]
          if (kind === 'plain') await port.commitOffsets({ group: 'g', offsets })
          else await writer.commit({ group: 'g', offsets })
          last.set(partition, offset)
        }
        for (const topic of ['__consumer_offsets', '__transaction_state']) {
          const start = await port.offsets(topic, 0, 'earliest', 'read_uncommitted')
          const end = await port.offsets(topic, 0, 'latest', 'read_uncommitted')
          assert(end - start < 300, `${topic} has ${end - start} records`)
        }
        await log.close()
      }
    }))

test('a full disk fails the transaction, holds up no other call, and is used again when there is room', async () => {
  const log = new SimulatedLog()
  const port = await log.open()
  await port.createTopic('t', { partitions: 1 })
  const writer = await port.openWriter({ transactionalId: 'id' })
  log.disk.capacityBytes = 60_000
  await assert.rejects(
    async () => {
      for (;;) await writer.append('t', 0, batch(['x'.repeat(1000)]))
    },
    error => isMillraceError(error, 'DISK_FULL') && error.retriable,
  )
  log.disk.capacityBytes = Number.POSITIVE_INFINITY
  await log.clock.advance(5000)
  await writer.close()
  const again = await port.openWriter({ transactionalId: 'id' })
  await again.append('t', 0, batch(['a']))
  await again.commit()
  await log.clock.advance(1)
  assert.equal(await port.offsets('t', 0, 'latest'), await port.offsets('t', 0, 'latest', 'read_uncommitted'))
  await again.close()
  await port.close()
})
