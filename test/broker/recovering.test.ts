/**
 * A log that answers while partitions are being recovered. The files of one partition, `gated`, cannot be
 * opened before the test says so: its recovery takes as long.
 */
import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { type Disk, seededRandom } from '../../src/base/index.ts'
import { InProcessLog, type InProcessLogOptions } from '../../src/broker/in-process.ts'
import { valuesIn } from '../../src/broker/simulated-log.test-support.ts'
import { append, batch, drain, stateOf } from '../../src/port/conformance/harness.ts'
import type { Writer } from '../../src/port/index.ts'
import { SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { virtualClock } from '../../src/testing/virtual-clock.ts'
import { systemError } from '../hooked-disk.ts'
import { isCode } from '../is-code.ts'

class World {
  readonly random = seededRandom(7)
  readonly disk = new SimulatedDisk({ random: this.random })
  readonly clock = virtualClock(1_000_000)
  readonly fatal: string[] = []
  #gate = Promise.withResolvers<void>()

  /** A log with the topics `gated` and `free`. */
  static async empty(): Promise<{ world: World; port: InProcessLog }> {
    const world = new World()
    await world.disk.makeDirectory('/data')
    await world.disk.syncDirectory('/')
    const port = await world.open()
    for (const name of ['gated', 'free']) await port.createTopic(name, { partitions: 1 })
    return { world, port }
  }

  /** … and a record in each. */
  static async open(): Promise<{ world: World; port: InProcessLog }> {
    const { world, port } = await World.empty()
    const writer = await port.openWriter()
    for (const name of ['gated', 'free']) await append(writer, name, ['before'])
    return { world, port }
  }

  async open(options: Partial<InProcessLogOptions> = {}): Promise<InProcessLog> {
    return InProcessLog.open('/data', {
      disk: this.disk.session(),
      clock: this.clock,
      random: this.random,
      onFatal: ({ code }) => this.fatal.push(code),
      ...options,
    })
  }

  /** Loses power, and opens the log, in which `gated` cannot be recovered yet. */
  async crash(options: Partial<InProcessLogOptions> = {}): Promise<InProcessLog> {
    this.disk.crash()
    this.#gate = Promise.withResolvers<void>()
    return this.open({ disk: this.#gated(this.disk.session(), this.#gate.promise), ...options })
  }

  /** The last stop was a clean one. */
  get isClean(): boolean {
    return this.disk.contentOf('/data/.kafka_cleanshutdown') !== undefined
  }

  openGate(): void {
    this.#gate.resolve()
  }

  #gated(disk: Disk, gate: Promise<void>): Disk {
    return {
      ...disk,
      open: async (path, mode) => {
        if (/\/gated-\d+\/\d+\.log$/.test(path)) await gate
        return disk.open(path, mode)
      },
    }
  }
}

/** A writer that has a transaction open, with a record in this topic. */
async function inTransaction(port: InProcessLog, transactionalId: string, topic: string): Promise<Writer> {
  const writer = await port.openWriter({ transactionalId })
  await append(writer, topic, [`of ${transactionalId}`])
  return writer
}

test('a log answers while a partition is being recovered, and calls on that one wait', async () => {
  const { world } = await World.open()
  const port = await world.crash()
  const [plain, transactional] = [await port.openWriter(), await port.openWriter({ transactionalId: 'id' })]
  // Others are written, read, described, changed.
  await append(plain, 'free', ['plain'])
  await append(transactional, 'free', ['committed'])
  await transactional.commit()
  deepEqual(await valuesIn(port, 'free'), ['before', 'plain', 'committed'])
  await port.createTopic('new', { partitions: 2 })
  equal((await port.describeTopic('gated'))?.partitions, 1)
  const ofTopic = { type: 'topic', name: 'gated' } as const
  await port.admin.alterConfigs(ofTopic, [{ name: 'max.message.bytes', op: 'set', value: '200' }])
  await port.commitOffsets({ group: 'g', offsets: [{ topic: 'gated', partition: 0, offset: 1 }] })
  // One reader of both is not held up by the one that waits.
  const reader = await port.openReader()
  reader.assign([
    { topic: 'gated', partition: 0, offset: 0 },
    { topic: 'free', partition: 0, offset: 0 },
  ])
  equal((await drain(reader, 'free', 0)).length, 3)
  deepEqual([reader.atEnd('gated', 0), reader.position('gated', 0)], [false, 0])
  equal(reader.take('gated', 0), undefined)
  const waiting = [
    append(plain, 'gated', ['1']),
    append(plain, 'gated', ['2']),
    append(transactional, 'gated', ['3']),
    transactional.commit(),
    port.offsets('gated', 0, 'latest'),
    port.admin.openTransactions('gated'),
    port.admin.deleteRecords('gated', 0, 0),
    rejects(append(plain, 'gated', ['x'.repeat(300)]), isCode('RECORD_TOO_LARGE')),
  ]
  for (const call of waiting) equal(await stateOf(call), 'pending')
  world.openGate()
  await Promise.all(waiting)
  const all = ['before', '1', '2', '3']
  deepEqual(await valuesIn(port, 'gated'), all)
  const shown = await drain(reader, 'gated', 0)
  const values = shown.map(({ value }) => value)
  deepEqual(values, all)
  await port.close()
  ok(world.isClean, 'every partition was recovered')
})

test('an abort takes the records that wait with it, and a closed writer has written its own', async () => {
  const { world } = await World.open()
  const port = await world.crash()
  const [plain, aborting] = [await port.openWriter(), await port.openWriter({ transactionalId: 'id' })]
  const appended = [append(aborting, 'gated', ['aborted']), append(plain, 'gated', ['plain'])]
  const ended = [aborting.abort(), plain.close()]
  world.openGate()
  await Promise.all([...appended, ...ended])
  deepEqual(await valuesIn(port, 'gated'), ['before', 'plain'])
  await append(aborting, 'gated', ['next'])
  await aborting.commit()
  deepEqual(await valuesIn(port, 'gated'), ['before', 'plain', 'next'])
})

test('what a transaction has committed stays so, over a crash before its partition was recovered', async () => {
  const { world, port } = await World.open()
  const committed = await inTransaction(port, 'committed', 'gated')
  await append(committed, 'free', ['of committed'])
  await committed.commit()
  await inTransaction(port, 'open', 'gated')
  // The commit point is durable, the markers are not.
  for (let n = 0; n < 3; n += 1) {
    const again = await world.crash()
    deepEqual(await valuesIn(again, 'free'), ['before', 'of committed'])
    // The record of this id is needed for that partition. That of the other one is not.
    const opening = again.openWriter({ transactionalId: 'committed' })
    equal(await stateOf(opening), 'pending')
    opening.catch(() => undefined)
    await again.openWriter({ transactionalId: 'open' })
  }
  const last = await world.crash()
  const next = last.openWriter({ transactionalId: 'committed' })
  world.openGate()
  await append(await next, 'gated', ['next'])
  await (await next).commit()
  deepEqual(await valuesIn(last, 'gated'), ['before', 'of committed', 'next'])
  equal(
    await last.offsets('gated', 0, 'latest'),
    await last.offsets('gated', 0, 'latest', 'read_uncommitted'),
  )
})

test('a log that is closed meanwhile refuses what waits, and the next start recovers the rest', async () => {
  const { world, port } = await World.open()
  // More than recovery reads at once.
  const large = 'x'.repeat(700_000)
  const writer = await port.openWriter()
  for (let n = 0; n < 2; n += 1) await append(writer, 'gated', [large])
  const again = await world.crash()
  const [plain, transactional] = [await again.openWriter(), await again.openWriter({ transactionalId: 'id' })]
  const refused = [
    append(plain, 'gated', ['1']),
    append(transactional, 'gated', ['2']),
    again.offsets('gated', 0, 'latest'),
  ].map(call => rejects(call, isCode('CLOSED')))
  await append(plain, 'free', ['after'])
  const closed = again.close()
  // Its recovery has begun: it ends at the next step.
  await stateOf(closed)
  world.openGate()
  await closed
  await Promise.all(refused)
  deepEqual(world.fatal, [])
  ok(!world.isClean, 'a partition was not recovered')
  const last = await world.open()
  deepEqual(await valuesIn(last, 'gated'), ['before', large, large])
  deepEqual(await valuesIn(last, 'free'), ['before', 'after'])
})

test('the checkpoints keep what they say of a partition that is not recovered yet', async () => {
  const { world, port } = await World.open()
  await port.close()
  const second = await world.open()
  await append(await second.openWriter(), 'gated', ['second'])
  // Everything of both partitions is checkpointed after that.
  await world.clock.advance(10_000)
  const third = await world.crash()
  await append(await third.openWriter(), 'free', ['third'])
  await world.clock.advance(10_000)
  world.disk.crash()
  // A hole in what was safe is damage, and is not cut off.
  const path = '/data/gated-0/00000000000000000000.log'
  const bytes = world.disk.contentOf(path)!
  bytes[bytes.length - 3]! ^= 1
  world.disk.setContent(path, bytes)
  const last = await world.open()
  await rejects(valuesIn(last, 'gated'), isCode('PARTITION_DAMAGED', /gated/))
  await rejects(append(await last.openWriter(), 'gated', ['x']), isCode('PARTITION_DAMAGED'))
  deepEqual(await valuesIn(last, 'free'), ['before', 'third'])
})

test('a topic is deleted while it is being recovered, and its next life begins empty', async () => {
  const { world } = await World.open()
  const port = await world.crash()
  const writer = await port.openWriter()
  const reader = await port.openReader()
  reader.assign([{ topic: 'gated', partition: 0, offset: 0 }])
  const appended = rejects(append(writer, 'gated', ['1']), isCode('UNKNOWN_TOPIC'))
  // Its recovery reads by now.
  for (let turn = 0; turn < 10; turn += 1) await world.clock.yield()
  const deleted = port.deleteTopic('gated')
  equal(await stateOf(deleted), 'pending')
  world.openGate()
  await Promise.all([deleted, appended])
  await rejects(async () => reader.take('gated', 0), isCode('UNKNOWN_TOPIC'))
  await port.createTopic('gated', { partitions: 1 })
  await append(writer, 'gated', ['new'])
  deepEqual(await valuesIn(port, 'gated'), ['new'])
  await port.close()
  ok(world.isClean)
  const last = await world.open()
  deepEqual(await valuesIn(last, 'gated'), ['new'])
})

test('a disk that fails during the recovery of a partition is reported, to its callers and the process', async () => {
  const { world } = await World.open()
  const disk = world.disk
  disk.crash()
  const session = disk.session()
  const port = await world.open({
    disk: {
      ...session,
      open: async (path, mode) => {
        if (path.endsWith('.log') && path.includes('/gated-0/')) throw systemError('EIO', path)
        return session.open(path, mode)
      },
    },
  })
  await rejects(port.offsets('gated', 0, 'latest'), isCode('DISK_FAILED', /gated-0/))
  await rejects((await port.openWriter()).append('gated', 0, batch(['x'])), isCode('DISK_FAILED'))
  deepEqual(world.fatal, ['DISK_FAILED'])
  deepEqual(await valuesIn(port, 'free'), ['before'])
})

test('what is configured while a partition is being recovered holds once it is, and at the next start', async () => {
  const { world } = await World.open()
  const port = await world.crash()
  for (let turn = 0; turn < 10; turn += 1) await world.clock.yield()
  const resource = { type: 'topic', name: 'gated' } as const
  await port.admin.alterConfigs(resource, [{ name: 'max.message.bytes', op: 'set', value: '100' }])
  world.openGate()
  const large = ['x'.repeat(100)]
  await rejects(append(await port.openWriter(), 'gated', large), isCode('RECORD_TOO_LARGE'))
  await port.close()
  const next = await world.open()
  await rejects(append(await next.openWriter(), 'gated', large), isCode('RECORD_TOO_LARGE'))
})

test('a configuration that is written while recovery cleans up stays', async () => {
  const { world } = await World.open()
  const session = (world.disk.crash(), world.disk.session())
  const [listing, written] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let listings = 0
  const port = await world.open({
    disk: {
      ...session,
      // The recovery looks at its folder when the new file is there, and has not its name.
      list: async path => {
        if (path === '/data/gated-0' && ++listings === 2) await listing.promise
        return session.list(path)
      },
      rename: async (from, to) => {
        if (from === '/data/gated-0/config.json.tmp') {
          listing.resolve()
          await Promise.race([written.promise, stateOf(new Promise(() => undefined))])
        }
        return session.rename(from, to)
      },
      remove: async path => {
        await session.remove(path)
        if (path === '/data/gated-0/config.json.tmp') written.resolve()
      },
    },
  })
  const resource = { type: 'topic', name: 'gated' } as const
  await port.admin.alterConfigs(resource, [{ name: 'max.message.bytes', op: 'set', value: '100' }])
  await rejects(append(await port.openWriter(), 'gated', ['x'.repeat(100)]), isCode('RECORD_TOO_LARGE'))
})

test('under an older list of producer ids no new producer is taken for one in such a partition', async () => {
  const { world, port } = await World.empty()
  const older = world.disk.contentOf('/data/metadata.json')!
  await append(await port.openWriter(), 'gated', ['of the first'])
  world.disk.crash()
  world.disk.setContent('/data/metadata.json', older)
  const again = await world.crash()
  // It has the same id and sequence as the first one: a repeated batch, if that one were remembered.
  const appended = append(await again.openWriter(), 'gated', ['of the second'])
  world.openGate()
  equal(await appended, 1)
  deepEqual(await valuesIn(again, 'gated'), ['of the first', 'of the second'])
})

test('under an older transaction log a writer is fenced by such a partition, and the next one is not', async () => {
  const { world, port } = await World.empty()
  const path = '/data/__transaction_state-0/00000000000000000000.log'
  const writer = await inTransaction(port, 'id', 'free')
  await writer.commit()
  const older = world.disk.contentOf(path)!
  for (let n = 0; n < 4; n += 1) {
    await append(writer, 'gated', [`${n}`])
    await writer.commit()
  }
  world.disk.crash()
  world.disk.setContent(path, older)
  const again = await world.crash()
  world.openGate()
  const behind = await again.openWriter({ transactionalId: 'id' })
  await rejects(append(behind, 'gated', ['behind']), isCode('PRODUCER_FENCED'))
  const next = await again.openWriter({ transactionalId: 'id' })
  await append(next, 'gated', ['next'])
  await next.commit()
  deepEqual((await valuesIn(again, 'gated')).at(-1), 'next')
})

test('a partition is recovered with the index interval of its topic', async () => {
  const { world, port } = await World.open()
  const ofTopic = { type: 'topic', name: 'free' } as const
  await port.admin.alterConfigs(ofTopic, [{ name: 'index.interval.bytes', op: 'set', value: 0 }])
  const writer = await port.openWriter()
  for (const value of ['a', 'b', 'c']) await append(writer, 'free', [value])
  const indexed = (): number => world.disk.contentOf('/data/free-0/00000000000000000000.index')!.length
  await port.close()
  const whole = indexed()
  ok(whole > 0)
  const again = await world.open()
  await append(await again.openWriter(), 'free', ['d'])
  const last = await world.crash()
  deepEqual(await valuesIn(last, 'free'), ['before', 'a', 'b', 'c', 'd'])
  world.openGate()
  await last.close()
  ok(indexed() > whole, `${indexed()} bytes`)
})
