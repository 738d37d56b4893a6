/**
 * Whatever happens to an app, in any state: its run settles with the right code, it releases everything, and
 * it has committed a prefix of its input. The table is every state by every event.
 */
import { deepEqual, doesNotMatch, equal, match, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { isMillraceError, MillraceError, type ErrorCode } from '../../src/base/index.ts'
import type { LogPort, Writer } from '../../src/port/index.ts'
import { json, text, topic } from '../../src/schema/index.ts'
import { App, type RunOptions } from '../../src/stream/index.ts'
import { inPlaceOf, type Running, World } from './world.ts'

const input = topic('input', { key: text(), value: json<number>() })
const totals = topic('totals', { key: text(), value: json<number>(), partitions: 1 })
const records = 300

/** Counts; `each` is called for every record. */
function counting(each: () => void = () => {}): App {
  const app = new App('app')
  app
    .stream(input)
    .peek(() => each())
    .groupByKey()
    .count()
    .to(totals)
  return app
}

/** Brings an app to a state and holds it there until it is released. */
interface Held {
  readonly running: Running
  readonly letGo: () => void
}
/** `log`: the log that the app runs over. */
type State = (world: World, options: RunOptions, log: LogPort) => Promise<Held>

/** Holds the app in a call of the log: the first one, or the first as a member of its group. */
const inCall =
  (method: 'describeTopic' | 'joinGroup' | 'committedOffsets', asMember = false): State =>
  async (world, options, log) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const seen = { reached: false, joined: !asMember }
    const held = async (...args: unknown[]): Promise<unknown> => {
      if (seen.joined) {
        seen.reached = true
        await promise
      }
      return await (log[method] as (...args: unknown[]) => Promise<unknown>)(...args)
    }
    const joinGroup: LogPort['joinGroup'] = joined => {
      seen.joined = true
      return log.joinGroup(joined)
    }
    const port = new Proxy(log, inPlaceOf<LogPort>({ joinGroup, [method]: held }))
    const running = world.start(counting(), options, port)
    while (!seen.reached) await world.clock.advance(1)
    return { running, letGo: resolve }
  }

/** Holds the app in a call of its writer. */
const inWriter =
  (method: 'append' | 'commit'): State =>
  async (world, options, log) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const seen = { reached: false }
    const openWriter: LogPort['openWriter'] = async writerOptions => {
      const writer = await log.openWriter(writerOptions)
      const held = async (...args: unknown[]): Promise<unknown> => {
        seen.reached = true
        await promise
        return await (writer[method] as (...args: unknown[]) => Promise<unknown>)(...args)
      }
      return new Proxy(writer, inPlaceOf<Writer>({ [method]: held }))
    }
    const running = world.start(counting(), options, new Proxy(log, inPlaceOf<LogPort>({ openWriter })))
    while (!seen.reached) await world.clock.advance(1)
    return { running, letGo: resolve }
  }

const states: Record<string, State> = {
  starting: inCall('describeTopic'),
  joining: inCall('joinGroup'),
  'looking up where to begin': inCall('committedOffsets'),
  'restoring its state': inCall('committedOffsets', true),
  async 'inside a long batch'(world, options, log) {
    const app = counting(() => world.clock.block(20))
    const running = world.start(app, { ...options, commitInterval: '1h' }, log)
    while (running.instance.progress().records === 0) await world.clock.advance(1)
    return { running, letGo: () => {} }
  },
  writing: inWriter('append'),
  committing: inWriter('commit'),
  async waiting(world, options, log) {
    const running = world.start(counting(), options, log)
    await world.clock.advance(1000)
    return { running, letGo: () => {} }
  },
  async stopping(world, options, log) {
    const held = await inWriter('commit')(world, options, log)
    held.running.instance.stop()
    return held
  },
}

