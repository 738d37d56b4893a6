/**
 * A disk that stays full: a call that needs room there ends with DISK_FULL, every other call works, the log
 * closes, and the next process loses no acknowledged record. Time does not pass in these tests: no call waits
 * for it.
 */
import assert from 'node:assert/strict'
import { isMillraceError, seededRandom } from '../../src/base/index.ts'
import { InProcessLog } from '../../src/broker/index.ts'
import { readCheckpoint } from '../../src/log/recovery/checkpoint.ts'
import { recoveryPointsName } from '../../src/log/files/file-names.ts'
import type { Writer } from '../../src/port/index.ts'
import { append, drain, stateOf } from '../../src/port/conformance/harness.ts'
import { SimulatedDisk } from '../../src/testing/simulated-disk.ts'
import { virtualClock } from '../../src/testing/virtual-clock.ts'
import { fillableDisk, type Paths } from '../full-disk.ts'

const offset = (topic: string, partition = 0, at = 1) => ({ topic, partition, offset: at })
type Full = 'everything' | 'full-0' | 'offsets' | 'transactions'

const within =
  (folder: string): Paths =>
  path =>
    path.startsWith(`/data/${folder}/`)
const fulls: Record<Full, Paths> = {
  everything: () => true,
  'full-0': within('full-0'),
  offsets: within('__consumer_offsets-0'),
  transactions: within('__transaction_state-0'),
}

const noHooks = { onAssigned: () => undefined, onRevoked: () => undefined, onLost: () => undefined }

interface World {
  readonly port: InProcessLog
  readonly plain: Writer
  readonly other: Writer
  /** Has written to `full` and `free`. In the state `in a transaction`, its transaction is still open. */
  readonly transactional: Writer
}

/** The operation during which the disk fills up. */
const states: Record<string, (world: World) => Promise<void>> = {
  idle: async () => undefined,
  'in a transaction': async ({ transactional }) => {
    await append(transactional, 'full', ['open'])
    await append(transactional, 'free', ['open'])
  },
}

interface Operation {
  readonly call: (world: World) => Promise<unknown>
  /** The parts of the disk in which the operation needs room. */
  readonly needs: readonly Full[]
}

/** The calls that may change something: each begins in a new world. */
const operations: Record<string, Operation> = {
  'append, full': { call: ({ plain }) => append(plain, 'full', ['x']), needs: ['full-0'] },
  'append, free': { call: ({ plain }) => append(plain, 'free', ['x']), needs: [] },
  'commit of offsets': {
    call: ({ port }) => port.commitOffsets({ group: 'g', offsets: [offset('full', 0, 2)] }),
    needs: ['offsets'],
  },
  'transaction over free': {
    call: async ({ other }) => {
      await append(other, 'free', ['y'])
      await other.commit()
    },
    needs: ['transactions'],
  },
  'transaction over full and offsets': {
    call: async ({ transactional }) => {
      await append(transactional, 'full', ['z'])
      await transactional.commit({ group: 'tx', offsets: [offset('free')] })
    },
    needs: ['full-0', 'offsets', 'transactions'],
  },
  'abort, then its offsets': {
    call: async ({ port, transactional }) => {
      await transactional.abort()
      await port.committedOffsets('tx', [offset('free')])
    },
    needs: ['full-0', 'transactions'],
  },
  'the same transactional id, from scratch': {
    call: async ({ port }) => {
      const writer = await port.openWriter({ transactionalId: 'tx' })
      await append(writer, 'free', ['y'])
      await writer.commit()
    },
    needs: ['full-0', 'transactions'],
  },
  'a new topic': { call: ({ port }) => port.createTopic('new', { partitions: 1 }), needs: [] },
  'deletion of full': { call: ({ port }) => port.deleteTopic('full'), needs: ['offsets'] },
  'setting offsets': { call: ({ port }) => port.setOffsets('g', [offset('free')]), needs: ['offsets'] },
  'a writer with a new id': {
    call: ({ port }) => port.openWriter({ transactionalId: 'n' }),
    needs: ['transactions'],
  },
  'a member joins and leaves': {
    call: async ({ port }) => (await port.joinGroup({ group: 'm', topics: [['free']], ...noHooks })).leave(),
    needs: ['offsets'],
  },
  close: { call: ({ port }) => port.close(), needs: ['full-0', 'offsets', 'transactions'] },
}

