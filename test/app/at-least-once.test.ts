/** At least once: after a crash a record may come twice, and none is lost. */
import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import type { Random } from '../../src/base/index.ts'
import type { GroupMembership, LogPort, Writer } from '../../src/port/index.ts'
import { json, text, topic } from '../../src/schema/index.ts'
import { App, tumbling } from '../../src/stream/index.ts'
import { forSeeds } from '../for-seeds.ts'
import { type Files, inPlaceOf, World } from './world.ts'

const records = 60
const input = topic('input', { key: text(), value: json<number>() })
const copies = topic('copies', { key: text(), value: json<number>(), partitions: 2 })
const totals = topic('totals', { key: text(), value: json<number>(), partitions: 1 })

function program(): App {
  const app = new App('app')
  const numbers = app.stream(input)
  numbers.to(copies)
  numbers
    .groupBy(n => `mod ${n % 3}`)
    .count()
    .to(totals)
  return app
}

/**
 * A log that never answers the n-th commit of offsets: everything is written, and nobody learns how far the
 * app got.
 */
function withoutCommits(port: LogPort, after: number): LogPort {
  let commits = 0
  const joinGroup: LogPort['joinGroup'] = async group => {
    const membership = await port.joinGroup(group)
    const commit: GroupMembership['commit'] = async offsets => {
      commits += 1
      if (commits > after) await new Promise(() => {})
      await membership.commit(offsets)
    }
    return new Proxy(membership, inPlaceOf<GroupMembership>({ commit }))
  }
  return new Proxy(port, inPlaceOf<LogPort>({ joinGroup }))
}

async function oneCase(random: Random, seed: number): Promise<number> {
  const world = await World.open(seed)
  const options = {
    until: 'now' as const,
    guarantee: 'at-least-once' as const,
    exchange: random.int(2) === 0 ? ('memory' as const) : ('topic' as const),
    commitInterval: 1 + random.int(10),
  }
  await world.write(
    'input',
    Array.from({ length: records }, (_, n) => ({ key: `k${n}`, value: n, timestamp: n, partition: n % 2 })),
    { partitions: 2, perBatch: 1 + random.int(5) },
  )
  for (let crashes = 0; crashes < 4; crashes += 1) {
    const port = random.int(2) === 0 ? world.port : withoutCommits(world.port, random.int(3))
    const running = world.start(program(), options, port)
    for (let n = random.int(8); n > 0 && running.outcome() === 'running'; n -= 1)
      await world.clock.advance(random.int(4))
    await world.crash()
  }
  await world.run(program(), options)

  const label = JSON.stringify(options)
  const found = (await world.read('copies')).map(({ value }) => Number(value))
  const all = Array.from({ length: records }, (_, n) => n)
  deepEqual(
    [...new Set(found)].sort((a, b) => a - b),
    all,
    label,
  )
  const last = new Map((await world.read('totals')).map(({ key, value }) => [key, Number(value)]))
  for (const key of ['mod 0', 'mod 1', 'mod 2']) ok((last.get(key) ?? 0) >= records / 3, `${key}, ${label}`)
  return found.length - records
}

test('at-least-once loses nothing over crashes, and does repeat records', () =>
  // A run without a duplicate did not crash.
  forSeeds(300, oneCase, duplicates => ok(duplicates.some(count => count > 0))))

test('without a crash every record comes once', async () => {
  const world = await World.open()
  await world.write(
    'input',
    [0, 1, 2, 3].map(n => ({ key: `k${n}`, value: n })),
  )
  for (let runs = 0; runs < 2; runs += 1)
    await world.run(program(), { until: 'now', guarantee: 'at-least-once', exchange: 'topic' })
  deepEqual((await world.read('copies')).map(({ value }) => `${value}`).sort(), ['0', '1', '2', '3'])
  deepEqual((await world.read('totals')).map(({ key, value }) => `${key} ${value}`).sort(), [
    'mod 0 1',
    'mod 0 2',
    'mod 1 1',
    'mod 2 1',
  ])
})