interface Event {
  /** Resolves when the event has happened, which may require that the app was released. */
  happen(world: World, running: Running): Promise<unknown>
  /** The code that the run ends with; if absent, the run is stopped. */
  readonly codes: readonly ErrorCode[]
  /** The states in which the event possibly does not affect the run, which is then stopped. */
  readonly harmless?: readonly string[]
  /** How the next run is started. */
  readonly next?: RunOptions
  /** The world is not used after this event. */
  readonly isEnd?: boolean
  /** The event happens before the app is released. */
  readonly isBefore?: boolean
  /** What the app runs over. Default: the world's log. */
  readonly log?: (world: World) => LogPort
  readonly exchange?: 'topic'
}

const rebalanceMs = 1000

/** A member that never gives a partition back, and so is expelled once another member joins. */
const unwilling =
  (port: LogPort): LogPort['joinGroup'] =>
  options =>
    port.joinGroup({
      ...options,
      rebalanceTimeoutMs: rebalanceMs,
      onRevoked: () => Promise.withResolvers<void>().promise,
    })

/** Another member of the app's group. */
const joining = (port: LogPort): ReturnType<LogPort['joinGroup']> =>
  port.joinGroup({
    group: 'app',
    protocol: 'streams',
    topics: [['input']],
    onAssigned: () => {},
    onRevoked: () => {},
    onLost: () => {},
  })

/** The run has not begun to read, or has read everything that it needs. */
const notReading = ['starting', 'joining', 'looking up where to begin', 'stopping']

const events: Record<string, Event> = {
  stop: {
    happen: (_, { instance }) => Promise.resolve(instance.stop()),
    codes: [],
  },
  'the deletion of its source': {
    // A live run that has not looked up the topic yet creates it again.
    async happen(world, { instance }) {
      await world.port.deleteTopic('input')
      await world.clock.advance(1000)
      instance.stop()
    },
    codes: ['UNKNOWN_TOPIC'],
    harmless: notReading,
    next: { restart: true },
  },
  'its source deleted and created again': {
    async happen(world, { instance }) {
      await world.port.deleteTopic('input')
      await world.port.createTopic('input', { partitions: 2 })
      await world.clock.advance(1000)
      instance.stop()
    },
    codes: ['UNKNOWN_TOPIC'],
    harmless: notReading,
    next: { restart: true },
  },
  'the deletion of what it writes': {
    // The run gets the error at its next write.
    async happen(world, { instance, outcome }) {
      await world.port.deleteTopic('totals').catch((error: unknown) => {
        if (!isMillraceError(error, 'UNKNOWN_TOPIC')) throw error
      })
      if (outcome() === 'running') await world.write('input', [{ key: 'a', value: 1 }])
      await world.clock.advance(1000)
      instance.stop()
    },
    codes: ['UNKNOWN_TOPIC'],
    harmless: notReading,
  },
  'another instance of its id': {
    exchange: 'topic',
    // The instance that opened its writer last remains.
    async happen(world, { instance }) {
      const other = world.start(counting(), { exchange: 'topic' })
      await world.clock.advance(2000)
      instance.stop()
      other.instance.stop()
      await other.done.catch(() => {})
    },
    codes: ['PRODUCER_FENCED', 'MEMBER_FENCED'],
    harmless: notReading,
  },
  'its expulsion from the group': {
    exchange: 'topic',
    isBefore: true,
    log: ({ port }) => new Proxy(port, inPlaceOf<LogPort>({ joinGroup: unwilling(port) })),
    async happen(world, { instance }) {
      const other = joining(world.port)
      await world.clock.advance(3 * rebalanceMs)
      await (await other).leave()
      await world.clock.advance(100)
      instance.stop()
    },
    codes: ['MEMBER_FENCED'],
    // The app is not a member yet, or no longer one.
    harmless: ['starting', 'joining', 'looking up where to begin', 'stopping'],
  },
  'the end of its log': {
    happen: ({ port }) => port.close(),
    codes: ['CLOSED'],
    harmless: ['stopping'],
    isEnd: true,
  },
}

