/**
 * Topics that are deleted while transactions use them, and disks that fill up for one partition: no other
 * partition or group is held up.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { isMillraceError, seededRandom } from '../../src/base/index.ts'
import type { InProcessLog } from '../../src/broker/index.ts'
import { append } from '../../src/port/conformance/harness.ts'
import { scale } from '../scale.ts'
import { steps } from '../steps.ts'
import { SimulatedLog, valuesIn } from '../../src/broker/simulated-log.test-support.ts'

const place = { topic: 'kept', partition: 0 }

async function opened(seed: number): Promise<{ log: SimulatedLog; port: InProcessLog }> {
  const log = new SimulatedLog(seededRandom(seed))
  const port = await log.open()
  await port.createTopic('kept', { partitions: 1 })
  await port.createTopic('gone', { partitions: 2 })
  return { log, port }
}

/**
 * Turns of the microtask queue between the start of a transaction's end and the deletion: before, within and
 * after every step.
 */
const stepsMax = 120
/** Every turn in the soak. */
const stride = scale(10) === 10 ? 1 : 6

for (const outcome of ['commit', 'abort'] as const)
  test(`a topic that is deleted at any moment of a transaction's ${outcome} does not disturb it`, async () => {
    for (let turns = 0; turns < stepsMax; turns += stride) {
      const { log, port } = await opened(turns + 1)
      const writer = await port.openWriter({ transactionalId: 'id' })
      await append(writer, 'kept', ['a'])
      for (const partition of [0, 1]) await append(writer, 'gone', ['a'], partition)
      const late = append(writer, 'gone', ['b']).catch((error: unknown) => error)
      const ending =
        outcome === 'abort'
          ? writer.abort()
          : writer.commit({ group: 'g', offsets: [{ ...place, offset: 1 }] })
      await steps(turns)
      const deleting = port.deleteTopic('gone')
      await ending
      await deleting
      const refusal = await late
      assert(!(refusal instanceof Error) || isMillraceError(refusal, 'UNKNOWN_TOPIC'), `${turns} turns`)
      const expected = outcome === 'commit' ? 1 : undefined
      assert.equal((await port.committedOffsets('g', [place]))[0]?.offset, expected)
      assert.deepEqual(await valuesIn(port, 'kept'), outcome === 'commit' ? ['a'] : [])
      // The transactional id continues, and so does a new topic of that name.
      await port.createTopic('gone', { partitions: 1 })
      await append(writer, 'gone', ['new'])
      await append(writer, 'kept', ['c'])
      await writer.commit({ group: 'g', offsets: [{ ...place, offset: 2 }] })
      const other = await port.openWriter({ transactionalId: 'id' })
      await append(other, 'kept', ['d'])
      await other.commit()
      await log.close()
      const again = await log.open()
      assert.deepEqual(await valuesIn(again, 'gone'), ['new'])
      assert.deepEqual(await valuesIn(again, 'kept'), [...(outcome === 'commit' ? ['a'] : []), 'c', 'd'])
      assert.equal((await again.committedOffsets('g', [place]))[0]?.offset, 2)
      await log.close()
    }
  })

test('a transaction that ends after its topic is deleted commits no offsets for a new topic of that name', async () => {
  for (const restart of ['live', 'clean', 'crash'] as const) {
    const { log, port } = await opened(7)
    const writer = await port.openWriter({ transactionalId: 'id' })
    const gone = { topic: 'gone', partition: 1 }
    const committing = writer.commit({ group: 'g', offsets: [{ ...gone, offset: 9 }] })
    const deleting = port.deleteTopic('gone')
    await Promise.all([committing, deleting])
    await port.createTopic('gone', { partitions: 2 })
    assert.deepEqual(await port.committedOffsets('g', [gone]), [undefined])
    await port.commitOffsets({ group: 'g', offsets: [{ ...gone, offset: 2 }] })
    let after = port
    if (restart === 'clean') {
      await log.close()
      after = await log.open()
    } else if (restart === 'crash') after = await log.crash()
    assert.equal((await after.committedOffsets('g', [gone]))[0]?.offset, 2, restart)
    await log.close()
  }
})

