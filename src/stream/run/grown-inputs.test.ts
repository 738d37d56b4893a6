import { deepEqual, match, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { virtualClock, type VirtualClock } from '../../testing/virtual-clock.ts'
import { GrownInputs } from './grown-inputs.ts'
import type { InstanceContext } from './instance-context.ts'

/** An app that reads `orders`, which has these partitions now, and began with two. */
function reading(
  clock: VirtualClock,
  now: { partitions: number },
  onNotice: (message: string) => void,
): GrownInputs {
  return new GrownInputs({
    app: 'app',
    clock,
    plan: { globals: [], stages: [{ sources: [{ topic: { name: 'orders' } }] }] },
    port: { describeTopic: () => Promise.resolve(now) },
    settings: { onNotice },
    topics: { partitions: () => 2 },
  } as unknown as InstanceContext)
}

test('a topic that has got more partitions is told of, once per count', async () => {
  const clock = virtualClock()
  const now = { partitions: 2 }
  const notices: string[] = []
  const inputs = reading(clock, now, message => notices.push(message))
  const after = async (ms: number): Promise<number> => {
    await clock.advance(ms)
    inputs.committed()
    await inputs.settled()
    return notices.length
  }
  const told: number[] = [await after(300_000)]
  now.partitions = 3
  told.push(await after(299_999), await after(1), await after(300_000))
  now.partitions = 5
  told.push(await after(300_000))
  deepEqual(told, [0, 0, 1, 1, 2])
  match(notices[1]!, /'orders' has 5 partitions.*began with 2.*restart: true/)
})

test('what onNotice throws ends the run at the next commit', async () => {
  const clock = virtualClock()
  const inputs = reading(clock, { partitions: 3 }, () => {
    throw new Error('no')
  })
  await clock.advance(300_000)
  inputs.committed()
  await inputs.settled()
  throws(() => inputs.committed(), /no/)
})