for (const [eventName, event] of Object.entries(events))
  for (const [stateName, reach] of Object.entries(states)) {
    test(`settles and releases everything after ${eventName}, while an app is ${stateName}`, async () => {
      const world = await World.open()
      const values = Array.from({ length: records }, (_, n) => ({ key: 'a', value: n, timestamp: n }))
      await world.write('input', values, { partitions: 2 })
      const options: RunOptions = { exchange: event.exchange ?? 'memory' }
      // What the other instance has done counts for the app.
      const { running, letGo } = await reach(world, options, event.log?.(world) ?? world.port)
      const happening = event.happen(world, running)
      if (event.isBefore) await happening
      else await Promise.race([happening, world.clock.advance(10)])
      letGo()
      const [outcome] = await world.settle(Promise.allSettled([running.done, happening]))

      const error = outcome.status === 'rejected' ? (outcome.reason as Error) : undefined
      const code = error instanceof MillraceError ? error.code : undefined
      if (error === undefined)
        ok(event.codes.length === 0 || event.harmless?.includes(stateName), 'it ended well')
      else ok(code && event.codes.includes(code), error.message)
      const { state, error: told } = running.instance.progress()
      deepEqual([state, told], error === undefined ? ['stopped', undefined] : ['failed', error])
      if (event.isEnd) return

      // The app has released its lock, its group and its transaction: the next run begins at once.
      if (!(await world.settle(world.port.describeTopic('input'))))
        await world.write('input', [], { partitions: 2 })
      await world.write('input', [{ key: 'a', value: 1 }])
      await world.run(counting(), { ...options, ...event.next, until: 'now' })
      if (event.next?.restart) return
      const counts = (await world.read('totals')).map(({ value }) => Number(value))
      const first = counts[0] ?? 0
      deepEqual(
        counts,
        Array.from(counts, (_, n) => first + n),
      )
      if (!eventName.includes('what it writes')) equal(first, 1)
    })
  }

test('a run that fails while it gives partitions away says what failed', async () => {
  const world = await World.open()
  await world.write('input', [{ key: 'a', value: 1 }], { partitions: 2 })
  const { instance, done } = world.start(counting(), { exchange: 'topic', commitInterval: '1h' })
  await world.clock.advance(1000)
  await world.settle(world.port.deleteTopic('totals'))
  await world.write('input', [{ key: 'a', value: 1 }])
  await world.clock.advance(100)
  equal(instance.progress().state, 'running')
  const other = joining(world.port)
  const error = await world.settle(
    done.then(
      () => undefined,
      (reason: unknown) => reason,
    ),
  )
  ok(isMillraceError(error, 'UNKNOWN_TOPIC'), String(error))
  match(error.message, /'totals'.*deleted.*Start the app again/)
  // This would lose data: the input is still there.
  doesNotMatch(error.message, /restart/)
  await (await other).leave()
})

test('messages of a run that was ended name the app and what to do', async () => {
  const messageOf = async (event: Event): Promise<string> => {
    const world = await World.open()
    await world.write('input', [{ key: 'a', value: 1 }], { partitions: 2 })
    const { running } = await states['waiting']!(
      world,
      { exchange: event.exchange ?? 'memory' },
      event.log?.(world) ?? world.port,
    )
    await world.settle(event.happen(world, running))
    return await world.settle(
      running.done.then(
        () => 'no error',
        (error: Error) => error.message,
      ),
    )
  }
  match(
    await messageOf(events['the deletion of its source']!),
    /'app'.*'input' was deleted.*\{ restart: true \}/,
  )
  match(await messageOf(events['the deletion of what it writes']!), /'totals'.*deleted.*Start the app again/)
  match(await messageOf(events['another instance of its id']!), /Instance '0'.*'app'.*\{ instance: 'a' \}/)
  match(await messageOf(events['the end of its log']!), /under the app 'app'.*log\.close\(\)/)
})
