/** What a consumer says when it joins its group: how partitions are shared, and whether it is static. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import * as z from 'zod'
import { isMillraceError } from '../../base/index.ts'
import { SimulatedLog } from '../../broker/simulated-log.test-support.ts'
import { topic } from '../../schema/index.ts'
import { settle } from '../../../test/settle.ts'
import { createLog, type ConsumerOptions, type Log } from '../index.ts'

const numbers = topic('numbers', { value: z.int(), partitions: 4 })
const group = 'g'

class World {
  readonly #simulated = new SimulatedLog()
  #log: Log | undefined

  static async make(t: TestContext): Promise<World> {
    const world = new World()
    world.#log = createLog(await world.#simulated.open(), world.#simulated.clock)
    await world.settle(world.#log.createTopic(numbers))
    t.after(() => world.settle(world.#simulated.close()))
    return world
  }

  get log(): Log {
    return this.#log!
  }

  settle<T>(work: Promise<T>): Promise<T> {
    return settle(this.#simulated.clock, work)
  }

  /** Simulated. */
  get nowMs(): number {
    return this.#simulated.clock.monotonic()
  }

  pass(ms: number): Promise<void> {
    return this.#simulated.clock.advance(ms)
  }

  /** A loop over a consumer of the group, which waits for records. */
  async begin(options: ConsumerOptions = {}): Promise<{ failed: () => unknown; close: () => Promise<void> }> {
    const consumer = this.log.consumer(numbers, { group, ...options })
    let failure: unknown
    consumer[Symbol.asyncIterator]()
      .next()
      .catch((error: unknown) => {
        failure = error
      })
    await this.pass(500)
    return { failed: () => failure, close: () => this.settle(consumer.close()) }
  }

  /** The generation, and the partitions of each member: of static ones under their id. */
  async described(): Promise<[number, Record<string, string>]> {
    const { generation, members } = (await this.settle(this.log.port.admin.describeGroup(group)))!
    const shares = members.map(({ instanceId = 'dynamic', assignment }): [string, string] => [
      instanceId,
      assignment.map(({ partition }) => partition).join(),
    ])
    return [generation, Object.fromEntries(shares)]
  }
}

test('members share partitions by the assignors that they name', async t => {
  const shares = async (assignors: ConsumerOptions['assignors'] | undefined): Promise<string[]> => {
    const world = await World.make(t)
    const members = []
    for (const instanceId of ['a', 'b', 'c'])
      members.push(await world.begin({ instanceId, ...(assignors && { assignors }) }))
    const [, shared] = await world.described()
    const { protocol } = (await world.settle(world.log.port.admin.describeGroup(group)))!
    for (const { close } of members) await close()
    return [protocol!, ...Object.values(shared)]
  }
  assert.deepEqual(await shares(['range']), ['range', '0,1', '2', '3'])
  assert.deepEqual(await shares(['range', 'cooperative-sticky']), ['range', '0,1', '2', '3'])
  const [protocol, first] = await shares(undefined)
  assert.equal(protocol, 'cooperative-sticky')
  assert.equal(first, '0,1')
})

test('a consumer without an assignor in common with the group is refused', async t => {
  const world = await World.make(t)
  const one = await world.begin({ assignors: ['range'] })
  const { failed, close } = await world.begin()
  assert(isMillraceError(failed(), 'INCONSISTENT_GROUP_PROTOCOL'), String(failed()))
  await close()
  await one.close()
})

test('a static consumer that is back within its session has its partitions, without a rebalance', async t => {
  const world = await World.make(t)
  const one = await world.begin({ instanceId: 'a' })
  const two = await world.begin({ instanceId: 'b', sessionTimeout: '10s' })
  const before = await world.described()
  await two.close()
  await world.pass(9000)
  assert.deepEqual(await world.described(), before)
  const back = await world.begin({ instanceId: 'b', sessionTimeout: '10s' })
  assert.deepEqual(await world.described(), before)
  await back.close()
  await world.pass(20_000)
  const [generation, shares] = await world.described()
  assert(generation > before[0])
  assert.deepEqual(shares, { a: '0,1,2,3' })
  await one.close()
})

test('a second consumer with an instance id replaces the first one', async t => {
  const world = await World.make(t)
  const one = await world.begin({ instanceId: 'a' })
  const two = await world.begin({ instanceId: 'a' })
  assert(isMillraceError(one.failed(), 'MEMBER_FENCED'), String(one.failed()))
  assert.equal(two.failed(), undefined)
  assert.deepEqual((await world.described())[1], { a: '0,1,2,3' })
  await one.close()
  await two.close()
})

test('a consumer that waits for a member that is away closes without it', async t => {
  const world = await World.make(t)
  const away = await world.begin({ instanceId: 'a', sessionTimeout: '10m' })
  await away.close()
  const waiting = await world.begin()
  const beforeMs = world.nowMs
  await waiting.close()
  assert(world.nowMs - beforeMs < 1000)
  assert.equal(waiting.failed(), undefined)
})

test('invalid options of a member are refused, by name', async t => {
  const world = await World.make(t)
  const cases: [ConsumerOptions, RegExp][] = [
    [{ assignors: ['range'] }, /'assignors' of the consumer of 'numbers' has no effect without 'group'/],
    [{ instanceId: 'a' }, /'instanceId' .* without 'group'/],
    [{ group, instanceId: 'x'.repeat(40_000) }, /instance id/],
    [{ group, sessionTimeout: '10s' }, /'sessionTimeout' .* without 'instanceId'/],
    [{ group, assignors: [] }, /'assignors' .* must be a list of cooperative-sticky and range/],
    [{ group, assignors: ['range', 'range'] }, /'assignors'/],
    [{ group, assignors: ['millrace' as 'range'] }, /'assignors'/],
    [{ group, instanceId: '' }, /'instanceId' .* must be text that is not empty/],
  ]
  for (const [options, message] of cases)
    assert.throws(
      () => world.log.consumer(numbers, options),
      error => isMillraceError(error, 'INVALID_ARGUMENT') && message.test(error.message),
      String(message),
    )
  const late: [ConsumerOptions, string, RegExp][] = [
    [{ instanceId: 'a', sessionTimeout: '1s' }, 'INVALID_SESSION_TIMEOUT', /6000 to 1800000 ms, not 1000/],
    [{ rebalanceTimeout: '25d' }, 'INVALID_ARGUMENT', /1 to 2147483647 ms, not 2160000000/],
  ]
  for (const [options, code, message] of late) {
    const { failed, close } = await world.begin(options)
    const error = failed()
    assert(isMillraceError(error) && error.code === code && message.test(error.message), String(error))
    await close()
  }
})
