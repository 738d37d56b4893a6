/**
 * The damage that a data directory may suffer between two runs of an app, enumerated. Each folder and file is
 * deleted, restored from an older copy, cut off, flipped or repaired, or several of these at once. After
 * each, the app gives the numbers of an undisturbed run, or refuses.
 */
import { deepEqual, ok } from 'node:assert/strict'
import { isMillraceError, type Random } from '../../src/base/index.ts'
import { repairPartition } from '../../src/log/index.ts'
import { json, text, topic } from '../../src/schema/index.ts'
import { App, type Instance, type RunOptions, session, tumbling } from '../../src/stream/index.ts'
import { type Files, type Incoming, type Outgoing, World } from './world.ts'

const input = topic('input', { key: text(), value: json<number>() })
const names = topic('names', { key: text(), value: text() })
const output = topic('output', { key: json<unknown>(), value: json<unknown>(), partitions: 1 })

/** Simulated milliseconds that a first commit takes at most. */
const stepsMax = 30

export type ProgramName = 'count' | 'count by key' | 'window' | 'session' | 'table join' | 'stateless'

export const programs: Readonly<Record<ProgramName, () => App>> = {
  count() {
    const app = new App('app')
    app
      .stream(input)
      .groupBy(value => `mod ${(value ?? 0) % 3}`)
      .count()
      .to(output)
    return app
  },
  'count by key'() {
    const app = new App('app')
    app.stream(input).groupByKey().count().to(output)
    return app
  },
  window() {
    const app = new App('app')
    app
      .stream(input)
      .groupBy(value => `mod ${(value ?? 0) % 3}`)
      .windowedBy(tumbling(10))
      .count()
      .emit('final')
      .to(output)
    return app
  },
  session() {
    const app = new App('app')
    app
      .stream(input)
      .groupBy(value => `mod ${(value ?? 0) % 3}`)
      .windowedBy(session(5))
      .count()
      .emit('final')
      .to(output)
    return app
  },
  'table join'() {
    const app = new App('app')
    app
      .stream(input)
      .join(app.table(names), (value, name) => `${name} ${value ?? 0}`)
      .groupBy(value => value[0] ?? '')
      .count()
      .to(output)
    return app
  },
  stateless() {
    const app = new App('app')
    app
      .stream(input)
      .mapValues(value => (value ?? 0) + 1)
      .to(output)
    return app
  },
}

/** How the app runs. */
export interface Way {
  readonly program: ProgramName
  readonly exchange: 'memory' | 'topic'
  readonly guarantee: 'exactly-once' | 'at-least-once'
}

/** Two states of the folder: an older copy, and the folder as it is now. */
export interface History {
  readonly way: Way
  readonly old: Files
  /** Closed cleanly, or killed while it was running. */
  readonly now: Readonly<Record<'closed' | 'killed', Files>>
  /** How many records each has. */
  readonly written: Readonly<Record<'closed' | 'killed', number>>
}

function recordsFrom(from: number, count: number): Incoming[] {
  return Array.from({ length: count }, (_, i) => {
    const n = from + i
    return { key: `k${n % 4}`, value: n, timestamp: n + Math.floor(n / 20) * 50, partition: n % 2 }
  })
}

const write = (world: World, from: number, count: number): Promise<void> =>
  world.write('input', recordsFrom(from, count), { partitions: 2, perBatch: 4 })

const optionsOf = ({ exchange, guarantee }: Way): RunOptions => ({ exchange, guarantee })

const run = async (world: World, way: Way, more: RunOptions): Promise<void> => {
  await world.run(programs[way.program](), { ...optionsOf(way), ...more })
}

async function closed(world: World): Promise<{ files: Files; next: World }> {
  await world.settle(world.port.close())
  const files = await world.files()
  return { files, next: await World.over(files) }
}

/**
 * Runs the app, and calls `then` immediately after its first commit: the next stage has not read yet what
 * that commit sent.
 */
async function untilCommitted(
  world: World,
  way: Way,
  then: (running: Instance) => void,
  more: RunOptions = {},
): Promise<void> {
  let isThere = false
  const running = world.start(programs[way.program](), {
    ...optionsOf(way),
    commitInterval: 1,
    ...more,
    onPhase(phase) {
      if (phase !== 'committed' || isThere) return
      isThere = true
      then(running.instance)
    },
  })
  await running.done
}

export async function historyOf(way: Way): Promise<History> {
  let world = await World.open()
  await world.write(
    'names',
    ['a', 'b', 'c', 'd'].map((name, n) => ({ key: `k${n}`, value: name, partition: n % 2 })),
    { partitions: 2 },
  )
  await write(world, 0, 33)
  await run(world, way, { until: 'now' })
  const first = await closed(world)
  world = first.next
  await write(world, 33, 27)
  await run(world, way, { until: 'now' })
  await write(world, 60, 40)
  // Some records are processed; those between the stages are not.
  await world.settle(untilCommitted(world, way, running => running.stop()))
  const second = await closed(world)
  world = second.next
  await write(world, 100, 20)
  untilCommitted(world, way, () => world.disk.kill()).catch(() => undefined)
  for (let step = 0; step < stepsMax; step += 1) await world.clock.advance(1)
  return {
    way,
    old: first.files,
    now: { closed: second.files, killed: await world.files() },
    written: { closed: 100, killed: 120 },
  }
}

