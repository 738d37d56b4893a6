import { deepEqual, equal, rejects } from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../test/is-code.ts'
import { MillraceError } from '../base/index.ts'
import { virtualClock } from '../testing/virtual-clock.ts'
import { settingsDefault } from './partition/partition-settings.ts'
import type { Partition } from './partition/partition.ts'
import { RecoveryQueue } from './recovery-queue.ts'
import type { UnrecoveredPartition } from './unrecovered-partition.ts'

const clock = virtualClock()

/** A queue of the partitions t-0 to t-19, whose recoveries end when the test says so. */
class TestQueue {
  readonly queue: RecoveryQueue
  /** By name: each ends one recovery, with a failure or without. */
  readonly running = new Map<string, (error?: Error) => void>()
  readonly begun: string[] = []
  readonly opened: string[] = []
  readonly failed: string[] = []
  readonly abandoned: string[] = []

  constructor() {
    this.queue = new RecoveryQueue({
      clock,
      recover: async ({ name }, pause) => {
        this.begun.push(name)
        await new Promise<void>((resolve, reject) =>
          this.running.set(name, error => (error ? reject(error) : resolve())),
        )
        this.running.delete(name)
        await pause()
        return this.#recovered(name)
      },
      opened: ({ name }) => this.opened.push(name),
      failed: ({ code }) => this.failed.push(code),
    })
    for (let n = 0; n < 20; n += 1)
      this.queue.add({
        name: `t-${n}`,
        folder: `/data/t-${n}`,
        config: {},
        isConfigured: true,
        settings: settingsDefault,
        recoveryPoint: undefined,
        logStartOffset: undefined,
      })
  }

  get(n: number): UnrecoveredPartition {
    return this.queue.get(`t-${n}`)!
  }

  start(makeReady: (partition: Partition) => Promise<void> = async () => undefined): void {
    this.queue.start(makeReady)
  }

  /** Ends the recovery of a partition, and lets what follows from that happen. */
  async end(n: number, error?: Error): Promise<void> {
    this.running.get(`t-${n}`)!(error)
    await clock.yield()
    await clock.yield()
  }

  #recovered(name: string): Partition {
    const partition = { name, configure: () => undefined, abandon: async () => this.abandoned.push(name) }
    return partition as unknown as Partition
  }
}

test('a few are recovered at a time, and those that somebody waits for come first', async () => {
  const parts = new TestQueue()
  parts.start()
  deepEqual(parts.begun, ['t-0', 't-1', 't-2', 't-3'])
  for (const n of [12, 11, 12, 13, 14, 15])
    parts
      .get(n)
      .once(() => undefined)
      .catch(() => undefined)
  // Beside the others, as far as there is room.
  deepEqual(parts.begun.slice(4), ['t-12', 't-11', 't-13', 't-14'])
  await parts.end(3)
  deepEqual(parts.begun.slice(8), ['t-15'])
  await parts.end(0)
  deepEqual(parts.begun.slice(9), ['t-4'])
  deepEqual(parts.opened, ['t-3', 't-0'])
})

test('calls are made in their order, before a later one finds the partition open', async () => {
  const parts = new TestQueue()
  parts.start()
  const made: string[] = []
  const call = (name: string): void => {
    const unrecovered = parts.queue.get('t-0')
    if (unrecovered) void unrecovered.once(() => call(name))
    else made.push(name)
  }
  call('first')
  call('second')
  // Whatever runs first once the partition is open.
  const waits = parts.get(0).once(() => undefined)
  void waits.then(() => call('last'))
  await parts.end(0)
  deepEqual(made, ['first', 'second', 'last'])
})

test('without room the callers are told, and the next call tries again', async () => {
  const parts = new TestQueue()
  parts.start()
  const full = Object.assign(new Error('full'), { code: 'ENOSPC' })
  const first = rejects(
    parts.get(0).once(() => undefined),
    isCode('DISK_FULL', /t-0/),
  )
  await parts.end(0, full)
  await first
  deepEqual([parts.failed, parts.opened], [[], []])
  const second = parts.get(0).once(() => 'made')
  await parts.end(0)
  equal(await second, 'made')
})

test('a failing disk is reported once, and the partition refuses from then on', async () => {
  const parts = new TestQueue()
  parts.start()
  await parts.end(0, Object.assign(new Error('failed'), { code: 'EIO' }))
  deepEqual(parts.failed, ['DISK_FAILED'])
  await rejects(
    parts.get(0).once(() => undefined),
    isCode('DISK_FAILED', /t-0/),
  )
})

test('one that could not be made ready is not recovered again', async () => {
  const parts = new TestQueue()
  let isFull = true
  parts.start(async () => {
    if (isFull) throw new MillraceError('DISK_FULL', 'No room.', { retriable: true })
  })
  await parts.end(0)
  deepEqual(parts.opened, [])
  isFull = false
  await parts.get(0).once(() => undefined)
  deepEqual(parts.opened, ['t-0'])
  equal(parts.begun.filter(name => name === 't-0').length, 1)
})

test('one that is deleted is never open, whether its recovery has begun or not', async () => {
  const parts = new TestQueue()
  parts.start()
  const found: (string | undefined)[] = []
  for (const n of [0, 17]) {
    const calls = parts.get(n).once(() => found.push(parts.queue.get(`t-${n}`)?.name))
    const withdrawn = parts.queue.withdraw(`t-${n}`)
    equal(parts.queue.get(`t-${n}`), undefined)
    if (n === 0 || parts.running.has(`t-${n}`)) await parts.end(n)
    equal(await withdrawn, true)
    await calls
  }
  deepEqual(found, [undefined, undefined])
  deepEqual(parts.opened, [])
  equal(await parts.queue.withdraw('t-0'), false)
})

test('a stop refuses the calls that wait, and what is recovered ends at its next step', async () => {
  const parts = new TestQueue()
  parts.start()
  const calls = [0, 19].map(n =>
    rejects(
      parts.get(n).once(() => undefined),
      isCode('CLOSED', new RegExp(`t-${n} `)),
    ),
  )
  const stopped = parts.queue.stop()
  for (const n of [0, 1, 2, 3, 19]) await parts.end(n)
  await stopped
  await Promise.all(calls)
  deepEqual([parts.opened, parts.failed, parts.running.size], [[], [], 0])
  await rejects(
    parts.get(5).once(() => undefined),
    isCode('CLOSED'),
  )
})
