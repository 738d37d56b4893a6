/** The topics that an app keeps for itself: how they are configured, and that they stay small. */
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { isMillraceError } from '../../src/base/index.ts'
import type { GroupMembership, LogPort } from '../../src/port/index.ts'
import { json, text, topic } from '../../src/schema/index.ts'
import { App, type RunOptions } from '../../src/stream/index.ts'
import { keptTombstonesMs } from '../../src/stream/plan/own-topic-configs.ts'
import { scale, soak } from '../scale.ts'
import { resume, unpack } from './versions.ts'
import { inPlaceOf, World } from './world.ts'

const input = topic('input', { key: text(), value: json<number>() })
const totals = topic('totals', { key: text(), value: json<number>(), partitions: 1 })

function counting(): App {
  const app = new App('app')
  app.stream(input).groupByKey().count({ name: 'count' }).to(totals)
  return app
}
const changelog = 'app-count-aggregate-changelog'

const configOf = async (world: World, name: string, config: string): Promise<string> => {
  const [found] = await world.settle(world.port.admin.describeConfigs({ type: 'topic', name }, [config]))
  return found?.value ?? ''
}

test('changelogs are compacted, also those of an earlier version, and keep what was set', async () => {
  const world = await World.open()
  await world.write('input', [{ key: 'a', value: 1 }])
  await world.run(counting(), { until: 'now' })
  equal(await configOf(world, changelog, 'cleanup.policy'), 'compact')
  equal(await configOf(world, changelog, 'min.compaction.lag.ms'), '0')
  const set = { name: 'segment.ms', op: 'set', value: 5000 } as const
  await world.settle(world.port.admin.alterConfigs({ type: 'topic', name: changelog }, [set]))
  await world.run(counting(), { until: 'now', guarantee: 'at-least-once' })
  equal(await configOf(world, changelog, 'segment.ms'), '5000')
  equal(await configOf(world, changelog, 'min.compaction.lag.ms'), String(86_400_000))
  await world.run(counting(), { until: 'now' })
  equal(await configOf(world, changelog, 'min.compaction.lag.ms'), String(86_400_000), 'once is enough')
  equal(await configOf(world, changelog, 'segment.ms'), '5000')

  const fixture = new URL('fixtures/log-of-3a06ab1.txt', import.meta.url)
  const { ownTopics } = await resume(unpack(readFileSync(fixture, 'utf8')))
  const compacted = ownTopics.filter(([, policy]) => policy === 'compact').map(([name]) => name)
  deepEqual(
    compacted,
    ownTopics.map(([name]) => name).filter(name => name.endsWith('-changelog') && !name.includes('-plan-')),
  )
  ok(compacted.length > 5)
})

test('no default of the broker reaches the topics of an app, and the guarantee may change', async () => {
  const world = await World.open()
  const defaults = {
    'log.cleaner.max.compaction.lag.ms': 3_600_000,
    'log.cleaner.min.compaction.lag.ms': 60_000,
    'log.cleaner.min.cleanable.ratio': 1,
    'log.cleaner.delete.retention.ms': 1,
    'log.index.size.max.bytes': 100,
    'log.index.interval.bytes': 1,
    'log.segment.bytes': 1000,
    'log.roll.ms': 1000,
    'log.cleanup.policy': 'compact,delete',
    'log.retention.ms': 1000,
  }
  const changes = Object.entries(defaults).map(([name, value]) => ({ name, op: 'set', value }) as const)
  await world.write('input', [{ key: 'a', value: 1 }])
  await world.settle(world.port.admin.alterConfigs({ type: 'broker' }, changes))
  await world.run(grouping(), { until: 'now', exchange: 'topic' })
  const groups = 'app-groups-aggregate-changelog'
  const { 'log.retention.ms': _whole, ...acted } = defaults
  const affected = Object.keys(acted)
  for (const name of [groups, exchange]) {
    const all = await world.settle(world.port.admin.describeConfigs({ type: 'topic', name }))
    // Without the policy compact, the configs of compaction have no effect.
    const inherited = all
      .filter(({ synonyms }) => synonyms[0] && affected.includes(synonyms[0].name))
      .filter(config => name === groups || !/compaction|cleanable|delete\.retention/.test(config.name))
    deepEqual(
      inherited.map(config => config.name),
      [],
    )
  }
  equal(await configOf(world, groups, 'segment.ms'), '60000')

  // At least once, a shorter maximum than the minimum would be refused.
  const lag = { name: 'max.compaction.lag.ms', op: 'set', value: 3_600_000 } as const
  await world.settle(world.port.admin.alterConfigs({ type: 'topic', name: groups }, [lag]))
  await world.run(grouping(), { until: 'now', exchange: 'topic', guarantee: 'at-least-once' })
  equal(await configOf(world, groups, 'segment.ms'), '3600000')
  equal(await configOf(world, groups, 'min.compaction.lag.ms'), String(86_400_000))
  equal(await configOf(world, groups, 'max.compaction.lag.ms'), '9223372036854775807')
})