export const acts = [
  'delete',
  'restore',
  'restore with checkpoints',
  'restore and repair',
  'cut',
  'cut and repair',
  'flip and repair',
  'empty',
] as const
export type Act = (typeof acts)[number]

/** A folder of a partition, or a file beside them. */
export function targetsOf({ now }: History): string[] {
  const targets = [...now.closed.keys()].map(path => /^\/data\/([^/]+)/.exec(path)?.[1] ?? '')
  return [...new Set(targets)].filter(
    name => !['millrace.json', '.lock', '.kafka_cleanshutdown', 'output-0'].includes(name),
  )
}

export interface Attack {
  readonly target: string
  readonly act: Act
}

export interface Case {
  readonly state: 'closed' | 'killed'
  readonly attacks: readonly Attack[]
  /** Records that are written after the attack. */
  readonly more: number
}

/** Mostly in the last batches: after the last commit, or just before it. */
function somewhere(length: number, random: Random): number {
  return random.int(3) === 0 ? random.int(length) : Math.max(0, length - 1 - random.int(250))
}

/** Applies an attack; returns the partition to repair. */
function apply(
  files: Map<string, Uint8Array>,
  { old }: History,
  { target, act }: Attack,
  random: Random,
): string | undefined {
  const root = `/data/${target}`
  const own = [...files.keys()].filter(path => path === root || path.startsWith(`${root}/`))
  const log = own.filter(path => path.endsWith('.log') || path === root).at(-1)
  const before = log === undefined ? undefined : files.get(log)
  if (act === 'delete' || act.startsWith('restore')) for (const path of own) files.delete(path)
  if (act.startsWith('restore'))
    for (const [path, bytes] of old) if (path === root || path.startsWith(`${root}/`)) files.set(path, bytes)
  if (act === 'restore with checkpoints')
    for (const [path, bytes] of old) if (path.endsWith('-checkpoint')) files.set(path, bytes)
  if (!log || !before || before.length === 0) return undefined
  if (act === 'empty') files.set(log, before.subarray(0, 0))
  if (act === 'cut' || act === 'cut and repair') {
    files.set(log, before.subarray(0, somewhere(before.length, random)))
    if (act === 'cut') files.delete('/data/.kafka_cleanshutdown')
  }
  if (act === 'flip and repair') {
    const bytes = Uint8Array.from(before)
    const at = somewhere(bytes.length, random)
    bytes[at] = (bytes[at] as number) ^ (1 << random.int(8))
    files.set(log, bytes)
  }
  return /-\d+$/.test(target) && act.endsWith('repair') ? target : undefined
}

const refusalCodes = [
  'STATE_INCOMPATIBLE',
  'OFFSET_OUT_OF_RANGE',
  'PARTITION_DAMAGED',
  'DATA_DIR_UNREADABLE',
  'UNKNOWN_TOPIC',
  // A folder is deleted before it is repaired.
  'UNKNOWN_PARTITION',
] as const

/** `right`, or the code of the refusal. */
export type Outcome = 'right' | (typeof refusalCodes)[number]

export function describeCase(way: Way, { state, attacks, more }: Case): string {
  const what = attacks.map(({ target, act }) => `${act} ${target}`).join(', ')
  return `${way.program}, ${way.exchange}, ${way.guarantee}, ${state}: ${what}; ${more} more`
}

const valuesOf = (records: readonly Outgoing[]): string[] =>
  records.map(({ key, value }) => `${key} ${value}`).sort()

const lastOf = (records: readonly Outgoing[]): string[] =>
  [...new Map(records.map(({ key, value }) => [key, `${key} ${value}`])).values()].sort()

const keyIn = (result: string): string => result.slice(0, result.lastIndexOf(' '))

const isRestored = ({ attacks }: Case, target: RegExp): boolean =>
  attacks.some(each => target.test(each.target) && each.act.startsWith('restore'))

const isShortened = (attacked: Case, target: RegExp): boolean =>
  isRestored(attacked, target) ||
  attacked.attacks.some(each => target.test(each.target) && each.act.endsWith('repair'))

/**
 * Known limit: every file that says how far an app is went back to one older copy, or is lost together with
 * the metadata that would show it. The app then writes those results again. An app without state has only its
 * offsets.
 */
