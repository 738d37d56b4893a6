/**
 * The invariant: the same input gives the same final results, however it was split into batches, interleaved,
 * exchanged (in memory or through topics) and committed, and whenever the machine lost power.
 *
 * The whole engine runs: an app over the log in process, on a simulated disk and under a virtual clock, so
 * that a failed case can be repeated by its seed. The naive oracle computes the expected results.
 */
import { deepEqual } from 'node:assert/strict'
import { isMillraceError, partitionForBinary, type Random } from '../../src/base/index.ts'
import { SimulatedLog } from '../../src/broker/simulated-log.test-support.ts'
import { createLog, type Log } from '../../src/port/index.ts'
import { json, text, topic, windowed } from '../../src/schema/index.ts'
import {
  App,
  cumulative,
  hopping,
  Instance,
  output,
  session,
  settingsOf,
  sliding,
  tumbling,
  valueState,
} from '../../src/stream/index.ts'
import { virtualClock, type VirtualClock } from '../../src/testing/virtual-clock.ts'
import type { ProcessEnd } from '../power.ts'
import { forSeeds } from '../for-seeds.ts'
import { settle } from '../settle.ts'
import { appRecordBytesMax } from '../tiny-limits.ts'
import {
  alignedRows,
  asOf,
  exchangedSessionRows,
  lastOfRows,
  type OracleRecord,
  sessionRows,
  slidingRows,
  tableOf,
  withWatermarks,
} from '../stream/oracle.ts'

interface Event extends OracleRecord {
  readonly other: string
}

const outOfOrderness = 30
const quietMs = 10
const matchMs = 40
const isHigh = ({ value }: { value: number }): boolean => value > 5
const hourly = tumbling(50, { allowedLateness: 60 })
const storms = session(15, { allowedLateness: 60 })
const lately = sliding(20, { allowedLateness: 60 })
const soFar = cumulative({ size: 150, step: 50, allowedLateness: 60, offset: -10 })
/** From when to when events are joined. */
const near = { before: 10, after: 20, allowedLateness: 60 }
/** Over final results of the hours. */
const daily = hopping(100, 50, { allowedLateness: 60, offset: -20 })
const remembered = { history: 40, allowedLateness: 20 }
const add = (sum: number, { value }: { value: number }): number => sum + value
const plus = (a: number, b: number): number => a + b

/** The same value, after more turns of the queue of promises the larger it is. */
async function soon<V extends { value: number } | null>(event: V): Promise<V> {
  for (let turns = event?.value ?? 0; turns > 0; turns -= 1) await Promise.resolve()
  return event
}

type Sums = Record<string, number>