test('what the results of an app depend on is not altered, and is set again where it was', async () => {
  const world = await World.open()
  await world.write('input', [{ key: 'a', value: 1 }])
  const wrong = {
    'cleanup.policy': 'compact',
    'message.timestamp.type': 'LogAppendTime',
    'message.timestamp.before.max.ms': '10',
    'retention.ms': '1000',
  }
  // As an earlier version let it be altered.
  await world.settle(world.port.createTopic(exchange, { partitions: 1, app: 'app', configs: wrong }))
  await world.run(grouping(), { until: 'now', exchange: 'topic' })
  const right = {
    'cleanup.policy': 'delete',
    'message.timestamp.type': 'CreateTime',
    'message.timestamp.before.max.ms': '9223372036854775807',
    'retention.ms': '-1',
  }
  for (const [config, value] of Object.entries(right)) equal(await configOf(world, exchange, config), value)
  const resource = { type: 'topic', name: exchange } as const
  for (const [name, value] of Object.entries(wrong))
    await rejects(
      world.settle(world.port.admin.alterConfigs(resource, [{ name, op: 'set', value }])),
      (error: unknown) => isMillraceError(error, 'INVALID_CONFIG') && error.message.includes("the app 'app'"),
    )
  await world.settle(
    world.port.admin.alterConfigs(resource, [{ name: 'segment.ms', op: 'set', value: 5000 }]),
  )
})

test('an app keeps tombstones for a minute at the least, and longer where somebody says so', async () => {
  const world = await World.open()
  await world.write('input', [{ key: 'a', value: 1 }])
  await world.run(counting(), { until: 'now' })
  for (const [set, found] of [
    [0, '600000'],
    [59_999, '600000'],
    [70_000, '70000'],
  ]) {
    const config = { name: 'delete.retention.ms', op: 'set', value: set! } as const
    await world.settle(world.port.admin.alterConfigs({ type: 'topic', name: changelog }, [config]))
    await world.run(counting(), { until: 'now' })
    equal(await configOf(world, changelog, 'delete.retention.ms'), found)
    equal(await keptTombstonesMs(world.port, changelog), Number(found))
  }
})

/** A log that never answers a commit of offsets. */
function withoutCommits(port: LogPort): LogPort {
  const joinGroup: LogPort['joinGroup'] = async group => {
    const commit: GroupMembership['commit'] = () => new Promise(() => {})
    return new Proxy(await port.joinGroup(group), inPlaceOf<GroupMembership>({ commit }))
  }
  return new Proxy(port, inPlaceOf<LogPort>({ joinGroup }))
}

test('at least once, a day after a crash, changes without a commit are refused where they may have replaced others', async () => {
  for (const [days, key] of [
    [0, 'new'],
    [2, 'old'],
    [2, 'new'],
  ] as const) {
    const world = await World.open()
    const options = { until: 'now', guarantee: 'at-least-once' } as const
    await world.write('input', [{ key: 'old', value: 1 }])
    await world.run(counting(), options)
    equal(await configOf(world, changelog, 'segment.ms'), String(3_600_000))
    await world.write('input', [{ key, value: 1 }])
    world.start(counting(), options, withoutCommits(world.port))
    await world.clock.advance(1000)
    await world.crash()
    await world.clock.advance(days * 86_400_000)
    const running = world.run(counting(), options)
    if (days > 0 && key === 'new') {
      const error = await running.then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      ok(isMillraceError(error, 'STATE_INCOMPATIBLE'), String(error))
      match(error.message, /no commit counts.*restart: true/s)
      await world.run(counting(), { ...options, restart: true })
    } else await running
    const counts = new Map((await world.read('totals')).map(({ key: of, value }) => [of, value]))
    equal(counts.get(key), key === 'new' ? '1' : '2')
  }
})

