import { deepEqual, equal } from 'node:assert/strict'
import { test } from 'node:test'
import { MillraceError } from '../../base/index.ts'
import { diskFailed, diskFull } from '../files/disk-errors.ts'
import type { Flush } from './flush.ts'
import { GroupCommit } from './group-commit.ts'
import { failsWith } from '../log.test-support.ts'

/**
 * The disk's side, which does one thing at a time, when it is told to: `calls` lists what was asked of it.
 */
class Target {
  readonly calls: string[] = []
  readonly #waiting: { what: string; resolve(): void; reject(error: unknown): void }[] = []
  readonly commit = new GroupCommit(
    {
      roll: flush => this.#call(`roll ${flush.baseOffset}`),
      write: flush => this.#call(`write ${flush.baseOffset}-${flush.endOffset - 1}`),
      sync: () => this.#call('sync'),
      written: () => undefined,
      synced: offset => void this.calls.push(`synced ${offset}`),
      rejected: flushes =>
        void this.calls.push(`rejected ${flushes.map(({ baseOffset }) => baseOffset).join(' ')}`),
      failed: error => new MillraceError('PARTITION_POISONED', 'poisoned', { cause: error }),
    },
    0,
    () => this.turnEnds,
  )
  turnEnds: Promise<void> = Promise.resolve()
  #end = 0

  /** Appends a batch of one record. */
  append({ wantsSync = true, rolls = false, bytes = 100 } = {}): Flush {
    const offset = this.#end++
    const batch = { bytes: new Uint8Array(bytes), lastOffset: offset, maxTimestamp: 0, aborted: undefined }
    return this.commit.append(batch, offset, rolls ? [] : undefined, undefined, wantsSync)
  }

  /**
   * Lets what is in progress end (the oldest, or the oldest of its kind), and what follows from that begin.
   */
  async next(error?: unknown, kind = ''): Promise<string[]> {
    await settle()
    const n = this.#waiting.findIndex(({ what }) => what.startsWith(kind))
    const [waiting] = n === -1 ? [] : this.#waiting.splice(n, 1)
    if (error === undefined) waiting?.resolve()
    else waiting?.reject(error)
    await settle()
    return this.calls.splice(0)
  }

  rejectedFrom(offset: number): void {
    this.#end = offset
  }

  #call(what: string): Promise<void> {
    this.calls.push(what)
    return new Promise((resolve, reject) => this.#waiting.push({ what, resolve, reject }))
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await Promise.resolve()
}

/** Which of these promises are settled by now. */
async function settled(...outcomes: readonly Promise<void>[]): Promise<boolean[]> {
  const done = outcomes.map(() => false)
  for (const [n, outcome] of outcomes.entries())
    outcome.then(
      () => (done[n] = true),
      () => (done[n] = true),
    )
  await settle()
  return done
}

test('appends of one turn go out in one write, and share one sync', async () => {
  const target = new Target()
  const flushes = [target.append(), target.append(), target.append()]
  const durable = flushes.map(flush => flush.durable.promise)
  deepEqual(await target.next(), ['write 0-2', 'sync'])
  deepEqual(await settled(...durable), [false, false, false])
  deepEqual(await target.next(), ['synced 3'])
  deepEqual(await settled(...durable), [true, true, true])
})

test('a turn that has brought many bytes does not have to end for their write, unless a sync follows', async () => {
  for (const wantsSync of [false, true]) {
    const target = new Target()
    target.turnEnds = new Promise(() => undefined)
    target.append({ wantsSync, bytes: 500_000 })
    deepEqual(await target.next(), [])
    target.append({ wantsSync, bytes: 100_000 })
    target.append({ wantsSync, bytes: 100_000 })
    deepEqual(await target.next(), wantsSync ? [] : ['write 0-2'])
  }
})

test('what comes while a write is in flight goes out in the next one; a sync covers what was written before it', async () => {
  const target = new Target()
  const first = target.append().durable.promise
  await settle()
  const second = target.append().durable.promise
  const third = target.append().durable.promise
  deepEqual(await target.next(), ['write 0-0', 'sync', 'write 1-2'])
  // The second write ends while the sync of the first is in progress, and needs another one.
  deepEqual(await target.next(undefined, 'write'), [])
  deepEqual(await target.next(), ['synced 1', 'sync'])
  deepEqual(await settled(first, second, third), [true, false, false])
  deepEqual(await target.next(), ['synced 3'])
  deepEqual(await settled(second, third), [true, true])
})

test('without anyone waiting for the disk there is no sync; then one covers all', async () => {
  const target = new Target()
  const flush = target.append({ wantsSync: false })
  deepEqual(await target.next(), ['write 0-0'])
  deepEqual(await settled(flush.written.promise, flush.durable.promise), [true, false])
  const all = target.commit.sync()
  deepEqual(await target.next(), ['sync', 'synced 1'])
  deepEqual(await settled(all, flush.durable.promise), [true, true])
  equal(target.commit.syncedOffset, 1)
})

test('a roll comes after a sync of everything before it', async () => {
  const target = new Target()
  target.append({ wantsSync: false })
  target.append({ wantsSync: false, rolls: true })
  deepEqual(await target.next(), ['write 0-0', 'sync'])
  deepEqual(await target.next(), ['synced 1', 'roll 1'])
  deepEqual(await target.next(), ['write 1-1'])
})

test('what finds no room is refused, with everything behind it; what was written before is not', async () => {
  const target = new Target()
  const first = target.append({ wantsSync: false })
  await target.next()
  const second = target.append()
  await settle()
  const third = target.append()
  const outcomes = [second.durable.promise, third.written.promise]
  // The sync that the second has asked for is that of the first, too.
  deepEqual(await target.next(diskFull('writing')), ['write 1-1', 'rejected 1 2', 'sync'])
  for (const outcome of outcomes) await failsWith('DISK_FULL', outcome)
  target.rejectedFrom(1)
  deepEqual(await target.next(), ['synced 1'])
  deepEqual(await settled(first.durable.promise), [true])
  const again = target.append().durable.promise
  deepEqual(await target.next(), ['write 1-1', 'sync'])
  deepEqual(await target.next(), ['synced 2'])
  deepEqual(await settled(again), [true])
})

test('a failed write or sync ends everything, for everyone', async () => {
  for (const error of [diskFailed(new Error('EIO'), 'writing'), diskFull('syncing')]) {
    const target = new Target()
    const isSync = error.code === 'DISK_FULL'
    const written = target.append()
    if (isSync) await target.next()
    const queued = target.append()
    const outcomes = [written.durable.promise, queued.durable.promise]
    if (isSync) await settle()
    // A failed sync is final whatever it is called: what it covered may be gone.
    await target.next(error)
    for (const outcome of outcomes) await failsWith('PARTITION_POISONED', outcome)
  }
})

test('how a batch ended can be asked as long as that is not settled, and after', async () => {
  const target = new Target()
  target.append()
  const early = [target.commit.outcomeAt(0, 'written').promise, target.commit.outcomeAt(0, 'durable').promise]
  await target.next()
  deepEqual(await settled(...early), [true, false])
  await target.next()
  deepEqual(await settled(...early, target.commit.outcomeAt(0, 'durable').promise), [true, true, true])
})