function program(partitions: number) {
  const input = topic('input', {
    key: text(),
    value: json<{ value: number; other: string }>(),
    partitions,
    watermark: { outOfOrderness },
  })
  const sums = topic('sums', { key: windowed(text()), value: json<number>(), partitions: 2 })
  const others = topic('others', { key: windowed(text()), value: json<number>(), partitions: 1 })
  const sessions = topic('sessions', { key: windowed(text()), value: json<number>(), partitions: 3 })
  const exchanged = topic('exchanged', { key: windowed(text()), value: json<number>(), partitions: 2 })
  const slid = topic('slid', { key: windowed(text()), value: json<number>(), partitions: 2 })
  const grown = topic('grown', { key: windowed(text()), value: json<number>(), partitions: 1 })
  const days = topic('days', { key: windowed(text()), value: json<Sums>(), partitions: 1 })
  const cogrouped = topic('cogrouped', {
    key: windowed(json<string>()),
    value: json<number>(),
    partitions: 2,
  })
  const groups = topic('groups', { key: json<number>(), value: json<number>(), partitions: 2 })
  const dated = topic('dated', { key: json<string>(), value: json<(number | null)[]>(), partitions: 1 })
  const held = topic('held', { key: text(), value: json<number>(), partitions: 2 })
  const shares = topic('shares', { key: text(), value: json<(number | null)[]>(), partitions: 2 })
  const joined = topic('joined', { key: text(), value: json<(number | null)[]>(), partitions: 2 })
  const matched = topic('matched', { key: text(), value: json<number>(), partitions: 2 })
  const asked = topic('asked', { key: windowed(text()), value: json<number>(), partitions: 2 })
  const quiet = topic('quiet', { key: text(), value: json<number>(), partitions: 2 })
  const pairs = topic('pairs', { key: json<string>(), value: json<number>(), partitions: 2 })
  const app = new App('invariant')
  const stream = app.stream(input)
  stream
    .mapAsync(soon, { ordered: false, capacity: 3 })
    .groupByKey()
    .windowedBy(hourly)
    .aggregate(0, add)
    .emit('final')
    .to(asked)
  stream
    .match(one =>
      one
        .begin('high', isHigh)
        .followedBy('low', event => !isHigh(event))
        .within(matchMs),
    )
    .matches.mapValues(({ high: [high], low: [low] }) => 10 * high.value + low.value)
    .to(matched)
  stream
    .process({
      state: { sum: valueState<number>() },
      outputs: { quiet: output<number>() },
      timers: { silence: (_key, { state, emit }) => emit.quiet(state.sum.get() ?? 0) },
      onRecord: (event, _key, { state, timers, timestamp }) => {
        state.sum.set((state.sum.get() ?? 0) + (event?.value ?? 0))
        timers.silence.set(timestamp + quietMs)
      },
    })
    .quiet.to(quiet)
  stream.groupByKey().windowedBy(hourly).aggregate(0, add).emit({ early: 20 }).to(sums)
  const byOther = stream
    .groupBy(({ other }) => other)
    .windowedBy(hourly)
    .aggregate(0, add)
    .emit('final')
  byOther.to(others)
  byOther
    .toStream()
    .map((sum, { key, start, end }) => [key, { window: `${start}-${end}`, sum: sum ?? 0 }] as const)
    .groupByKey()
    .windowedBy(daily)
    .aggregate<Sums>({}, (known, { window, sum }) => ({ ...known, [window]: sum }))
    .emit('final')
    .to(days)
  stream.groupByKey().windowedBy(storms).aggregate(0, add, plus).emit('final').to(sessions)
  stream
    .groupBy(({ other }) => other)
    .windowedBy(storms)
    .aggregate(0, add, plus)
    .emit('final')
    .to(exchanged)
  stream
    .groupByKey()
    .cogroup(add)
    .cogroup(
      stream.groupBy(({ other }) => keyFor(other)),
      (sum, { value }) => sum - value,
    )
    .windowedBy(storms)
    .aggregate(0, plus)
    .emit('final')
    .to(cogrouped)
  const byKey = stream.groupByKey().aggregate(0, add)
  stream
    .groupBy(({ other }) => other)
    .windowedBy(lately)
    .aggregate(0, add)
    .emit('final')
    .to(slid)
  stream
    .repartition({ partitions: 4 })
    .groupByKey()
    .windowedBy(soFar)
    .aggregate(0, add)
    .emit('final')
    .to(grown)
  stream
    .groupBy(({ other }) => keyFor(other))
    .aggregate(0, add)
    .outerJoin(byKey, (other, own) => [other, own])
    .to(joined)
  const byRest = byKey.groupBy(sum => [sum % 3, sum]).reduce(plus, (all, sum) => all - sum)
  byRest.to(groups)
  byKey.suppress(70, { maxRecords: 3 }).to(held)
  byKey
    .join(
      byRest,
      sum => sum % 3,
      (sum, all) => [sum, all],
    )
    .to(shares)
  stream
    .leftJoin(stream.toTable(remembered), ({ value }, row) => [value, row?.value ?? null])
    .selectKey(([value], key, { timestamp }) => `${key} ${timestamp} ${value}`)
    .to(dated)
  stream
    .map((event, key, { timestamp }) => [key, nameOf(event!, timestamp)] as const)
    .leftJoin(
      stream.map((event, _key, { timestamp }) => [keyFor(event!.other), nameOf(event!, timestamp)] as const),
      (one, other) => `${one} ${other}`,
      near,
    )
    .groupBy(pair => pair)
    .count()
    .to(pairs)
  return {
    app,
    input,
    dated,
    held,
    pairs,
    sums,
    others,
    sessions,
    exchanged,
    slid,
    grown,
    days,
    joined,
    groups,
    cogrouped,
    shares,
    quiet,
    matched,
    asked,
  }
}

