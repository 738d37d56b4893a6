/**
 * The program of the invariant (invariant.ts): each way to process the events of one topic, and to exchange
 * them. What it must give is computed in invariant-rows.ts.
 */
import { json, text, topic, windowed } from '../../src/schema/index.ts'
import {
  App,
  cumulative,
  hopping,
  output,
  session,
  sliding,
  tumbling,
  valueState,
} from '../../src/stream/index.ts'
import type { OracleRecord } from '../stream/oracle.ts'

export interface Event extends OracleRecord {
  readonly other: string
}

export const outOfOrderness = 30
export const quietMs = 10
export const matchMs = 40
export const isHigh = ({ value }: { value: number }): boolean => value > 5
export const hourly = tumbling(50, { allowedLateness: 60 })
export const storms = session(15, { allowedLateness: 60 })
export const lately = sliding(20, { allowedLateness: 60 })
export const soFar = cumulative({ size: 150, step: 50, allowedLateness: 60, offset: -10 })
/** From when to when events are joined. */
export const near = { before: 10, after: 20, allowedLateness: 60 }
/** Over final results of the hours. */
export const daily = hopping(100, 50, { allowedLateness: 60, offset: -20 })
export const remembered = { history: 40, allowedLateness: 20 }
const add = (sum: number, { value }: { value: number }): number => sum + value
const plus = (a: number, b: number): number => a + b

/** The same value, after more turns of the queue of promises the larger it is. */
async function soon<V extends { value: number } | null>(event: V): Promise<V> {
  for (let turns = event?.value ?? 0; turns > 0; turns -= 1) await Promise.resolve()
  return event
}

type Sums = Record<string, number>

export function program(partitions: number) {
  const input = topic('input', {
    key: text(),
    value: json<{ value: number; other: string }>(),
    partitions,
    watermark: { outOfOrderness },
  })
  const sums = topic('sums', { key: windowed(text()), value: json<number>(), partitions: 2 })
  const counts = topic('counts', { key: windowed(text()), value: json<number>(), partitions: 2 })
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
  stream
    .groupBy(({ other }) => other)
    .windowedBy(daily)
    .count()
    .emit('final')
    .to(counts)
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
  const outputs = {
    dated,
    held,
    pairs,
    sums,
    counts,
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
  return { app, input, outputs }
}

/** An event as text. */
export const nameOf = ({ value, other }: Pick<Event, 'value' | 'other'>, timestamp: number): string =>
  `${value}${other}@${timestamp}`

/** Another key that occurs, for each value of `other` but one. */
export function keyFor(other: string): string {
  return { x: 'a', y: 'b' }[other] ?? other
}
