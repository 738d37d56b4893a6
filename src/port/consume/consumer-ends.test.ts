/**
 * Every ending of a consumer is whole: a table of what it is doing by what happens to it. After each pair the
 * read settles, the loop is over, the member has left and nobody waits for it, and what was handed out and
 * processed is committed, nothing else.
 *
 * Partition 0 holds 0 to 4, and nothing reads partition 1, which is there to change hands.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as z from 'zod'
import { isMillraceError, MillraceError, type ErrorCode } from '../../base/index.ts'
import type { InProcessLog } from '../../broker/index.ts'
import { createLog, type Consumer, type Log, type LogPort } from '../index.ts'
import { append } from '../conformance/harness.ts'
import { topic } from '../../schema/index.ts'
import type { VirtualClock } from '../../testing/virtual-clock.ts'
import { settle } from '../../../test/settle.ts'
import { SimulatedLog } from '../../broker/simulated-log.test-support.ts'

const things = topic('things', { value: z.int(), partitions: 2 })
const group = 'g'

const states = ['joining', 'reading', 'in a body', 'committing', 'waiting'] as const
type State = (typeof states)[number]

/** What the read, or the one after the body, ends with: an error, or the end of the loop. */
type Outcome = ErrorCode | 'done'

const events: Record<
  string,
  { readonly outcome: Outcome; readonly orElse?: Outcome; readonly in?: readonly State[] }
> = {
  'an error': { outcome: 'MALFORMED_RECORD', in: ['reading', 'in a body', 'committing', 'waiting'] },
  'an error of the group': { outcome: 'DISK_FULL', in: ['joining'] },
  expulsion: { outcome: 'MEMBER_FENCED', in: ['in a body', 'committing', 'waiting'] },
  deletion: { outcome: 'UNKNOWN_TOPIC' },
  'close of the consumer': { outcome: 'done' },
  'close of the log': { outcome: 'done' },
  // It waits for the body for as long as the group does.
  'close of the port': { outcome: 'CLOSED', orElse: 'MEMBER_FENCED' },
  'break or throw': { outcome: 'done', in: ['in a body', 'committing'] },
}

/**
 * What is committed in each state once it has ended: 0 and 1 are processed before the body works on 2, and a
 * commit in the body takes that in.
 */
const committedIn: Record<State, number> = {
  joining: 0,
  reading: 5,
  'in a body': 2,
  committing: 3,
  waiting: 5,
}

for (const state of states)
  for (const [event, { outcome, orElse, in: within = states }] of Object.entries(events))
    if (within.includes(state))
      test(`${state}: ${event}`, async () => {
        const world = await World.make()
        const { clock, log, port } = world
        const consumer = log.consumer(things, { group, rebalanceTimeout: '1s' })
        const records = consumer[Symbol.asyncIterator]()
        const { reading } = await bringTo(state, world, records, consumer)
        reading.catch(() => undefined)

        const ending = cause(event, world, consumer, records)
        ending.catch(() => undefined)
        // A body that commits waits for that, however it ends.
        world.gate.resolve()
        const settled = await settle(clock, Promise.allSettled([reading, ending]))
        assert(
          settled.every(({ status }, index) => status === 'fulfilled' || index === 0 || outcome === 'CLOSED'),
        )
        await ends(clock, records, state, reading, state === 'in a body' ? (orElse ?? outcome) : outcome)
        assert.deepEqual(await settle(clock, records.next()), { value: undefined, done: true })

        if (event !== 'deletion') await check(world, event, state, port)
        await settle(clock, log.close()).catch(() => undefined)
        await settle(clock, world.simulated.close())
      })

class World {
  readonly simulated: SimulatedLog
  readonly port: InProcessLog
  readonly log: Log
  /** Holds back what the group asks and what is committed, as {@link blocks} says. */
  gate = Promise.withResolvers<void>()
  blocks: 'assigned' | 'commit' | undefined
  /** What the hooks of the member fail with. */
  failure: MillraceError | undefined