const nameOf = ({ value, other }: Pick<Event, 'value' | 'other'>, timestamp: number): string =>
  `${value}${other}@${timestamp}`

/** How often each event has met each other one whose other key is its own, or none. */
function pairedRows(partitions: readonly (readonly Event[])[]): Map<string, unknown> {
  const taken = partitions
    .flatMap(events => withWatermarks(events, outOfOrderness))
    .filter(({ record, watermark }) => watermark <= record.timestamp + near.allowedLateness)
    .map(({ record }) => record)
  const rows = new Map<string, readonly [count: number, timestamp: number]>()
  const met = (one: Event, other?: Event): void => {
    const pair = JSON.stringify(
      `${nameOf(one, one.timestamp)} ${other ? nameOf(other, other.timestamp) : 'null'}`,
    )
    const [count] = rows.get(pair) ?? [0]
    rows.set(pair, [count + 1, Math.max(one.timestamp, other?.timestamp ?? 0)])
  }
  for (const one of taken) {
    const matches = taken.filter(
      ({ other, timestamp }) =>
        keyFor(other) === one.key &&
        timestamp >= one.timestamp - near.before &&
        timestamp <= one.timestamp + near.after,
    )
    for (const other of matches) met(one, other)
    if (matches.length === 0) met(one)
  }
  return rows
}

/** Another key that occurs, for each value of `other` but one. */
function keyFor(other: string): string {
  return { x: 'a', y: 'b' }[other] ?? other
}

/** The sums by either key, with the latest timestamp in them. */
function joinedRows(events: readonly Event[]): Map<string, unknown> {
  const rows = new Map<string, readonly [sums: (number | null)[], timestamp: number]>()
  for (const { key: byKey, other, value, timestamp } of events)
    for (const [side, key] of [keyFor(other), byKey].entries()) {
      const [known, latest] = rows.get(JSON.stringify(key)) ?? [[null, null], timestamp]
      const sums = known.map((sum, n) => (n === side ? (sum ?? 0) + value : sum))
      rows.set(JSON.stringify(key), [sums, Math.max(latest, timestamp)])
    }
  return rows
}

/** The sums by key, in groups by their rest: what they add up to, and the latest timestamp in them. */
function groupedRows(events: readonly Event[]): Map<string, unknown> {
  const sums = new Map<string, { sum: number; latest: number }>()
  const groups = new Map<string, readonly [all: number, timestamp: number]>()
  const move = (sum: number, by: number, timestamp: number): void => {
    const [all, latest] = groups.get(`${sum % 3}`) ?? [0, timestamp]
    groups.set(`${sum % 3}`, [all + by, Math.max(latest, timestamp)])
  }
  for (const { key, value, timestamp } of events) {
    const before = sums.get(key)
    const latest = Math.max(before?.latest ?? timestamp, timestamp)
    const sum = (before?.sum ?? 0) + value
    sums.set(key, { sum, latest })
    if (before) move(before.sum, -before.sum, latest)
    move(sum, sum, latest)
  }
  return groups
}

/** The sums by key, with the latest timestamp in them. */
function sumsByKey(events: readonly Event[]): Map<string, readonly [sum: number, timestamp: number]> {
  const sums = new Map<string, readonly [sum: number, timestamp: number]>()
  for (const { key, value, timestamp } of events) {
    const [sum, latest] = sums.get(JSON.stringify(key)) ?? [0, timestamp]
    sums.set(JSON.stringify(key), [sum + value, Math.max(latest, timestamp)])
  }
  return sums
}

/** The sums by key, each with what its group adds up to, and the latest timestamp in both. */
function sharedRows(events: readonly Event[]): Map<string, unknown> {
  const groups = groupedRows(events)
  return new Map(
    Array.from(sumsByKey(events), ([key, [sum, latest]]) => {
      const [all, since] = groups.get(`${sum % 3}`) as [number, number]
      return [key, [[sum, all], Math.max(latest, since)]]
    }),
  )
}

