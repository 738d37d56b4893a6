/**
 * Creations, growths and deletions of topics that fail, or whose process ends, at any call to the disk: they
 * are done completely, or not at all.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError, seededRandom } from '../../src/base/index.ts'
import { readFile } from '../../src/log/index.ts'
import type { InProcessLog } from '../../src/broker/index.ts'
import { append, batch } from '../../src/port/conformance/harness.ts'
import { isCode } from '../is-code.ts'
import { scale } from '../scale.ts'
import { SimulatedLog, valuesIn } from '../../src/broker/simulated-log.test-support.ts'

/** More calls than any operation here makes. */
const callsMax = 200
/** Every call in the soak, else every fifth. */
const stride = scale(10) === 10 ? 1 : 5

async function names(port: InProcessLog): Promise<string[]> {
  return (await port.listTopics()).map(({ name }) => name)
}

for (const kind of ['ENOSPC', 'EMFILE', 'short'] as const)
  test(`a creation that fails with ${kind} leaves nothing, and its name can be used again`, async () => {
    for (let call = 1; call <= callsMax; call += 1) {
      const log = new SimulatedLog(seededRandom(call))
      const port = await log.open()
      log.disk.failCall({ call, kind, times: 'once' })
      const failure = await port.createTopic('t', { partitions: 2 }).then(
        () => undefined,
        (error: unknown) => error,
      )
      log.disk.clearFailures()
      if (!failure) {
        await log.close()
        // The call came after the creation, or was one that a short write does not harm.
        if (call > 60) break
        continue
      }
      assert(isMillraceError(failure, 'DISK_FULL', 'LIMIT_EXCEEDED'))
      assert.deepEqual(await names(port), [])
      if (call % 2 === 0) {
        await log.close()
        assert.deepEqual(await names(await log.open()), [], `after call ${call}`)
        await log.close()
        continue
      }
      await port.createTopic('t', { partitions: 1 })
      await port.deleteTopic('t')
      await port.createTopic('t', { partitions: 1 })
      const writer = await port.openWriter()
      for (const value of ['1', '2', '3', '4', '5']) await append(writer, 't', [value])
      await writer.close()
      await log.close()
      const again = await log.open()
      assert.deepEqual(await names(again), ['t'])
      assert.deepEqual(await valuesIn(again, 't'), ['1', '2', '3', '4', '5'], `after call ${call}`)
      await log.close()
    }
  })

for (const how of ['kill', 'crash'] as const)
  test(`a deletion during which the process ends is undone or finished, with the offsets: ${how}`, async () => {
    let gone = 0
    for (let call = 1; call <= callsMax; call += stride) {
      const log = new SimulatedLog(seededRandom(call))
      const first = await log.open()
      await first.createTopic('t', { partitions: 2 })
      await first.createTopic('other', { partitions: 1 })
      const place = { topic: 't', partition: 0 }
      for (const group of ['g', 'h'])
        await first.commitOffsets({
          group,
          offsets: [
            { ...place, offset: 7 },
            { topic: 'other', partition: 0, offset: 3 },
          ],
        })
      await log.close()
      const port = await log.open(call + 40, how).catch(() => undefined)
      const deleted = await port?.deleteTopic('t').then(
        () => true,
        () => false,
      )
      const again = await log.crash()
      for (const group of ['g', 'h']) {
        const committed = await again.committedOffsets(group, [place, { topic: 'other', partition: 0 }])
        if (await again.describeTopic('t')) {
          assert.equal(deleted ?? false, false)
          assert.equal(committed[0]?.offset, 7)
        }
        assert.equal(committed[1]?.offset, 3)
      }
      if (!(await again.describeTopic('t'))) {
        gone += 1
        await again.createTopic('t', { partitions: 2 })
        for (const group of ['g', 'h'])
          assert.deepEqual(await again.committedOffsets(group, [place]), [undefined], `call ${call}`)
        assert.deepEqual(await valuesIn(again, 't'), [])
      }
      await log.close()
      if (deleted) break
    }
    assert(gone > 1, `${gone} deletions were finished at start`)
  })

for (const kind of ['ENOSPC', 'EMFILE', 'short'] as const)
  test(`a growth that fails with ${kind} leaves the topic as it was, and can be repeated`, async () => {
    let failed = 0
    for (let call = 1; call <= callsMax; call += 1) {
      const log = new SimulatedLog(seededRandom(call))
      const port = await log.open()
      await port.createTopic('t', { partitions: 2 })
      log.disk.failCall({ call, kind, times: 'once' })
      const failure = await port.admin.createPartitions('t', 4).then(
        () => undefined,
        (error: unknown) => error,
      )
      log.disk.clearFailures()
      const after = call % 2 === 0 ? await log.close().then(() => log.open()) : port
      const { partitions } = (await after.describeTopic('t'))!
      if (failure) {
        failed += 1
        assert(isMillraceError(failure, 'DISK_FULL', 'LIMIT_EXCEEDED'))
        assert.equal(partitions, 2)
        await assert.rejects(after.offsets('t', 2, 'latest'), isCode('UNKNOWN_PARTITION'))
        await after.admin.createPartitions('t', 3)
      } else assert.equal(partitions, 4)
      const writer = await after.openWriter()
      await writer.append('t', 2, batch(['a']))
      await writer.close()
      await log.close()
      const again = await log.open()
      assert.equal((await again.describeTopic('t'))?.partitions, failure ? 3 : 4)
      assert.deepEqual(await valuesIn(again, 't', 2), ['a'], `after call ${call}`)
      await log.close()
      if (!failure && call > 60) break
    }
    // Who lacks a file descriptor waits for one.
    assert(failed > 1 || kind === 'EMFILE', `${failed} growths failed`)
  })