test('a transaction whose marker finds no room continues after its topic is deleted; other topics never wait', async () => {
  let stuck = 0
  for (let room = 0; room < 1200; room += 50) {
    const { log, port } = await opened(3)
    await port.createTopic('untouched', { partitions: 1 })
    const plain = await port.openWriter()
    await append(plain, 'untouched', ['x'])
    const writer = await port.openWriter({ transactionalId: 'id' })
    await append(writer, 'gone', ['a'])
    await log.clock.advance(10_000)
    log.disk.capacityBytes = log.disk.sizeBytes + room
    const isCommitted = await writer.commit().then(
      () => true,
      () => false,
    )
    const refusal = await port.offsets('gone', 0, 'latest').then(
      () => undefined,
      (error: unknown) => error,
    )
    assert.equal(await port.offsets('untouched', 0, 'latest'), 1)
    if (isCommitted && refusal !== undefined) {
      assert(isMillraceError(refusal, 'DISK_FULL'), inspect(refusal))
      stuck += 1
      log.disk.capacityBytes = Number.POSITIVE_INFINITY
      await port.deleteTopic('gone')
      await append(writer, 'kept', ['b'])
      await writer.commit()
      assert.deepEqual(await valuesIn(port, 'kept'), ['b'])
    }
    log.disk.capacityBytes = Number.POSITIVE_INFINITY
    await log.clock.advance(5000)
    await log.close()
  }
  assert(stuck > 0, 'a marker found no room')
})

test('internal logs are written in batches: many long transactional ids and groups survive a kill and a deletion', async () => {
  const { log, port } = await opened(5)
  const name = (n: number): string => `${'x'.repeat(86)}${n}`
  for (let n = 0; n < 60; n += 1) {
    const writer = await port.openWriter({ transactionalId: name(n) })
    await append(writer, 'kept', [`${n}`])
    await writer.commit({ group: name(n), offsets: [{ topic: 'gone', partition: 0, offset: n }] })
  }
  const again = await log.crash()
  assert.equal((await valuesIn(again, 'kept')).length, 60)
  for (const n of [0, 59])
    assert.equal((await again.committedOffsets(name(n), [{ topic: 'gone', partition: 0 }]))[0]?.offset, n)
  await again.deleteTopic('gone')
  assert.deepEqual(await again.listGroups(), [])
  await log.close()
  assert.deepEqual(await (await log.open()).listGroups(), [])
  await log.close()
})

test('a call on a topic that is deleted meanwhile succeeds, or says that there is none', async () => {
  const told = new Set<string>()
  const heard = (answer: unknown): void => {
    if (!(answer instanceof Error)) told.add('an answer')
    else told.add(isMillraceError(answer) ? answer.code : inspect(answer))
  }
  const calls: ((port: InProcessLog) => Promise<unknown>)[] = [
    port => port.offsets('t', 0, 'latest'),
    port => port.offsets('t', 0, 'latest', 'read_uncommitted'),
    port => port.offsets('t', 0, 'max-timestamp'),
    port => port.offsets('t', 0, { timestamp: 0 }),
    port => port.admin.describePartitions('t'),
    port => port.admin.deleteRecords('t', 0, 1),
    async port => {
      const reader = await port.openReader()
      reader.assign([{ topic: 't', partition: 0, offset: 0 }])
      for (let turn = 0; turn < 3; turn += 1) if (!reader.take('t', 0)) await reader.wait(10)
    },
    port => port.openWriter().then(writer => append(writer, 't', ['b'])),
  ]
  for (const call of calls)
    for (let turns = 0; turns < 60; turns += 3) {
      const log = new SimulatedLog()
      const port = await log.open()
      await port.createTopic('t', { partitions: 1 })
      const writer = await port.openWriter()
      await append(writer, 't', ['a'])
      // What is not synced yet is what calls wait for.
      const appended = append(writer, 't', ['b']).then(heard, heard)
      const called = call(port).then(heard, heard)
      await steps(turns)
      await port.deleteTopic('t')
      await Promise.all([appended, called])
      await log.close()
    }
  assert.deepEqual([...told].toSorted(), ['UNKNOWN_TOPIC', 'an answer'])
})
