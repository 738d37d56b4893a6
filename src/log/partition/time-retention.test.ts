/** Which segments are rolled and dropped by time, and what survives a restart of it. */
import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { utf8, type Disk } from '../../base/index.ts'
import { SimulatedDisk } from '../../testing/simulated-disk.ts'
import { virtualClock, type VirtualClock } from '../../testing/virtual-clock.ts'
import type { LogDirectory } from '../log-directory.ts'
import type { LogDirectoryOptions } from '../log-directory-options.ts'
import { withCheck } from '../files/checked-text.ts'
import { batchOf, dataPath, openDirectory, valuesOf } from '../log.test-support.ts'
import { Segment } from '../segment/segment.ts'
import type { Partition } from './partition.ts'

const start = 1_000_000_000_000
const hour = 3_600_000
/** Two records of this size do not fit a segment. */
const text = 'x'.repeat(100)

interface World {
  readonly disk: SimulatedDisk
  readonly clock: VirtualClock
  log: LogDirectory
  partition: Partition
  readonly reopen: (how: 'clean' | 'crash') => Promise<void>
}

async function world(options: Partial<LogDirectoryOptions> = {}): Promise<World> {
  const disk = new SimulatedDisk()
  const clock = virtualClock(start)
  const open = (): Promise<LogDirectory> =>
    openDirectory(disk.session(), { clock, segmentBytes: 250, retentionMs: hour, ...options })
  const log = await open()
  const made: World = {
    disk,
    clock,
    log,
    partition: await log.createPartition('t', 0),
    reopen: async how => {
      if (how === 'clean') await made.log.close()
      else disk.kill()
      made.log = await open()
      made.partition = made.log.partition('t', 0)!
    },
  }
  return made
}

/** Appends a record in a batch alone, `aheadMs` ahead of the clock. */
async function append({ partition, clock }: World, value: string, aheadMs = 0): Promise<void> {
  await partition.append(batchOf([`${value}${text}`], { timestamp: clock.now() + aheadMs })).durable
}

async function shown({ partition }: World): Promise<string> {
  return (await valuesOf(partition)).map(value => value[0]).join('')
}

test('segments go whose largest timestamp is too old, at last the active one', async () => {
  const w = await world()
  for (const value of ['a', 'b', 'c']) {
    await append(w, value)
    await w.clock.advance(hour / 2)
  }
  await w.clock.advance(hour / 10)
  equal(await shown(w), 'c')
  await w.clock.advance(2 * hour)
  equal(await shown(w), '')
  deepEqual([w.partition.logStartOffset, w.partition.logEndOffset], [3, 3])
  await append(w, 'd')
  equal(await shown(w), 'd')
  await w.reopen('crash')
  deepEqual([w.partition.logStartOffset, await shown(w)], [3, 'd'])
})

for (const how of ['clean', 'crash'] as const)
  test(`a timestamp in the future keeps a segment no longer than one of its append: ${how}`, async () => {
    const w = await world()
    await append(w, 'a', 1e12)
    await w.clock.advance(hour / 2)
    await append(w, 'b', 1e12)
    await w.clock.advance(hour / 4)
    await w.reopen(how)
    await w.clock.advance(hour / 4 + hour / 10)
    equal(await shown(w), 'b')
    await w.reopen(how)
    // A crash after an append takes the time of that: the segment is as old as the recovery.
    await w.clock.advance(how === 'clean' ? hour / 2 : 1.2 * hour)
    equal(await shown(w), '')
  })

test('crashes one after the other keep a segment with timestamps in the future no longer than the first one', async () => {
  const w = await world()
  await append(w, 'a', 1e12)
  for (let crashes = 0; crashes < 4; crashes += 1) {
    await w.reopen('crash')
    await w.clock.advance(hour / 4 + 20_000)
  }
  equal(await shown(w), '')
})

test('a full disk does not keep a partition from its recovery, for the sake of the age of its segment', async () => {
  const w = await world()
  await append(w, 'a', 1e12)
  w.disk.capacityBytes = w.disk.sizeBytes + 150
  await w.reopen('crash')
  equal(await shown(w), 'a')
})

