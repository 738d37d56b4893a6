/** One look forgets all ids that have expired, a portion at a time. */
import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { LogDirectory } from '../../log/index.ts'
import { virtualClock } from '../../testing/virtual-clock.ts'
import { IdExpiry } from './id-expiry.ts'
import type { TransactionLog } from './transaction-log.ts'
import { unusedId } from './transaction-records.ts'
import { TransactionalId } from './transactional-id.ts'

test('more ids than a portion expire at one look; those in use stay', async () => {
  const clock = virtualClock()
  const ids = new Map<string, TransactionalId>()
  for (let n = 0; n < 7; n += 1) {
    const id = new TransactionalId(`id ${n}`, unusedId(n, 1000))
    id.epoch = 0
    id.updatedMs = 0
    id.isOpen = n === 3
    ids.set(id.name, id)
  }
  const removed: string[] = []
  let atOnce = 0
  const remove = async (names: readonly string[]): Promise<void> => {
    atOnce += 1
    ok(atOnce <= 2)
    await clock.yield()
    removed.push(...names)
    atOnce -= 1
  }
  const expiry = new IdExpiry(
    {
      clock,
      log: {} as LogDirectory,
      transactionLog: { remove } as unknown as TransactionLog,
      expirationMs: 500,
      expirationCheckMs: 1000,
      expirationPortion: 2,
    },
    ids,
  )
  await clock.advance(1000)
  for (let turn = 0; turn < 20; turn += 1) await clock.yield()
  deepEqual(
    removed.toSorted(),
    [0, 1, 2, 4, 5, 6].map(n => `id ${n}`),
  )
  deepEqual([...ids.keys()], ['id 3'])
  expiry.stop()
})
