/**
 * An internal log of the broker that is damaged, repaired or lost: the rest of the log works, and every loss
 * is reported.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError } from '../../src/base/index.ts'
import { repairPartition } from '../../src/log/index.ts'
import { append } from '../../src/port/conformance/harness.ts'
import { SimulatedLog, valuesIn } from '../../src/broker/simulated-log.test-support.ts'

const place = { topic: 't', partition: 0 }
/** A batch with one marker. */
const markerBytes = 78

function says(...words: string[]): (error: unknown) => boolean {
  return error =>
    isMillraceError(error, 'PARTITION_DAMAGED') && words.every(word => error.message.includes(word))
}

/** Commits, closes cleanly, and flips a byte in the middle of the longest segment of an internal topic. */
async function damaged(topic: string): Promise<SimulatedLog> {
  const log = new SimulatedLog()
  const port = await log.open()
  await port.createTopic('t', { partitions: 1 })
  const writer = await port.openWriter({ transactionalId: 'id' })
  for (let offset = 1; offset <= 20; offset += 1) {
    await append(writer, 't', [`${offset}`])
    for (const group of ['g', 'h', 'app']) await writer.commit({ group, offsets: [{ ...place, offset }] })
  }
  await log.close()
  const folder = `/data/${topic}-0`
  const files = (await log.disk.list(folder)).filter(name => name.endsWith('.log'))
  const contents = files.map(name => ({
    path: `${folder}/${name}`,
    bytes: log.disk.contentOf(`${folder}/${name}`)!,
  }))
  const { path, bytes } = contents.toSorted((a, b) => b.bytes.length - a.bytes.length)[0]!
  const changed = Uint8Array.from(bytes)
  const middle = changed.length >> 1
  changed[middle] = changed[middle]! ^ 4
  log.disk.setContent(path, changed)
  return log
}

test('with damaged offsets the log opens, and only calls that need offsets are refused', async () => {
  const log = await damaged('__consumer_offsets')
  const port = await log.open()
  assert.equal((await valuesIn(port, 't')).length, 20)
  const refused = says('__consumer_offsets', 'repair')
  await assert.rejects(port.committedOffsets('g', [place]), refused)
  await assert.rejects(port.commitOffsets({ group: 'g', offsets: [{ ...place, offset: 1 }] }), refused)
  const writer = await port.openWriter({ transactionalId: 'id' })
  await append(writer, 't', ['more'])
  await assert.rejects(writer.commit({ group: 'g', offsets: [{ ...place, offset: 1 }] }), refused)
  const other = await port.openWriter({ transactionalId: 'id' })
  await append(other, 't', ['more'])
  await other.commit()
  await port.createTopic('u', { partitions: 1 })
  await port.deleteTopic('u')
  await log.close()
})

test('with damaged offsets an app is deleted later: the log opens, and says so when asked again', async () => {
  const log = await damaged('__consumer_offsets')
  const port = await log.open()
  await port.createTopic('app-x-changelog', { partitions: 1, app: 'app' })
  const refused = says('__consumer_offsets', 'repair')
  await assert.rejects(port.deleteApp('app'), refused)
  await log.close()
  const again = await log.open()
  assert.equal((await valuesIn(again, 't')).length, 20)
  await assert.rejects(again.deleteApp('app'), refused)
  await log.close()
})

test('after a repair or loss of offsets each group is refused until its offsets are set', async () => {
  for (const how of ['repaired', 'lost'] as const) {
    const log = await damaged('__consumer_offsets')
    if (how === 'repaired') {
      const { cut } = await repairPartition('/data', '__consumer_offsets', 0, {
        disk: log.disk,
        clock: log.clock,
      })
      assert(cut)
    } else await log.disk.remove('/data/__consumer_offsets-0')
    for (const restart of [1, 2]) {
      const port = await log.open()
      for (const group of ['g', 'h', 'app', 'unknown'])
        await assert.rejects(
          port.committedOffsets(group, [place]),
          says(group, 'setOffsets'),
          `${how} ${restart}`,
        )
      await log.close()
    }
    const port = await log.open()
    await port.setOffsets('g', [{ ...place, offset: 20 }])
    await port.setOffsets('h', [])
    await port.deleteApp('app')
    await log.close()
    const again = await log.open()
    assert.equal((await again.committedOffsets('g', [place]))[0]?.offset, 20)
    for (const group of ['h', 'app'])
      assert.deepEqual(await again.committedOffsets(group, [place]), [undefined])
    await assert.rejects(again.committedOffsets('unknown', [place]), says('unknown'))
    const writer = await again.openWriter({ transactionalId: 'id' })
    await append(writer, 't', ['more'])
    await writer.commit({ group: 'g', offsets: [{ ...place, offset: 21 }] })
    assert.equal((await again.committedOffsets('g', [place]))[0]?.offset, 21)
    await log.close()
  }
})