/** Counts per group, behind an exchange. */
function grouping(): App {
  const app = new App('app')
  app
    .stream(input)
    .groupBy(n => `group ${n % 10}`)
    .count({ name: 'groups' })
    .to(totals)
  return app
}
const exchange = 'app-select-key-1-exchange-repartition'

/** The bytes of the files of the topics whose names match. */
async function bytesOf(world: World, name: RegExp): Promise<number> {
  let bytes = 0
  for (const [path, { length }] of await world.files())
    if (name.test(path.split('/')[2] ?? '') && path.endsWith('.log')) bytes += length
  return bytes
}

test('a topic between stages is purged behind the commits, and stops growing', async () => {
  const world = await World.open(1, {
    internal: { segmentBytes: 100_000, rewriteBytes: 50_000, batchBytes: 20_000, replayBytes: 40_000 },
  })
  const options: RunOptions = { exchange: 'topic', commitInterval: 100 }
  const configs = { 'segment.bytes': 20_000 }
  await world.settle(world.port.createTopic(exchange, { partitions: 2, app: 'app', configs }))
  let sent = 0
  const minutes = async (count: number): Promise<void> => {
    for (let second = 0; second < 60 * count; second += 1) {
      const records = Array.from({ length: 10 }, () => ({
        key: 'k',
        value: (sent += 1),
        partition: sent % 2,
      }))
      await world.write('input', records, { partitions: 2 })
      await world.clock.advance(1000)
    }
  }
  const running = world.start(grouping(), options)
  await minutes(scale(30))
  equal(await configOf(world, exchange, 'segment.ms'), String(600_000))
  const own = /-repartition-|^__/
  const before = await bytesOf(world, own)
  await minutes(scale(30))
  const after = await bytesOf(world, own)
  ok(after < before * 1.5 + 40_000, `${before} bytes grew to ${after}`)
  await world.stop(running)

  // A short run begins by deleting what the last one had read.
  for (const partition of [0, 1]) {
    const [committed] = await world.settle(
      world.port.committedOffsets('app', [{ topic: exchange, partition }]),
    )
    await world.write('input', [{ key: 'k', value: (sent += 1), partition }])
    await world.run(grouping(), { ...options, until: 'now' })
    equal(await world.settle(world.port.offsets(exchange, partition, 'earliest')), committed?.offset)
  }
  const totalsOf = new Map((await world.read('totals')).map(({ key, value }) => [key, Number(value)]))
  equal(
    [...totalsOf.values()].reduce((sum, count) => sum + count, 0),
    sent,
  )
})

/** A count per key, with both kinds of topics of an app's own: a changelog, and one between the stages. */
function countingByNumber(): App {
  const app = new App('app')
  app
    .stream(input)
    .groupBy(n => `key ${n % 1000}`)
    .count({ name: 'keys' })
    .to(totals)
  return app
}

/** What an app's own topics take, with the files that are made from them. */
interface Own {
  readonly bytes: number
  readonly files: number
  /** Of the changelog: what a start reads. */
  readonly records: number
}

async function measure(world: World): Promise<Own> {
  const own = [...(await world.files())].filter(
    ([path]) => !/^(input|totals)-/.test(path.split('/')[2] ?? ''),
  )
  return {
    bytes: own.reduce((sum, [, { length }]) => sum + length, 0),
    files: own.length,
    records: (await world.read('app-keys-aggregate-changelog')).length,
  }
}

const most = (measures: readonly Own[]): Own => ({
  bytes: Math.max(...measures.map(({ bytes }) => bytes)),
  files: Math.max(...measures.map(({ files }) => files)),
  records: Math.max(...measures.map(({ records }) => records)),
})