function isSetBack(history: History, attacked: Case): boolean {
  const state = targetsOf(history).filter(name => /^app-(?!plan-).*-changelog-\d+$/.test(name))
  const gone = (target: RegExp): boolean =>
    attacked.attacks.some(each => target.test(each.target) && !each.act.startsWith('restore'))
  const areRestored = state.every(name => isRestored(attacked, new RegExp(`^${name}$`)))
  const areGone = state.every(name => gone(new RegExp(`^${name}$`)))
  const isUnknown = gone(/^metadata\.json$/) && gone(/^__consumer_offsets-/) && gone(/^app-plan-/)
  return (isRestored(attacked, /^__consumer_offsets-/) && areRestored) || (isUnknown && areGone)
}

/**
 * At least once: a record that was sent to the next stage twice counts twice, and none is missing. The
 * stage's own state is exact.
 */
function checkNothingLost(found: readonly string[], right: readonly string[], mayDouble: boolean): void {
  const parsed = (values: readonly string[]): [string, string][] =>
    values.map(value => [keyIn(value), value.slice(keyIn(value).length + 1)])
  const last = new Map(parsed(found))
  if (mayDouble) {
    for (const [key, value] of parsed(right))
      if (Number(last.get(key) ?? 0) > Number(value)) last.set(key, value)
    // A session that another one absorbed.
    for (const [key, value] of last) if (value === 'null') last.delete(key)
  }
  deepEqual([...last].map(([key, value]) => `${key} ${value}`).sort(), right)
}

/**
 * Known limit: at least once, an app goes back to older offsets, over an input that lost records after them.
 * Its results from the lost records stay: they were there `before`, and nothing replaced them. The right
 * value is there too, if one exists.
 */
function withoutGone(
  found: readonly string[],
  right: readonly string[],
  before: readonly Outgoing[],
  out: readonly Outgoing[],
): string[] {
  const old = new Set(lastOf(before))
  const all = new Set(valuesOf(out))
  const rightOf = new Map(right.map(each => [keyIn(each), each]))
  return found.flatMap(each => {
    const own = rightOf.get(keyIn(each))
    if (!old.has(each) || (own !== undefined && !all.has(own))) return [each]
    return own === undefined ? [] : [own]
  })
}

/** The results of an undisturbed run. */
const expected = new Map<string, { all: string[]; last: string[] }>()
async function expectedOf(
  { program }: Way,
  records: readonly Outgoing[],
): Promise<{ all: string[]; last: string[] }> {
  const id = `${program} ${records.map(({ value }) => value).join()}`
  const found = expected.get(id)
  if (found) return found
  const world = await World.open()
  await world.write(
    'names',
    ['a', 'b', 'c', 'd'].map((name, n) => ({ key: `k${n}`, value: name, partition: n % 2 })),
    { partitions: 2 },
  )
  await world.write('input', records, { partitions: 2 })
  await world.run(programs[program](), { until: 'end' })
  const out = await world.read('output')
  const result = { all: valuesOf(out), last: lastOf(out) }
  expected.set(id, result)
  return result
}

/** Runs one case. Returns `right`, or the code of the refusal. */
export async function check(history: History, attacked: Case, random: Random): Promise<Outcome> {
  const { way } = history
  const files = new Map(history.now[attacked.state])
  const repairs = attacked.attacks
    .map(attack => apply(files, history, attack, random))
    .filter(each => each !== undefined)
  let world: World
  let before: readonly Outgoing[]
  const refused = (error: unknown): Outcome => {
    ok(isMillraceError(error), String(error instanceof Error ? error.stack : error))
    const code = refusalCodes.find(each => each === error.code)
    ok(code, `${error.code}: ${error.message}`)
    return code
  }
  try {
    world = await World.over(files)
    if (repairs.length > 0) {
      await world.settle(world.port.close())
      for (const name of repairs) {
        const [, partition = '', index = ''] = /^(.*)-(\d+)$/.exec(name) ?? []
        await world.settle(
          repairPartition('/data', partition, Number(index), { disk: world.disk, clock: world.clock }),
        )
      }
      await world.reopen()
    }
    if (attacked.more > 0) await write(world, history.written[attacked.state], attacked.more)
    before = await world.read('output')
  } catch (error) {
    return refused(error)
  }
  try {
    // Twice: the first run commits after a batch or two, and the second is restored from that.
    await world.settle(
      untilCommitted(world, way, running => running.stop(), { until: 'now', dirtyBytesMax: 1 }),
    )
    await run(world, way, { until: 'end' })
  } catch (error) {
    return refused(error)
  }
  let left: readonly Outgoing[]
  let out: readonly Outgoing[]
  try {
    left = await world.read('input')
    out = await world.read('output')
  } catch (error) {
    // Records that were already processed need not be readable.
    return refused(error)
  }
  const right = await expectedOf(way, left)
  if (way.guarantee === 'exactly-once' && !isSetBack(history, attacked)) deepEqual(valuesOf(out), right.all)
  else {
    const isOlder = isRestored(attacked, /^__consumer_offsets-/) && isShortened(attacked, /^input-/)
    const found = isOlder ? withoutGone(lastOf(out), right.last, before, out) : lastOf(out)
    checkNothingLost(found, right.last, way.exchange === 'topic')
  }
  return 'right'
}