  private constructor(simulated: SimulatedLog, port: InProcessLog) {
    this.simulated = simulated
    this.port = port
    this.log = createLog(this.#controlled(port), simulated.clock)
  }

  static async make(): Promise<World> {
    const simulated = new SimulatedLog()
    const port = await simulated.open()
    await port.createTopic('things', { partitions: 2 })
    await append(await port.openWriter(), 'things', ['0', '1', '2', '3', '4'])
    return new World(simulated, port)
  }

  get clock(): VirtualClock {
    return this.simulated.clock
  }

  #controlled(port: InProcessLog): LogPort {
    const { gate } = this
    const blocked = async (what: 'assigned' | 'commit'): Promise<void> => {
      if (this.blocks === what) await gate.promise
      if (this.failure && what === 'assigned') throw this.failure
    }
    return new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target)
        if (typeof value !== 'function') return value
        if (name !== 'joinGroup') return value.bind(target)
        return async (options: Parameters<LogPort['joinGroup']>[0]) => {
          const membership = await target.joinGroup({
            ...options,
            onAssigned: async (...given) => {
              await blocked('assigned')
              await options.onAssigned(...given)
            },
            onRevoked: async (...given) => {
              if (this.failure) throw this.failure
              await options.onRevoked(...given)
            },
          })
          return Object.create(membership, {
            commit: {
              value: async (offsets: Parameters<typeof membership.commit>[0]) => {
                await blocked('commit')
                await membership.commit(offsets)
              },
            },
          }) as typeof membership
        }
      },
    })
  }
}

type Records = AsyncIterator<{ readonly value: number | null }, undefined>

/**
 * Has the consumer do what the state says; what is returned is what it is asked for, and settles when that
 * ends.
 */
async function bringTo(
  state: State,
  world: World,
  records: Records,
  consumer: Consumer<unknown, number>,
): Promise<{ readonly reading: Promise<unknown> }> {
  const { clock } = world
  const handedOut = { joining: 0, reading: 5, 'in a body': 3, committing: 3, waiting: 5 }[state]
  if (state === 'joining') world.blocks = 'assigned'
  for (let n = 0; n < handedOut; n += 1) assert.equal((await settle(clock, records.next())).value?.value, n)
  if (state === 'in a body') return { reading: Promise.resolve() }
  if (state === 'committing') {
    world.blocks = 'commit'
    return { reading: consumer.commit() }
  }
  const reading = records.next()
  if (state !== 'reading') await clock.advance(50)
  return { reading }
}

async function cause(
  event: string,
  world: World,
  consumer: Consumer<unknown, number>,
  records: Records,
): Promise<unknown> {
  const { clock, log, port } = world
  switch (event) {
    case 'an error':
      await append(await port.openWriter(), 'things', ['"not a number"'])
      return
    case 'an error of the group':
      world.failure = new MillraceError('DISK_FULL', 'no room for the test')
      return
    case 'expulsion':
      // What is processed is committed by itself before.
      await clock.advance(1000)
      world.failure = new MillraceError('MEMBER_FENCED', 'too late')
      await (await port.joinGroup({ group, topics: [['things']], ...hooks() })).leave()
      await clock.advance(5)
      return
    case 'deletion':
      return await port.deleteTopic('things')
    case 'close of the consumer':
      return await consumer.close()
    case 'close of the log':
      return await log.close()
    case 'close of the port':
      return await port.close()
    default:
      return await records.return?.()
  }
}

const hooks = () => ({ onAssigned: () => undefined, onRevoked: () => undefined, onLost: () => undefined })

/** The read in flight has ended as it should, or the next one does. */
async function ends(
  clock: VirtualClock,
  records: Records,
  state: State,
  reading: Promise<unknown>,
  outcome: Outcome,
): Promise<void> {
  const outcomeOf = async (read: Promise<unknown>): Promise<Outcome | 'record'> => {
    try {
      const result = (await read) as IteratorResult<unknown>
      return result.done ? 'done' : 'record'
    } catch (error) {
      assert(isMillraceError(error), String(error))
      return error.code
    }
  }
  const next = (): Promise<unknown> => settle(clock, records.next())
  let found = await outcomeOf(state === 'in a body' || state === 'committing' ? next() : reading)
  // What was read before an error is handed out first.
  while (found === 'record') found = await outcomeOf(next())
  assert.equal(found, outcome)
}

async function check(world: World, event: string, state: State, open: InProcessLog): Promise<void> {
  const { clock, simulated } = world
  const isClosed = event === 'close of the log' || event === 'close of the port'
  const port = isClosed ? await simulated.open() : open
  // After an error in a body the rest of the batch is handed out first.
  const committed = event === 'an error' ? 5 : committedIn[state]
  const [offset] = await port.committedOffsets(group, [{ topic: 'things', partition: 0 }])
  assert.equal(offset?.offset ?? 0, committed)
  // The member is gone: another one gets everything, at once.
  const began = clock.monotonic()
  const membership = await settle(clock, port.joinGroup({ group, topics: [['things']], ...hooks() }))
  assert.equal(membership.assignment.length, 2)
  assert(clock.monotonic() - began < 100)
  await settle(clock, membership.leave())
}
