/** Writers whose partition has too much on its way to the disk. */
import { deepEqual, equal, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { gatedDisk } from '../../test/gated-disk.ts'
import { seededRandom } from '../base/index.ts'
import { batch, refuses, stateOf } from '../port/conformance/harness.ts'
import { Batcher } from '../port/index.ts'
import { SimulatedDisk } from '../testing/simulated-disk.ts'
import { virtualClock } from '../testing/virtual-clock.ts'
import { InProcessLog } from './in-process.ts'
import { valuesIn } from './simulated-log.test-support.ts'

/** A log whose partitions take one batch, and then hold back others until it is safe. */
async function openLog(pendingBytesMax = 1) {
  const { disk, shut, open } = gatedDisk(new SimulatedDisk())
  const clock = virtualClock(1_000_000)
  const port = await InProcessLog.open('/data', { disk, clock, random: seededRandom(1), pendingBytesMax })
  await port.createTopic('t', { partitions: 2 })
  return { port, clock, shut, open }
}

const pending = (promise: Promise<unknown>): Promise<string> => stateOf(promise)

test('appends of several writers that wait are taken in the order of their calls', async () => {
  const { port, shut, open } = await openLog()
  const writers = await Promise.all([port.openWriter(), port.openWriter(), port.openWriter()])
  shut('t-0')
  const values = Array.from({ length: 30 }, (_, n) => `${n}`)
  const appended = values.map((value, n) => writers[(n * 7) % 3]!.append('t', 0, batch([value])))
  equal(await pending(Promise.all(appended)), 'pending')
  open()
  deepEqual(
    (await Promise.all(appended)).map(({ baseOffset }) => baseOffset),
    values.map(Number),
  )
  deepEqual(await valuesIn(port, 't'), values)
  await port.close()
})

test('a writer that is held back in one partition writes to others', async () => {
  const { port, shut, open } = await openLog()
  const writer = await port.openWriter()
  shut('t-0')
  const held = Promise.all(['a', 'b', 'c'].map(value => writer.append('t', 0, batch([value]))))
  for (const value of ['x', 'y', 'z']) await writer.append('t', 1, batch([value]))
  equal(await pending(held), 'pending')
  open()
  await held
  deepEqual(await valuesIn(port, 't', 1), ['x', 'y', 'z'])
  await port.close()
})

test('a commit covers what waits, and an abort ends it', async () => {
  const { port, shut, open } = await openLog()
  const writer = await port.openWriter({ transactionalId: 'id' })
  for (const end of ['commit', 'abort'] as const) {
    shut('t-0')
    const appended = ['a', 'b', 'c'].map(value => writer.append('t', 0, batch([`${end} ${value}`])))
    const ended = writer[end]()
    // Belongs to the next transaction, and waits for the end of this one.
    const next = writer.append('t', 1, batch([`after ${end}`]))
    equal(await pending(ended), 'pending')
    open()
    await Promise.all([...appended, ended, next])
    await writer.commit()
  }
  deepEqual(await valuesIn(port, 't'), ['commit a', 'commit b', 'commit c'])
  deepEqual(await valuesIn(port, 't', 1), ['after commit', 'after abort'])
  await port.close()
})

test('a commit fails where an append that waited is refused; the writer continues after an abort', async () => {
  const { port, shut, open } = await openLog()
  const writer = await port.openWriter({ transactionalId: 'id' })
  await port.admin.alterConfigs({ type: 'topic', name: 't' }, [
    { name: 'max.message.bytes', op: 'set', value: 200 },
  ])
  shut('t-0')
  const first = writer.append('t', 0, batch(['a']))
  const refused = writer.append('t', 0, batch(['x'.repeat(300)]))
  const committed = writer.commit()
  open()
  await Promise.all([first, refuses('RECORD_TOO_LARGE', refused), refuses('RECORD_TOO_LARGE', committed)])
  await writer.abort()
  await writer.append('t', 0, batch(['b']))
  await writer.commit()
  deepEqual(await valuesIn(port, 't'), ['b'])
  await port.close()
})

test('a transaction that ends while its appends wait fences them', async () => {
  const { port, shut, open } = await openLog()
  const writer = await port.openWriter({ transactionalId: 'id' })
  shut('t-0')
  const first = writer.append('t', 0, batch(['a']))
  const held = writer.append('t', 0, batch(['b']))
  const fenced = refuses('PRODUCER_FENCED', held)
  const successor = port.openWriter({ transactionalId: 'id' })
  equal(await pending(successor), 'pending')
  open()
  await Promise.all([first, fenced, successor])
  await refuses('PRODUCER_FENCED', writer.commit())
  deepEqual(await valuesIn(port, 't'), [])
  await port.close()
})

test('what waits when its topic is deleted is told; a transaction continues with the rest', async () => {
  const { port, shut, open } = await openLog()
  const plain = await port.openWriter()
  const writer = await port.openWriter({ transactionalId: 'id' })
  await port.createTopic('other', { partitions: 1 })
  shut('t-0')
  const first = writer.append('t', 0, batch(['a'])).catch(() => undefined)
  const held = [writer.append('t', 0, batch(['b'])), plain.append('t', 0, batch(['c']))]
  await writer.append('other', 0, batch(['d']))
  const told = held.map(each => refuses('UNKNOWN_TOPIC', each))
  const deleted = port.deleteTopic('t')
  equal(await pending(deleted), 'pending')
  open()
  await Promise.all([first, ...told, deleted])
  await writer.commit()
  await plain.append('other', 0, batch(['e']))
  deepEqual(await valuesIn(port, 'other'), ['d', 'e'])
  await port.close()
})

test('a writer that is closed, or whose log is, has written what waits', async () => {
  for (const closes of ['writer', 'log']) {
    const { port, shut, open } = await openLog()
    const writer = await port.openWriter()
    shut('t-0')
    const appended = Promise.all(['a', 'b', 'c'].map(value => writer.append('t', 0, batch([value]))))
    const closed = closes === 'writer' ? writer.close() : port.close()
    if (closes === 'writer') await refuses('CLOSED', writer.append('t', 0, batch(['late'])))
    equal(await pending(closed), 'pending')
    open()
    await closed
    equal((await appended).length, 3)
    if (closes === 'writer') deepEqual(await valuesIn(port, 't'), ['a', 'b', 'c'])
    await port.close()
  }
})

test('what waits is bounded by the batchers of the writers', async () => {
  const { port, shut, open } = await openLog(1000)
  const writer = await port.openWriter()
  const batcher = new Batcher((...each) => writer.append(...each), { batchBytes: 400, bufferBytes: 4000 })
  const batches = batcher.into({ name: 't', partitions: 1, batchBytesMax: 1 << 20, internal: false })
  shut('t-0')
  let added = 0
  for (; !batcher.isFull; added += 1) batches.append(0, 0, null, `${added}`.padEnd(100, '.'), undefined)
  ok(batches.addedBytes < 4000 + 400, `${batches.addedBytes} bytes were taken`)
  equal(await pending(batcher.room()), 'pending')
  open()
  await batcher.relieved()
  batcher.flush()
  await batcher.settled()
  equal((await valuesIn(port, 't')).length, added)
  await port.close()
})