/** Of each key the last match: a high value, the next low one, and the time of that. */
function matchedRows(partitions: readonly (readonly Event[])[]): Map<string, unknown> {
  const rows = new Map<string, readonly [pair: number, timestamp: number]>()
  for (const events of partitions) {
    let watermark = Number.NEGATIVE_INFINITY
    const inTime = events.filter(({ timestamp }) => {
      const isLate = watermark > timestamp
      watermark = Math.max(watermark, timestamp - outOfOrderness)
      return !isLate
    })
    for (const [key, own] of Map.groupBy(inTime, event => event.key)) {
      let open: Event[] = []
      for (const event of own.toSorted((one, other) => one.timestamp - other.timestamp)) {
        open = open.filter(({ timestamp }) => event.timestamp - timestamp < matchMs)
        if (isHigh(event)) open.push(event)
        else {
          for (const { value } of open)
            rows.set(JSON.stringify(key), [10 * value + event.value, event.timestamp])
          open = []
        }
      }
    }
  }
  return rows
}

/** The sum of each key when it was last silent, by the watermark of its partition. */
function quietRows(partitions: readonly (readonly Event[])[]): Map<string, unknown> {
  const rows = new Map<string, readonly [sum: number, timestamp: number]>()
  for (const events of partitions) {
    const keys = new Map<string, { sum: number; timer: number }>()
    let watermark = Number.NEGATIVE_INFINITY
    const fire = (key: string, { sum, timer }: { sum: number; timer: number }): void => {
      if (timer < watermark) rows.set(JSON.stringify(key), [sum, timer])
    }
    for (const { key, value, timestamp } of events) {
      const state = keys.get(key)
      if (state) fire(key, state)
      keys.set(key, { sum: (state?.sum ?? 0) + value, timer: Math.max(timestamp + quietMs, watermark) })
      watermark = Math.max(watermark, timestamp - outOfOrderness)
    }
    watermark = Number.POSITIVE_INFINITY
    for (const [key, state] of keys) fire(key, state)
  }
  return rows
}

/** Each record with the last value of its key at its time. */
function datedRows(partitions: readonly (readonly Event[])[]): Map<string, unknown> {
  const rowOf = asOf(partitions, outOfOrderness, remembered.history, remembered.allowedLateness)
  const rows = new Map<string, unknown>()
  for (const partition of partitions)
    for (const { record, watermark } of withWatermarks(partition, outOfOrderness)) {
      const { key, value, timestamp } = record
      const row = rowOf(key, timestamp, watermark)
      rows.set(JSON.stringify(`${key} ${timestamp} ${value}`), [[value, row?.value ?? null], timestamp])
    }
  return rows
}

function randomEvents(random: Random): Event[] {
  const total = 20 + random.int(60)
  return Array.from({ length: total }, (_, n) => ({
    key: 'abcd'[random.int(4)]!,
    other: 'xyz'[random.int(3)]!,
    value: 1 + random.int(9),
    // Coarse, so that many times are equal, or at the bounds of windows.
    timestamp: 5 * Math.floor(Math.max(0, n * 6 - random.int(50) + (random.int(12) === 0 ? 60 : 0)) / 5),
  }))
}

async function rowsOf(
  clock: VirtualClock,
  log: Log,
  from: Parameters<Log['consumer']>[0],
): Promise<[string, unknown][]> {
  const rows = new Map<string, unknown>()
  const read = async (): Promise<void> => {
    for await (const { key, value, timestamp } of log.consumer(from, { until: 'end' })) {
      if (value === null) rows.delete(JSON.stringify(key))
      else rows.set(JSON.stringify(key), [value, timestamp])
    }
  }
  await settle(clock, read())
  return sorted(rows)
}

function sorted(rows: ReadonlyMap<string, unknown>): [string, unknown][] {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1))
}

/** Calls to the disk before a crash, at most. */
const callsMax = 500