/** The calls that only read: all of them follow each operation. */
const looks: Record<string, Operation> = {
  'offsets that a transaction holds': {
    call: ({ port }) => port.committedOffsets('tx', [offset('free')]),
    needs: ['transactions'],
  },
  'offsets of a group': { call: ({ port }) => port.committedOffsets('g', [offset('full')]), needs: [] },
  'end of full': { call: ({ port }) => port.offsets('full', 0, 'latest'), needs: ['full-0'] },
  'end of free': { call: ({ port }) => port.offsets('free', 0, 'latest'), needs: [] },
  'a time in free': { call: ({ port }) => port.offsets('free', 0, { timestamp: 0 }), needs: [] },
}

/** Fails with the call that did not settle, instead of waiting for it. */
async function settled<T>(what: string, promise: Promise<T>): Promise<PromiseSettledResult<T>> {
  const all = Promise.allSettled([promise]).then(([result]) => result)
  for (let n = 0; n < 5; n += 1) if ((await stateOf(all)) === 'settled') return all
  throw new Error(`${what} waits for ever`)
}

async function open(disk: SimulatedDisk) {
  const fillable = fillableDisk(disk)
  const clock = virtualClock(1_000_000)
  const port = await InProcessLog.open('/data', { disk: fillable, clock, random: seededRandom(1) })
  return { fillable, clock, port }
}

async function prepared(disk: SimulatedDisk) {
  const { fillable, clock, port } = await open(disk)
  for (const topic of ['full', 'free']) await port.createTopic(topic, { partitions: 1 })
  const plain = await port.openWriter()
  for (const topic of ['full', 'free']) await append(plain, topic, ['a', 'b'])
  await port.commitOffsets({ group: 'g', offsets: [offset('full')] })
  const other = await port.openWriter({ transactionalId: 'other' })
  const transactional = await port.openWriter({ transactionalId: 'tx' })
  await append(transactional, 'free', ['c'])
  await transactional.commit()
  return { fillable, clock, port, plain, other, transactional }
}

async function values(port: InProcessLog, topic: string): Promise<string[]> {
  await port.offsets(topic, 0, 'latest')
  const reader = await port.openReader()
  reader.assign([offset(topic, 0, 0)])
  const shown = await drain(reader, topic, 0)
  await reader.close()
  return shown.map(({ value }) => value)
}

/** Each call that needs room ends with DISK_FULL, the others work. */
export async function check(full: Full): Promise<void> {
  for (const state of Object.keys(states))
    for (const [name, operation] of Object.entries(operations)) await checkOne(full, state, name, operation)
}

async function checkOne(full: Full, state: string, name: string, operation: Operation): Promise<void> {
  const disk = new SimulatedDisk({ random: seededRandom(1) })
  const world = await prepared(disk)
  await states[state]!(world)
  world.fillable.fill(fulls[full])
  const attempt = async (what: string, { call, needs }: Operation): Promise<boolean> => {
    const { reason } = { reason: undefined, ...(await settled(what, call(world))) }
    if (reason === undefined) return true
    const isGone = isMillraceError(reason, 'CLOSED', 'UNKNOWN_TOPIC') && what !== name
    assert(isGone || isMillraceError(reason, 'DISK_FULL'), `${what}: ${String(reason)}`)
    assert(isGone || full === 'everything' || needs.includes(full), `${what} needs no room in ${full}`)
    return false
  }
  const isDone = await attempt(name, operation)
  for (const [what, look] of Object.entries(looks)) await attempt(`${what} after ${name}`, look)
  await attempt(`close after ${name}`, operations['close']!)

  world.fillable.free()
  const { port } = await open(disk)
  const free = await values(port, 'free')
  assert.deepEqual(free.slice(0, 3), ['a', 'b', 'c'], name)
  if (isDone && name === 'append, free') assert.deepEqual(free.slice(3), ['x'])
  if (await port.describeTopic('full')) {
    const expected = ['a', 'b']
    if (isDone && name === 'append, full') expected.push('x')
    if (isDone && name.startsWith('transaction over full'))
      expected.push(...(state === 'idle' ? ['z'] : ['open', 'z']))
    assert.deepEqual(await values(port, 'full'), expected, name)
  }
  await port.close()
}

