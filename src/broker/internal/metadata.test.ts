/**
 * metadata.json that is not what was written last: an older copy, one of 0.1.0, one with a changed bit; and
 * folders that are missing.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromUtf8, isMillraceError, seededRandom, utf8 } from '../../base/index.ts'
import { MetadataFile } from './metadata.ts'
import type { InProcessLog } from '../index.ts'
import { append } from '../../port/conformance/harness.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { forSeeds } from '../../../test/for-seeds.ts'
import { SimulatedLog, valuesIn } from '../simulated-log.test-support.ts'

const path = '/data/metadata.json'

async function write(port: InProcessLog, topic: string, partition: number, value: string): Promise<void> {
  const writer = await port.openWriter()
  await append(writer, topic, [value], partition)
  await writer.close()
}

/** A log that is closed cleanly, with a topic of four partitions, a record in each, and one of an app. */
async function filled(): Promise<SimulatedLog> {
  const log = new SimulatedLog()
  const port = await log.open()
  await port.createTopic('t', {
    partitions: 4,
    configs: { 'segment.bytes': 5000, 'retention.bytes': 1_000_000 },
  })
  await port.createTopic('app-count-changelog', { partitions: 1, app: 'app' })
  for (const partition of [0, 1, 2, 3]) await write(port, 't', partition, `${partition}`)
  await port.commitOffsets({ group: 'g', offsets: [{ topic: 't', partition: 2, offset: 1 }] })
  await log.close()
  return log
}

async function hasAll(port: InProcessLog): Promise<void> {
  for (const partition of [0, 1, 2, 3])
    assert.deepEqual(await valuesIn(port, 't', partition), [`${partition}`])
  assert.deepEqual((await port.describeTopic('t'))?.config, {
    partitions: 4,
    configs: { 'segment.bytes': '5000', 'retention.bytes': '1000000' },
  })
  assert.equal((await port.describeTopic('app-count-changelog'))?.config.app, 'app')
  assert.equal((await port.committedOffsets('g', [{ topic: 't', partition: 2 }]))[0]?.offset, 1)
}

test('every changed bit of metadata.json is noticed; moved away, as the message says, nothing is lost', async () => {
  const log = await filled()
  const content = log.disk.contentOf(path)!
  await forSeeds(200, async random => {
    const changed = Uint8Array.from(content)
    const at = random.int(changed.length)
    changed[at] = changed[at]! ^ (1 << random.int(8))
    log.disk.setContent(path, changed)
    await assert.rejects(log.open(), error => isMillraceError(error, 'DATA_DIR_UNREADABLE'))
  })
  const fewer = utf8(content).replace('"partitions": 4', '"partitions": 2')
  log.disk.setContent(path, fromUtf8(fewer))
  await assert.rejects(log.open(), error => isMillraceError(error, 'DATA_DIR_UNREADABLE'))
  await log.disk.remove(path)
  await hasAll(await log.open())
  await log.close()
})

test('an older copy: topics made since are found again, as they were', async () => {
  const log = new SimulatedLog()
  await log.open()
  await log.close()
  const older = log.disk.contentOf(path)!
  const port = await log.open()
  await port.createTopic('t', {
    partitions: 4,
    configs: { 'segment.bytes': 5000, 'retention.bytes': 1_000_000 },
  })
  await port.createTopic('app-count-changelog', { partitions: 1, app: 'app' })
  for (const partition of [0, 1, 2, 3]) await write(port, 't', partition, `${partition}`)
  await port.commitOffsets({ group: 'g', offsets: [{ topic: 't', partition: 2, offset: 1 }] })
  const id = (await port.describeTopic('t'))?.id
  await log.close()
  log.disk.setContent(path, older)
  const again = await log.open()
  assert.equal((await again.describeTopic('t'))?.id, id)
  await hasAll(again)
  await log.close()
})

test('an older copy: a topic that was made again since is the later one', async () => {
  const log = await filled()
  const older = log.disk.contentOf(path)!
  const port = await log.open()
  await port.deleteTopic('t')
  await port.createTopic('t', { partitions: 2 })
  await write(port, 't', 1, 'later')
  await log.close()
  log.disk.setContent(path, older)
  const again = await log.open()
  assert.equal((await again.describeTopic('t'))?.partitions, 2)
  assert.deepEqual(await valuesIn(again, 't', 1), ['later'])
  assert.deepEqual(await again.committedOffsets('g', [{ topic: 't', partition: 1 }]), [undefined])
  await log.close()
})