/** Digests as earlier versions wrote them, and no clean stop. */
async function forgetTimes({ disk }: World): Promise<void> {
  for (const name of await disk.list(`${dataPath}/t-0`)) {
    if (!name.endsWith('.digest')) continue
    const path = `${dataPath}/t-0/${name}`
    const old = utf8(disk.contentOf(path)!).replace(/times .*\n/, '')
    disk.setContent(path, withCheck(old.replace(/check .*\n/, '')))
  }
  await disk.remove(`${dataPath}/clean-stop`)
}

test('a segment of an earlier version, which does not know when it was written, is as old as its first look', async () => {
  const w = await world()
  for (const value of ['a', 'b']) await append(w, value, 1e12)
  await w.log.close()
  await forgetTimes(w)
  await w.reopen('crash')
  await w.clock.advance(hour / 2)
  await w.reopen('clean')
  equal(await shown(w), 'ab')
  // The look comes to a segment when the one before it goes.
  await w.clock.advance(hour)
  equal(await shown(w), 'b')
  await w.clock.advance(1.2 * hour)
  equal(await shown(w), '')
})

test('a record that is appended while retention looks at its segment stays', async context => {
  const w = await world({ segmentBytes: 1 << 20, retentionMs: -1 })
  await append(w, 'a')
  await w.clock.advance(2 * hour)
  const newestMs = Object.getOwnPropertyDescriptor(Segment.prototype, 'newestMs')!
    .value as Segment['newestMs']
  const look = context.mock.method(
    Segment.prototype,
    'newestMs',
    async function (this: Segment, now: number) {
      const newest = await newestMs.call(this, now)
      await append(w, 'b')
      return newest
    },
  )
  w.partition.configure({ ...w.partition.settings, retentionMs: hour })
  await w.partition.retain()
  look.mock.restore()
  equal((await shown(w)).at(-1), 'b')
})

for (const ends of ['deleted', 'dropped', 'closed'] as const)
  test(`a partition is ${ends} while retention writes down the age of a segment`, async () => {
    const w = await world()
    for (const value of ['a', 'b', 'c']) await append(w, value, 1e12)
    await w.log.close()
    await forgetTimes(w)
    const disk = w.disk.session()
    const isHeld = Promise.withResolvers<void>()
    const released = Promise.withResolvers<void>()
    const rename: Disk['rename'] = async (from, to) => {
      if (to.endsWith('.digest')) {
        isHeld.resolve()
        await released.promise
      }
      await disk.rename(from, to)
    }
    const log = await openDirectory(
      { ...disk, rename },
      { clock: w.clock, segmentBytes: 250, retentionMs: hour },
    )
    const partition = log.partition('t', 0)!
    const retained = partition.retain()
    await isHeld.promise
    const ended = {
      deleted: () => log.deletePartition('t', 0),
      dropped: () => partition.dropBefore(2),
      closed: () => log.close(),
    }[ends]()
    await w.clock.yield()
    released.resolve()
    await Promise.all([retained, ended])
    const names = ends === 'deleted' ? [] : await w.disk.list(`${dataPath}/t-0`)
    const digests = names.filter(name => name.endsWith('.digest'))
    deepEqual(
      digests.filter(name => !names.includes(name.replace('.digest', '.log'))),
      [],
    )
    if (ends !== 'closed') await log.close()
  })

test('a segment without timestamps is as old as its last append', async () => {
  const w = await world()
  await append(w, 'a', -start - 1)
  await w.clock.advance(hour - 400_000)
  equal(await shown(w), 'a')
  await w.clock.advance(hour)
  equal(await shown(w), '')
})

test('only the policy delete drops, and a change of it holds at once', async () => {
  // The cleaner rests: it would take records without keys.
  const w = await world({ compact: true, delete: false, cleaner: { backoffMs: 1000 * hour } })
  for (const value of ['a', 'b']) await append(w, value)
  await w.clock.advance(9 * hour)
  equal(await shown(w), 'ab')
  w.partition.configure({ ...w.partition.settings, delete: true, retentionMs: -1 })
  await w.clock.advance(hour)
  equal(await shown(w), 'ab')
  w.partition.configure({ ...w.partition.settings, retentionMs: hour })
  await w.clock.advance(hour)
  equal(await shown(w), '')
})