/**
 * A marker that finds no room holds up only its own partition and its own id. It is written at the next call
 * that waits for it, or at the next start.
 */
export async function checkMarkers(): Promise<void> {
  const disk = new SimulatedDisk({ random: seededRandom(1) })
  const world = await prepared(disk)
  const { port, fillable, transactional, other } = world
  await append(transactional, 'full', ['open'])
  await append(transactional, 'free', ['open'])
  fillable.fill(fulls['full-0'])
  // The outcome is decided: only the marker is missing.
  await transactional.commit({ group: 'tx', offsets: [offset('free', 0, 4)] })
  const refused = async (what: string, promise: Promise<unknown>): Promise<void> => {
    const result = await settled(what, promise)
    assert(result.status === 'rejected' && isMillraceError(result.reason, 'DISK_FULL'), what)
  }
  await refused('end of full', port.offsets('full', 0, 'latest'))
  await refused('end of full, again', port.offsets('full', 0, 'latest'))
  await refused('the next transaction', append(transactional, 'free', ['next']))
  await refused('the id', port.openWriter({ transactionalId: 'tx' }))
  assert.equal(await port.offsets('free', 0, 'latest'), 6)
  assert.equal((await port.committedOffsets('tx', [offset('free')]))[0]?.offset, 4)
  await append(other, 'free', ['y'])
  await other.commit()
  assert.deepEqual(await values(port, 'free'), ['a', 'b', 'c', 'open', 'y'])
  fillable.free()
  assert.equal(await port.offsets('full', 0, 'latest'), 4)
  assert.deepEqual(await values(port, 'full'), ['a', 'b', 'open'])
  const again = await port.openWriter({ transactionalId: 'tx' })
  await append(again, 'full', ['more'])
  await again.commit()
  assert.deepEqual(await values(port, 'full'), ['a', 'b', 'open', 'more'])
  await port.close()
  await checkClose()
}

async function checkClose(): Promise<void> {
  const disk = new SimulatedDisk({ random: seededRandom(1) })
  const { port, fillable, transactional } = await prepared(disk)
  await append(transactional, 'full', ['decided'])
  fillable.fill(fulls['full-0'])
  await transactional.commit()
  const closed = await settled('close', port.close())
  assert(closed.status === 'rejected' && isMillraceError(closed.reason, 'DISK_FULL'))
  fillable.free()
  const next = await open(disk)
  assert.deepEqual(await values(next.port, 'full'), ['a', 'b', 'decided'])
  await next.port.close()
}

/**
 * A file whose sync does not return holds up only the calls that need it: checkpoints are written for the
 * other partitions.
 */
export async function checkHang(): Promise<void> {
  const disk = new SimulatedDisk({ random: seededRandom(1) })
  const { port, fillable, clock, plain, other, transactional } = await prepared(disk)
  fillable.hang(fulls['full-0'])
  const waiting = append(plain, 'full', ['x'])
  await append(transactional, 'full', ['open'])
  const ending = transactional.commit()
  for (let n = 0; n < 3; n += 1) {
    const end = 3 + 2 * n + 1
    await settled('append', append(plain, 'free', [`plain ${n}`]))
    await append(other, 'free', [`in a transaction ${n}`])
    await settled('commit', other.commit({ group: 'g', offsets: [offset('free', 0, end)] }))
    assert.equal((await port.committedOffsets('g', [offset('free')]))[0]?.offset, end)
    await settled('end of free', port.offsets('free', 0, 'latest'))
    await clock.advance(10_000)
    await clock.advance(10_000)
    const { offsets } = await readCheckpoint(disk, '/data', recoveryPointsName)
    assert.equal(offsets.get('free-0'), await port.offsets('free', 0, 'latest', 'read_uncommitted'))
    assert.equal(offsets.get('full-0'), 2)
  }
  assert.equal(await stateOf(Promise.race([waiting, ending])), 'pending')
  await settled('a new topic', port.createTopic('new', { partitions: 1 }))
  await settled('a deletion', port.deleteTopic('new'))
  fillable.free()
  await Promise.all([waiting, ending])
  assert.deepEqual(await values(port, 'full'), ['a', 'b', 'x', 'open'])
  await port.close()
}
