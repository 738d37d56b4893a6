/**
 * Every call to the disk in the life of a broker fails, once or from then on. Every call that is refused for
 * it, topics and offsets included, gets a MillraceError whose code says what the disk returned.
 */
import assert from 'node:assert/strict'
import { isMillraceError, seededRandom, type ErrorCode } from '../../src/base/index.ts'
import { InProcessLog } from '../../src/broker/index.ts'
import { batchOf } from '../../src/log/log.test-support.ts'
import { SimulatedDisk, type PlannedFailure } from '../../src/testing/simulated-disk.ts'
import { virtualClock } from '../../src/testing/virtual-clock.ts'
import type { BatchStamp } from '../../src/wire/index.ts'
import { soak } from '../scale.ts'

const stepOfShortRun = 5
const batch = { count: 1, build: (stamp: BatchStamp) => batchOf(['x'.repeat(100)], stamp) }

/**
 * Codes that a caller may get. The consequences follow from a fault in another call: the topic was not
 * created, the transaction is over.
 */
const codes: Record<'EIO' | 'ENOSPC', readonly ErrorCode[]> = {
  EIO: ['DISK_FAILED', 'PARTITION_POISONED'],
  ENOSPC: ['DISK_FULL', 'PARTITION_POISONED'],
}
const consequences: readonly ErrorCode[] = ['UNKNOWN_TOPIC', 'INVALID_TXN_STATE', 'PRODUCER_FENCED', 'CLOSED']

/** Returns the errors of all calls in a life. */
async function live(disk: SimulatedDisk): Promise<unknown[]> {
  const errors: unknown[] = []
  const attempt = async <T>(call: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await call()
    } catch (error) {
      errors.push(error)
      return undefined
    }
  }
  const clock = virtualClock(1_000_000)
  const options = { disk, clock, random: seededRandom(disk.calls), configs: { 'log.segment.bytes': 400 } }
  // Calls that are retried later are retried soon.
  const ticks = setInterval(() => void clock.advance(100), 1)
  try {
    await use()
  } finally {
    clearInterval(ticks)
  }
  return errors

  async function use(): Promise<void> {
    const log = await attempt(() => InProcessLog.open('/data', options))
    if (!log) return
    for (const topic of ['flights', 'alerts']) await attempt(() => log.createTopic(topic, { partitions: 2 }))
    const plain = await attempt(() => log.openWriter())
    for (let n = 0; n < 4; n += 1) await attempt(async () => plain?.append('flights', n % 2, batch))
    const writer = await attempt(() => log.openWriter({ transactionalId: 'tx' }))
    for (const end of ['commit', 'abort'] as const) {
      await attempt(async () => writer?.append('alerts', 0, batch))
      await attempt(async () => writer?.[end]())
    }
    await attempt(() =>
      log.commitOffsets({
        group: 'g',
        offsets: [{ topic: 'flights', partition: 0, offset: 1, metadata: '' }],
      }),
    )
    await attempt(() => log.committedOffsets('g', [{ topic: 'flights', partition: 0 }]))
    await attempt(() => log.offsets('alerts', 0, 'latest'))
    await attempt(() => log.offsets('flights', 0, { timestamp: 0 }))
    await attempt(() => log.deleteTopic('alerts'))
    await attempt(() => log.close())
  }
}

export async function check(kind: 'EIO' | 'ENOSPC'): Promise<void> {
  const sound = new SimulatedDisk()
  assert.deepEqual(await live(sound), [])
  assert(sound.calls > 200, 'there is something to fail')
  // A disk that stays full holds up markers until there is room: another test checks that.
  const howOften = kind === 'EIO' ? (['once', 'forever'] as const) : (['once'] as const)
  for (let call = 1; call <= sound.calls; call += soak ? 1 : stepOfShortRun)
    for (const times of howOften) {
      const disk = new SimulatedDisk()
      const failure: PlannedFailure = { call, kind, times }
      disk.failCall(failure)
      const errors = await live(disk)
      const what = `${kind} at call ${call}, ${times}`
      for (const error of errors) {
        assert(isMillraceError(error), `${what}: ${String(error)}`)
        const isExpected = [...codes[kind], ...consequences].includes(error.code)
        assert(isExpected, `${what}: ${error.code} ${error.message}`)
      }
      // The next process finds a log that works.
      disk.clearFailures()
      disk.kill()
      assert.deepEqual(
        (await live(disk)).filter(error => !isMillraceError(error, 'TOPIC_EXISTS')),
        [],
        `after ${what}`,
      )
    }
}