test('with 1,000 keys and commits each 100 ms, files stop growing, and a start reads little', async t => {
  const world = await World.open(1, {
    internal: { segmentBytes: 100_000, rewriteBytes: 50_000, batchBytes: 20_000, replayBytes: 40_000 },
  })
  // The soak takes the configs that apps give to these topics, and as many minutes as they need.
  const quick = {
    'app-keys-aggregate-changelog': {
      'cleanup.policy': 'compact',
      'segment.ms': 5000,
      'delete.retention.ms': 20_000,
      'min.cleanable.dirty.ratio': 0.2,
    },
    'app-select-key-1-exchange-repartition': { 'segment.bytes': 20_000 },
  }
  for (const [name, configs] of soak ? [] : Object.entries(quick))
    await world.settle(world.port.createTopic(name, { partitions: 1, app: 'app', configs }))
  let sent = 0
  const write = (count: number): Promise<void> =>
    world.write(
      'input',
      Array.from({ length: count }, () => ({ key: 'k', value: (sent += 1) })),
    )
  /** The largest measures of these minutes. */
  const minutes = async (count: number): Promise<Own> => {
    const measures: Own[] = []
    for (let n = 0; n < count * 600; n += 1) {
      await write(2)
      await world.clock.advance(100)
      if (n % 300 === 299) measures.push(await measure(world))
    }
    return most(measures)
  }
  const options: RunOptions = { exchange: 'topic', commitInterval: 100 }
  await write(1000)
  const running = world.start(countingByNumber(), options)
  // A soak begins with the time for which deletions and markers are kept, and the segments that hold them.
  if (soak) await minutes(20)
  const before = await minutes(scale(30))
  const after = await minutes(scale(30))
  const { commits } = running.instance.progress().metrics
  t.diagnostic(JSON.stringify({ before, after, commits }))
  await world.stop(running)
  ok(commits > scale(60) * 500, `${commits} commits`)
  // The latest of each key, and as many again as come until half of the changelog is out of date.
  ok(after.records < (soak ? 15_000 : 2000), `a start reads ${after.records} records`)
  ok(after.files <= before.files * 1.4, `${before.files} files became ${after.files}`)
  ok(after.bytes < before.bytes * 1.4, `${before.bytes} bytes grew to ${after.bytes}`)

  await world.crash()
  await write(2)
  const startedMs = performance.now()
  await world.run(countingByNumber(), { ...options, until: 'now' })
  t.diagnostic(`a run that restores, and reads 2 records: ${Math.round(performance.now() - startedMs)} ms`)
  const totalsOf = new Map((await world.read('totals')).map(({ key, value }) => [key, Number(value)]))
  equal(totalsOf.size, 1000)
  equal(
    [...totalsOf.values()].reduce((sum, count) => sum + count, 0),
    sent,
  )
})

test('an app continues over an input that was compacted, behind its commit and before it', async () => {
  const world = await World.open()
  const configs = { 'cleanup.policy': 'compact', 'segment.ms': 1000, 'min.cleanable.dirty.ratio': 0 }
  await world.settle(world.port.createTopic('input', { partitions: 1, configs }))
  let sent = 0
  const write = async (): Promise<void> => {
    for (let second = 0; second < 5; second += 1) {
      const keys = ['a', 'b', `only ${(sent += 1)}`]
      await world.write(
        'input',
        keys.map(key => ({ key, value: sent })),
        { perBatch: 1 },
      )
      await world.clock.advance(1500)
    }
  }
  /** Time for a pass of compaction, which takes many turns of the event loop. */
  const compact = async (): Promise<void> => {
    for (let n = 0; n < 300; n += 1) await world.clock.advance(200)
  }
  const inputEnd = (): Promise<number> => world.settle(world.port.offsets('input', 0, 'latest'))
  const counts = async (): Promise<Map<string | null, string | null>> =>
    new Map((await world.read('totals')).map(({ key, value }) => [key, value]))

  for (let run = 1; run <= 3; run += 1) {
    await write()
    await world.run(counting(), { until: 'now' })
    equal((await counts()).get('a'), String(5 * run))
    await compact()
    ok((await world.read('input')).length < (await inputEnd()) - 5 * run, 'the input was compacted')
    await (run % 2 === 0 ? world.reopen() : world.crash())
  }
  // What is compacted before it is read counts once.
  await write()
  await compact()
  await world.run(counting(), { until: 'now' })
  const found = await counts()
  ok(Number(found.get('a')) < 20, found.get('a') ?? '')
  equal([...found.keys()].filter(key => key?.startsWith('only')).length, sent)
})