async function oneCase(random: Random): Promise<void> {
  const partitions = 1 + random.int(3)
  const { app, input, ...to } = program(partitions)
  const events = randomEvents(random)
  const byPartition: Event[][] = Array.from({ length: partitions }, () => [])
  for (const event of events) byPartition[partitionForBinary(event.key, partitions)]!.push(event)

  const clock = virtualClock(1_000_000_000_000)
  const simulated = new SimulatedLog(random, { clock, internalRecordBytesMax: appRecordBytesMax })
  const open = async (calls?: number, how?: ProcessEnd): Promise<Log> =>
    createLog(await settle(clock, simulated.open(calls, how)), clock)
  const options = {
    until: 'end' as const,
    exchange: random.int(2) === 0 ? ('memory' as const) : ('topic' as const),
    commitInterval: 5 + random.int(40),
    alignment: 1 + random.int(200),
    dirtyBytesMax: random.int(4) === 0 ? 500 : 1_000_000,
  }

  // Published in batches of random sizes, all acknowledged before anything may be lost.
  let log = await open()
  const publish = async (): Promise<void> => {
    const producer = log.producer(input, { lingerMs: 0 })
    for (let at = 0; at < events.length;) {
      const some = events.slice(at, at + 1 + random.int(10))
      await Promise.all(
        some.map(({ key, value, other, timestamp }) =>
          producer.send({ key, value: { value, other }, timestamp }),
        ),
      )
      at += some.length
    }
  }
  await settle(clock, publish())

  await settle(clock, log.close())

  /** Runs until the app ends, or its process does. */
  const runApp = async (instance: Instance): Promise<void> => {
    const running = instance.run()
    const over = async (): Promise<void> => {
      while (!simulated.hasEnded()) await clock.sleep(1 + random.int(8))
      await clock.sleep(100)
    }
    await settle(clock, Promise.race([running, over()]))
  }
  for (let crashes = 0; ; crashes += 1) {
    // At any call to the disk, even between the two halves of an atomic step.
    const calls = crashes < 4 && random.int(3) > 0 ? 1 + random.int(callsMax) : Number.POSITIVE_INFINITY
    const how = random.int(3) === 0 ? 'kill' : 'crash'
    let isDone = false
    try {
      log = await open(calls, how)
      await runApp(new Instance(app.name, app.plan(), log.port, clock, settingsOf(options)))
      isDone = !simulated.hasEnded()
    } catch (error) {
      // The run was done before the crash, but could not report it.
      isDone = isMillraceError(error, 'APP_FINISHED')
      if (!isDone && !simulated.hasEnded()) throw error
    }
    // What the run reports as done is there, whatever comes next.
    simulated.end()
    if (isDone) break
  }

  log = await open()
  const label = JSON.stringify({ partitions, ...options })
  const byKey = (record: OracleRecord): string => record.key
  const byOther = (record: OracleRecord): string => (record as Event).other
  const hours = alignedRows(byPartition, outOfOrderness, hourly, byOther)
  const negative = byPartition.map(some =>
    some.map(event => ({ ...event, key: keyFor(event.other), value: -event.value })),
  )
  const expected = [
    [
      to.cogrouped,
      tableOf(exchangedSessionRows([...byPartition, ...negative], outOfOrderness, storms, byKey), 'final'),
    ],
    [to.sums, tableOf(alignedRows(byPartition, outOfOrderness, hourly, byKey), 'final')],
    [to.others, tableOf(hours, 'final')],
    [to.sessions, tableOf(sessionRows(byPartition, outOfOrderness, storms), 'final')],
    [to.exchanged, tableOf(exchangedSessionRows(byPartition, outOfOrderness, storms, byOther), 'final')],
    [to.slid, tableOf(slidingRows(byPartition, outOfOrderness, lately, byOther), 'final')],
    [to.grown, tableOf(alignedRows(byPartition, outOfOrderness, soFar, byKey), 'final')],
    [to.days, lastOfRows(hours, daily)],
    [to.joined, joinedRows(events)],
    [to.groups, groupedRows(events)],
    [to.pairs, pairedRows(byPartition)],
    [to.shares, sharedRows(events)],
    [to.held, sumsByKey(events)],
    [to.quiet, quietRows(byPartition)],
    [to.asked, tableOf(alignedRows(byPartition, outOfOrderness, hourly, byKey), 'final')],
    [to.matched, matchedRows(byPartition)],
    [to.dated, datedRows(byPartition)],
  ] as const
  for (const [from, rows] of expected)
    deepEqual(await rowsOf(clock, log, from as never), sorted(rows), `${from.name} ${label}`)
  await settle(clock, log.close())
}

export function check(): Promise<void> {
  return forSeeds(500, oneCase)
}