test('offsets that are lost twice, or restored and cut at the same offset again: each group is refused each time', async () => {
  for (const how of ['cut', 'lost'] as const) {
    const log = await damaged('__consumer_offsets')
    const folder = '/data/__consumer_offsets-0'
    const names = await log.disk.list(folder)
    const paths = ['/data/recovery-point-offset-checkpoint', ...names.map(name => `${folder}/${name}`)]
    const backup = paths.map(path => [path, log.disk.contentOf(path)!] as const)
    const lose = async (): Promise<void> => {
      await log.disk.remove(folder)
      if (how === 'lost') return
      for (const [path, bytes] of backup) log.disk.setContent(path, bytes)
      const { cut } = await repairPartition('/data', '__consumer_offsets', 0, {
        disk: log.disk,
        clock: log.clock,
      })
      assert(cut)
    }
    for (let loss = 1; loss <= 2; loss += 1) {
      await lose()
      const port = await log.open()
      await assert.rejects(port.committedOffsets('g', [place]), says('setOffsets'), `${how} ${loss}`)
      await port.setOffsets('g', [])
      assert.deepEqual(await port.committedOffsets('g', [place]), [undefined])
      await log.close()
      await log.clock.advance(1)
    }
  }
})

test('offsets of a committed transaction that recovery cuts off are missed, and each group is refused', async () => {
  const log = new SimulatedLog(undefined, { log: { internal: {} } })
  const port = await log.open(Infinity, 'kill')
  await port.createTopic('t', { partitions: 1 })
  const writer = await port.openWriter({ transactionalId: 'id' })
  for (let offset = 1; offset <= 3; offset += 1) {
    await append(writer, 't', [`${offset}`])
    await writer.commit({ group: 'g', offsets: [{ ...place, offset }] })
  }
  await port.offsets('t', 0, 'latest')
  log.end()
  const path = '/data/__consumer_offsets-0/00000000000000000000.log'
  const changed = Uint8Array.from(log.disk.contentOf(path)!)
  // The last commit: its offset precedes the marker.
  const at = changed.length - markerBytes - 10
  changed[at] = changed[at]! ^ 4
  log.disk.setContent(path, changed)
  for (let start = 0; start < 2; start += 1) {
    const again = await log.open()
    await assert.rejects(again.committedOffsets('g', [place]), says('__consumer_offsets', 'setOffsets'))
    assert.deepEqual(await valuesIn(again, 't'), ['1', '2', '3'])
    await log.close()
  }
  const again = await log.open()
  await again.setOffsets('g', [{ ...place, offset: 3 }])
  assert.equal((await again.committedOffsets('g', [place]))[0]?.offset, 3)
  await log.close()
})

test('with a damaged, repaired or lost transaction log transactions are refused, then continue', async () => {
  for (const how of ['repaired', 'lost'] as const) {
    const log = await damaged('__transaction_state')
    const port = await log.open()
    assert.equal((await valuesIn(port, 't')).length, 20)
    await assert.rejects(port.openWriter({ transactionalId: 'id' }), says('__transaction_state', 'repair'))
    const plain = await port.openWriter()
    await append(plain, 't', ['plain'])
    await log.close()
    if (how === 'repaired')
      await repairPartition('/data', '__transaction_state', 0, { disk: log.disk, clock: log.clock })
    else await log.disk.remove('/data/__transaction_state-0')
    const again = await log.open()
    const writer = await again.openWriter({ transactionalId: 'id' })
    await append(writer, 't', ['more'])
    await writer.commit({ group: 'g', offsets: [{ ...place, offset: 21 }] })
    await again.offsets('t', 0, 'latest')
    assert.deepEqual((await valuesIn(again, 't')).slice(-2), ['plain', 'more'])
    assert.equal((await again.committedOffsets('g', [place]))[0]?.offset, 21)
    await log.close()
  }
})