for (const how of ['kill', 'crash'] as const)
  test(`a growth during which the process ends is done or undone: ${how}`, async () => {
    const counts = new Set<number>()
    for (let call = 1; call <= callsMax; call += stride) {
      const log = new SimulatedLog(seededRandom(call))
      const first = await log.open()
      await first.createTopic('t', { partitions: 2 })
      const writer = await first.openWriter()
      await writer.append('t', 1, batch(['before']))
      await writer.close()
      await log.close()
      const port = await log.open(call + 40, how).catch(() => undefined)
      const grown = await port?.admin.createPartitions('t', 4).then(
        () => true,
        () => false,
      )
      const again = await log.crash()
      const { partitions } = (await again.describeTopic('t'))!
      counts.add(partitions)
      assert(partitions === 4 || (partitions === 2 && !grown), `${partitions} after call ${call}`)
      const folders = (await log.disk.list('/data')).filter(name => name.startsWith('t-'))
      assert.equal(folders.length, partitions, `${folders.join()} after call ${call}`)
      assert.deepEqual(await valuesIn(again, 't', 1), ['before'])
      if (partitions === 2) await again.admin.createPartitions('t', 4)
      for (const partition of [0, 1, 2, 3])
        assert.deepEqual(await valuesIn(again, 't', partition), partition === 1 ? ['before'] : [])
      await log.close()
      if (grown) break
    }
    assert.deepEqual(counts, new Set([2, 4]))
  })

test('a list of topics from before a growth is brought up to date by the partitions', async () => {
  const log = new SimulatedLog()
  const port = await log.open()
  await port.createTopic('t', { partitions: 2 })
  const before = (await readFile(log.disk, '/data/metadata.json'))!
  await port.admin.createPartitions('t', 3)
  await append(await port.openWriter(), 't', ['a'], 2)
  await log.close()
  for (const list of ['old', 'none'] as const) {
    if (list === 'old') log.disk.setContent('/data/metadata.json', before)
    else await log.disk.remove('/data/metadata.json')
    const again = await log.open()
    assert.equal((await again.describeTopic('t'))?.partitions, 3)
    assert.deepEqual(await valuesIn(again, 't', 2), ['a'])
    await log.close()
  }
})

test('a deletion that failed is finished when it is repeated, or when the name is used again', async () => {
  for (const next of ['delete', 'create'] as const)
    for (let call = 1; call <= callsMax; call += stride) {
      const log = new SimulatedLog(seededRandom(call))
      let port = await log.open()
      await port.createTopic('t', { partitions: 2 })
      await port.createTopic('o', { partitions: 1 })
      await port.commitOffsets({ group: 'g', offsets: [{ topic: 't', partition: 0, offset: 7 }] })
      log.disk.failCall({ call, kind: 'ENOSPC', times: 'once' })
      const isDeleted = await port.deleteTopic('t').then(
        () => true,
        () => false,
      )
      log.disk.clearFailures()
      // A sync that failed is final for its process: the next process finishes the deletion.
      const isPoisoned = await port
        .commitOffsets({ group: 'h', offsets: [{ topic: 'o', partition: 0, offset: 1 }] })
        .then(
          () => false,
          () => true,
        )
      if (isPoisoned) port = await log.crash()
      else if (!isDeleted && next === 'delete') await port.deleteTopic('t')
      if (await port.describeTopic('t')) await port.deleteTopic('t')
      await port.createTopic('t', { partitions: 1 })
      assert.deepEqual(await port.committedOffsets('g', [{ topic: 't', partition: 0 }]), [undefined])
      const writer = await port.openWriter()
      await writer.append('t', 0, batch(['a']))
      await writer.close()
      await log.close()
      const again = await log.open()
      assert.deepEqual(await valuesIn(again, 't'), ['a'])
      await log.close()
      if (isDeleted) break
    }
})

test('an app whose process ended during its deletion is gone after the next start', async () => {
  let finished = 0
  for (let call = 1; call <= callsMax; call += stride) {
    const log = new SimulatedLog(seededRandom(call))
    const first = await log.open()
    await first.createTopic('in', { partitions: 1 })
    await first.createTopic('app-a-changelog', { partitions: 2, app: 'app' })
    await first.createTopic('app-b-changelog', { partitions: 1, app: 'app' })
    const writer = await first.openWriter({ transactionalId: 'app-0', app: 'app' })
    await append(writer, 'app-a-changelog', ['state'])
    await writer.commit({ group: 'app', offsets: [{ topic: 'in', partition: 0, offset: 1 }] })
    await writer.close()
    await log.close()
    const port = await log.open(call + 40).catch(() => undefined)
    const deleted = await port?.deleteApp('app').then(
      () => true,
      () => false,
    )
    const again = await log.crash()
    const left = (await again.listTopics({ internal: true })).filter(({ name }) => name.startsWith('app-'))
    const [committed] = await again.committedOffsets('app', [{ topic: 'in', partition: 0 }])
    assert(left.length === 2 || left.length === 0, `call ${call}: ${left.map(({ name }) => name).join()}`)
    assert.equal(committed?.offset, left.length === 2 ? 1 : undefined, `call ${call}`)
    if (left.length === 0) finished += 1
    assert.equal(await again.deleteApp('app'), left.length > 0)
    await log.close()
    if (deleted) break
  }
  assert(finished > 1, `${finished} deletions were finished at start`)
})