test('an older copy: no producer id is given out that a partition has seen', async () => {
  const log = await filled()
  const older = log.disk.contentOf(path)!
  const port = await log.open()
  for (let n = 0; n < 5; n += 1) await write(port, 't', 0, `later ${n}`)
  await log.close()
  log.disk.setContent(path, older)
  const again = await log.open()
  for (const value of ['acknowledged 1', 'acknowledged 2']) await write(again, 't', 0, value)
  assert.deepEqual((await valuesIn(again, 't')).slice(-2), ['acknowledged 1', 'acknowledged 2'])
  await log.close()
})

test('a folder that is missing breaks its topic, and no other; deleting the topic is the way out', async () => {
  const log = await filled()
  await log.disk.remove('/data/t-2')
  const port = await log.open()
  const refused = (error: unknown): boolean =>
    isMillraceError(error, 'PARTITION_DAMAGED') && error.message.includes('t-2')
  await assert.rejects(port.offsets('t', 2, 'latest'), refused)
  await assert.rejects(write(port, 't', 1, 'x'), refused)
  await port.createTopic('other', { partitions: 1 })
  await write(port, 'other', 0, 'a')
  assert.deepEqual(await valuesIn(port, 'other'), ['a'])
  await port.deleteTopic('t')
  await port.createTopic('t', { partitions: 1 })
  await write(port, 't', 0, 'new')
  await log.close()
  assert.deepEqual(await valuesIn(await log.open(), 't'), ['new'])
  await log.close()
})

test('what 0.1.0 wrote is read: its topics are there, and a count that the folders deny is refused', async () => {
  for (const [partitions, isRefused] of [
    [4, false],
    [2, true],
  ] as const) {
    const log = new SimulatedLog()
    const port = await log.open()
    await port.createTopic('t', { partitions: 4 })
    for (const partition of [0, 1, 2, 3]) await write(port, 't', partition, `${partition}`)
    await log.close()
    // 0.1.0 let no partition vouch for its topic, and its metadata proved nothing.
    for (const partition of [0, 1, 2, 3])
      log.disk.setContent(`/data/t-${partition}/config.json`, fromUtf8('{}\n'))
    const topics = ['__consumer_offsets', '__transaction_state', 't'].map((name, index) => ({
      name,
      id: `${index}`.repeat(21) + 'A',
      partitions: name === 't' ? partitions : 1,
      ...(name === 't' ? {} : { internal: true }),
    }))
    for (const name of ['__consumer_offsets', '__transaction_state'])
      log.disk.setContent(`/data/${name}-0/config.json`, fromUtf8('{}\n'))
    log.disk.setContent(path, fromUtf8(JSON.stringify({ format: 1, nextProducerId: 1000, topics })))
    let again = await log.open()
    if (isRefused) {
      const refused = (error: unknown): boolean =>
        isMillraceError(error, 'PARTITION_DAMAGED') && error.message.includes('move it away')
      await assert.rejects(again.offsets('t', 0, 'latest'), refused)
      await log.close()
      await log.disk.remove(path)
      again = await log.open()
    }
    for (const partition of [0, 1, 2, 3])
      assert.deepEqual(await valuesIn(again, 't', partition), [`${partition}`])
    await log.close()
    // From now on the partitions vouch.
    await log.disk.remove('/data/t-3')
    await assert.rejects((await log.open()).offsets('t', 0, 'latest'), error =>
      isMillraceError(error, 'PARTITION_DAMAGED'),
    )
    await log.close()
  }
})

test('an update that fails changes nothing in memory', async () => {
  const disk = new SimulatedDisk({ random: seededRandom(1) })
  await disk.makeDirectory('/data')
  const metadata = await MetadataFile.open(disk, '/data')
  await metadata.update(current => ({ ...current, nextProducerId: 5 }))
  for (let call = 1; ; call += 1) {
    disk.failCall({ call, kind: 'ENOSPC', times: 'once' })
    const failed = await metadata
      .update(current => ({ ...current, nextProducerId: 6 }))
      .then(
        () => false,
        () => true,
      )
    disk.clearFailures()
    assert.equal(metadata.current.nextProducerId, failed ? 5 : 6)
    if (!failed) break
  }
  assert.equal((await MetadataFile.open(disk, '/data')).current.nextProducerId, 6)
})