test('an open transaction is kept, and what follows it', async () => {
  const w = await world()
  await append(w, 'a')
  const producer = { producerId: 1, producerEpoch: 0 }
  const open = { ...producer, baseSequence: 0, transactional: true, timestamp: w.clock.now() }
  await w.partition.append(batchOf([`b${text}`], open)).written
  await append(w, 'c')
  await w.clock.advance(9 * hour)
  equal(await shown(w), 'bc')
  const end = { type: 'commit', ...producer, coordinatorEpoch: 0 } as const
  await w.partition.appendMarker(end).durable
  await w.clock.advance(hour)
  equal(await shown(w), '')
})

test('a segment is rolled by its age, also across a restart, and by its index', async () => {
  const rolls = async (w: World): Promise<number> =>
    (await w.disk.list(`${dataPath}/t-0`)).filter(name => name.endsWith('.log')).length
  const w = await world({ segmentBytes: 1 << 20, retentionMs: -1, segmentMs: hour })
  await append(w, 'a')
  // Timestamps do not count: a replay of ten years rolls no more often.
  await append(w, 'b', 1e12)
  await w.clock.advance(hour / 2)
  await w.reopen('clean')
  await w.clock.advance(hour / 2)
  await append(w, 'c')
  equal(await rolls(w), 1)
  await w.clock.advance(1)
  await append(w, 'd')
  equal(await rolls(w), 2)

  const crashing = await world({ segmentBytes: 1 << 20, retentionMs: -1, segmentMs: hour })
  await append(crashing, 'a')
  for (const value of ['b', 'c', 'd']) {
    await crashing.reopen('crash')
    await crashing.clock.advance(hour / 2)
    await append(crashing, value)
  }
  equal(await rolls(crashing), 2)

  const full = await world({
    segmentBytes: 1 << 20,
    retentionMs: -1,
    indexIntervalBytes: 0,
    segmentIndexBytes: 20,
  })
  for (const value of ['a', 'b', 'c', 'd']) await append(full, value)
  equal(await rolls(full), 2)
})

test('a roll alone does nothing to an empty segment, and appends join it', async () => {
  const w = await world()
  await w.partition.roll()
  await append(w, 'a')
  const rolled = w.partition.roll()
  const appended = append(w, 'b')
  await Promise.all([rolled, appended, w.partition.roll()])
  await w.partition.sync()
  await w.reopen('crash')
  equal(await shown(w), 'ab')
  await w.partition.roll()
  await w.reopen('clean')
  equal(await shown(w), 'ab')
  await append(w, 'c')
  equal(await shown(w), 'abc')
})

test('the digest of a segment that is complete is not replaced by one that retention began before', async () => {
  const disk = new SimulatedDisk()
  const ahead = await openDirectory(disk, { clock: virtualClock(start + hour) })
  const first = await ahead.createPartition('t', 0)
  await first.append(batchOf(['a'], { timestamp: start + 2 * hour })).durable
  await ahead.close()
  // Its records, and the time of its last append, are ahead of this clock: the segment remembers another one.
  const held = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  const rename: Disk['rename'] = async (from, to) => {
    if (to.endsWith('.digest')) {
      begun.resolve()
      await held.promise
    }
    return disk.rename(from, to)
  }
  const slow = { ...disk.session(), rename }
  const log = await openDirectory(slow, { clock: virtualClock(start), retentionMs: hour })
  const partition = log.partition('t', 0)!
  const retained = partition.retain()
  await begun.promise
  await partition.append(batchOf(['b'])).durable
  const rolled = partition.roll()
  await virtualClock().advance(0)
  held.resolve()
  await Promise.all([retained, rolled])
  const folder = `${dataPath}/t-0/${'0'.padStart(20, '0')}`
  const [, bytes] = /^log (\d+) 2$/m.exec(utf8(disk.contentOf(`${folder}.digest`)!)) ?? []
  equal(Number(bytes), disk.contentOf(`${folder}.log`)!.length)
  await log.close()
})
