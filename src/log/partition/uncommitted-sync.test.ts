import { equal } from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { UncommittedSync, uncommittedDelayMs } from './uncommitted-sync.ts'

/** A log of which `behind` records are not shown, and the syncs that show them. */
function tracked() {
  const clock = virtualClock()
  const log = { behind: 0, syncs: 0 }
  const uncommitted = new UncommittedSync(clock, {
    isBehind: () => log.behind > 0,
    sync: async () => {
      log.syncs += 1
      log.behind = 0
      uncommitted.advanced()
    },
  })
  const append = (): void => {
    log.behind += 1
    uncommitted.appended()
  }
  return { clock, log, uncommitted, append }
}

test('a reader that waits causes one sync for all records of the delay', async () => {
  const { clock, log, uncommitted, append } = tracked()
  uncommitted.want()
  append()
  await clock.advance(uncommittedDelayMs - 1)
  append()
  equal(log.syncs, 0)
  await clock.advance(1)
  equal(log.syncs, 1)
  equal(log.behind, 0)
  equal(clock.pending, 0)
})

test('nothing is synced where nobody waits, or nothing is hidden', async () => {
  const { clock, log, uncommitted, append } = tracked()
  append()
  await clock.advance(1000)
  equal(log.syncs, 0)
  uncommitted.want()
  await clock.advance(uncommittedDelayMs)
  equal(log.syncs, 1)
  // It has what it waited for, and did not say that it waits for more.
  append()
  await clock.advance(1000)
  equal(log.syncs, 1)
  uncommitted.want()
  log.behind = 0
  uncommitted.advanced()
  equal(clock.pending, 0)
})

test('a sync for others that does not show everything delays nothing', async () => {
  const { clock, log, uncommitted, append } = tracked()
  uncommitted.want()
  append()
  await clock.advance(90)
  uncommitted.advanced()
  await clock.advance(10)
  equal(log.syncs, 1)
})

test('a look-up causes one sync of what is hidden, at once', async () => {
  const { log, uncommitted, append } = tracked()
  await uncommitted.show()
  equal(log.syncs, 0)
  append()
  append()
  await uncommitted.show()
  await uncommitted.show()
  equal(log.syncs, 1)
})