test('offsets are committed only after all results of their records are acknowledged', async () => {
  const world = await World.open()
  await world.write('input', [{ key: 'a', value: 1 }])
  const acknowledging = Promise.withResolvers<void>()
  const openWriter: LogPort['openWriter'] = async options => {
    const writer = await world.port.openWriter(options)
    const append: Writer['append'] = async (...args) => {
      const receipt = await writer.append(...args)
      await acknowledging.promise
      return receipt
    }
    return new Proxy(writer, inPlaceOf<Writer>({ append }))
  }
  const port = new Proxy(world.port, inPlaceOf<LogPort>({ openWriter }))
  const running = world.start(program(), { guarantee: 'at-least-once' }, port)
  const committed = async (): Promise<number | undefined> => {
    const offsets = await world.port.committedOffsets('app', [{ topic: 'input', partition: 0 }])
    return offsets[0]?.offset
  }
  await world.clock.advance(5000)
  deepEqual([running.outcome(), await committed()], ['running', undefined])
  acknowledging.resolve()
  await world.clock.advance(1000)
  deepEqual(await committed(), 1)
  await world.stop(running)
})

test('under at-least-once no window fires with only some of its records, over either exchange', async () => {
  const perWindow = 10
  const windows = (): App => {
    const app = new App('app')
    app
      .stream(input)
      .groupBy(n => `mod ${(n ?? 0) % 2}`)
      .windowedBy(tumbling(perWindow))
      .count()
      .emit('final')
      .to(topic('fired', { key: json<unknown>(), value: json<number>(), partitions: 1 }))
    return app
  }
  await forSeeds(200, async (random, seed) => {
    const world = await World.open(seed)
    const options = {
      guarantee: 'at-least-once' as const,
      exchange: random.int(4) === 0 ? ('memory' as const) : ('topic' as const),
      commitInterval: 1,
      dirtyBytesMax: 1 + random.int(400),
    }
    let written = 0
    for (let crashes = 0; crashes < 4; crashes += 1) {
      const more = 5 + random.int(20)
      await world.write(
        'input',
        Array.from({ length: more }, (_, i) => ({ key: 'k', value: written + i, timestamp: written + i })),
        { perBatch: 1 + random.int(5) },
      )
      written += more
      const running = world.start(windows(), options, withoutCommits(world.port, random.int(5)))
      for (let step = random.int(10); step > 0 && running.outcome() === 'running'; step -= 1)
        await world.clock.advance(random.int(4))
      ok(running.outcome() === 'running')
      await world.crash()
    }
    await world.run(windows(), { ...options, until: 'end' })
    const last = new Map((await world.read('fired')).map(({ key, value }) => [key, Number(value)]))
    for (let start = 0; start < written; start += perWindow)
      for (const mod of [0, 1]) {
        const key = JSON.stringify({ end: start + perWindow, key: `mod ${mod}`, start })
        const right = Array.from(
          { length: Math.min(perWindow, written - start) },
          (_, i) => start + i,
        ).filter(value => value % 2 === mod).length
        ok((last.get(key) ?? 0) >= right, `${key} has ${last.get(key)} of ${right}`)
      }
  })
})

test('offsets that are committed together survive or are lost together, wherever a crash cuts', async () => {
  // A rewrite takes many batches.
  const limits = { internal: { segmentBytes: 20_000, batchBytes: 300 } }
  const world = await World.open(1, limits)
  const partitions = [0, 1, 2, 3, 4, 5].map(partition => ({ topic: 'input', partition }))
  await world.write(
    'input',
    partitions.flatMap(({ partition }) => [1, 2].map(value => ({ key: 'k', value, partition }))),
    { partitions: partitions.length },
  )
  const commit = (offset: number): Promise<void> =>
    world.settle(
      world.port.setOffsets(
        'group',
        partitions.map(each => ({ ...each, offset, metadata: 'm'.repeat(250) })),
      ),
    )
  const logOf = (files: Files): [path: string, bytes: Uint8Array] =>
    [...files].find(([path]) => /consumer_offsets.*\.log$/.test(path))!
  await commit(1)
  const before = logOf(await world.files())[1].length
  await commit(2)
  const files = await world.files()
  const [path, bytes] = logOf(files)
  const found = new Set<number | undefined>()
  for (let cut = before; cut < bytes.length; cut += 40) {
    const after = await World.over(new Map([...files, [path, bytes.subarray(0, cut)]]), limits)
    const offsets = await after.settle(after.port.committedOffsets('group', partitions))
    const [first, ...others] = new Set(offsets.map(each => each?.offset))
    deepEqual(others, [], `cut off at ${cut - before}`)
    found.add(first)
    await after.settle(after.port.close())
  }
  deepEqual(found, new Set([1]))
})
