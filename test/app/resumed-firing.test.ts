/**
 * Firing that a commit interrupted, followed by a loss of power. The next run first continues the firing, and
 * only then takes records or ends. Otherwise a late record would change a window that has fired according to
 * the log, but not according to its task. Its correction would then never be written.
 */
import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { json, text, topic, windowed } from '../../src/schema/index.ts'
import { App, hopping, session, tumbling, type Windows } from '../../src/stream/index.ts'
import { type Incoming, World } from './world.ts'

const input = topic('input', { key: text(), value: json<number>() })
const counts = topic('counts', { key: windowed(text()), value: json<string>(), partitions: 1 })

const keys = 40

/** Operators behind one exchange, and so in one task. Each result takes `resultMs`. */
function counting(world: World, all: readonly Windows[], resultMs: number): App {
  const app = new App('app')
  const grouped = app.stream(input).groupBy((_, key) => key)
  for (const [n, windows] of all.entries()) {
    const counted =
      windows.kind === 'session' ? grouped.windowedBy(windows).count() : grouped.windowedBy(windows).count()
    counted
      .emit('final')
      .mapValues(count => {
        world.clock.block(resultMs)
        return `operator ${n}: ${count}`
      })
      .to(counts)
  }
  return app
}

const eachKey = (timestamp: number): Incoming[] =>
  Array.from({ length: keys }, (_, n) => ({ key: `k${n}`, value: 1, timestamp }))
const first = [...eachKey(10), { key: 'end', value: 1, timestamp: 1000 }]
/** The windows of these records have fired, and still accept them. */
const late = eachKey(20)

async function resultsOf(world: World): Promise<string[]> {
  const found = await world.read('counts')
  return found.map(({ key, value, headers }) => `${key} ${value} ${headers['millrace.pane']}`).sort()
}

async function undisturbed(windows: readonly Windows[], isLate: boolean): Promise<string[]> {
  const world = await World.open()
  await world.write('input', first)
  if (isLate) await world.write('input', late)
  await world.run(counting(world, windows, 0), { until: 'end' })
  return await resultsOf(world)
}

const options = { allowedLateness: 5000 }
const rows: readonly { readonly name: string; readonly windows: readonly Windows[] }[] = [
  { name: 'tumbling', windows: [tumbling(100, options)] },
  { name: 'hopping', windows: [hopping(100, 50, options)] },
  { name: 'session', windows: [session(100, options)] },
  { name: 'three operators', windows: [tumbling(100, options), session(100, options), hopping(100, 50)] },
]

for (const { name, windows } of rows)
  for (const isLate of [true, false])
    test(`interrupted firing continues before ${isLate ? 'records' : 'the end of the run'}: ${name}`, async () => {
      const expected = await undisturbed(windows, isLate)
      for (const exchange of ['memory', 'topic'] as const)
        for (const part of [0.1, 0.5, 0.9]) {
          const world = await World.open()
          await world.write('input', first)
          const seen = { cut: false }
          const { instance } = world.start(counting(world, windows, 10), {
            exchange,
            commitInterval: 50,
            onPhase: phase => {
              if (phase !== 'committed' || seen.cut) return
              seen.cut = instance.metrics.results['on-time'] > part * keys * windows.length
            },
          })
          while (!seen.cut) await world.clock.advance(5)
          await world.crash()
          const fired = (await resultsOf(world)).length
          const label = `${exchange}, ${fired} had fired`
          ok(fired > 0 && fired < expected.length, label)
          if (isLate) await world.write('input', late)
          await world.run(counting(world, windows, 0), { until: 'end', exchange })
          deepEqual(await resultsOf(world), expected, label)
        }
    })
