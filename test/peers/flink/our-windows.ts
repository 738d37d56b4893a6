/** The windows of case.ts in millrace. */
import type { Windowed, WritableTopic } from '../../../src/schema/index.ts'
import {
  type AlignedWindows,
  type DynamicSessionWindows,
  global,
  hopping,
  session,
  type SessionWindows,
  type Stream,
  type TimedWindowOptions,
  tumbling,
  type WindowedTable,
} from '../../../src/stream/index.ts'
import type { CoGroupCase, InWindows, WindowsCase } from './case.ts'

type Results = WritableTopic<Windowed<string>, string>
type Late = WritableTopic<string, number>

export function sums(stream: Stream<string, number>, one: WindowsCase, results: Results, late: Late): void {
  const { emit, panes, time } = one
  const table = tableOf(stream, one)
  if (panes === 'discarding' && emit !== 'final')
    table
      .emit({ ...emit, panes })
      .mapValues(String)
      .to(results)
  else table.emit(emit).mapValues(String).to(results)
  if (time === 'event') table.late().to(late)
}

export function sides(
  left: Stream<string, number>,
  right: Stream<string, number>,
  one: CoGroupCase,
  results: Results,
  late: Late,
): void {
  const both = left.coGroup(right, windowsOf(one))
  if (one.gives === 'pairs') both.join((a, b) => String(a * 100 + b)).to(results)
  else
    both
      .emit('final')
      .mapValues(({ left: lefts, right: rights }) => `${listed(lefts)}${listed(rights)}`)
      .to(results)
  if (one.time === 'event') both.late().to(late)
}

function listed(values: readonly number[]): string {
  return `[${values.join(', ')}]`
}

export function isSession({ kind }: InWindows): boolean {
  return kind === 'session' || kind === 'dynamic session'
}

function tableOf(stream: Stream<string, number>, one: WindowsCase): WindowedTable<string, number, number> {
  const add = (sum: number, value: number): number => sum + value
  const grouped = stream.groupByKey()
  if (one.kind === 'session') return grouped.windowedBy(fixedGap(one)).aggregate(0, add, add)
  if (one.kind === 'dynamic session') return grouped.windowedBy(ownGap(one)).aggregate(0, add, add)
  return grouped.windowedBy(gridOf(one)).aggregate(0, add)
}

function windowsOf(one: InWindows): SessionWindows | DynamicSessionWindows<number> | AlignedWindows {
  if (one.kind === 'session') return fixedGap(one)
  return one.kind === 'dynamic session' ? ownGap(one) : gridOf(one)
}

function gridOf(one: InWindows): AlignedWindows {
  const { kind, size, advance, offset } = one
  if (kind === 'global') return global()
  const options = { ...optionsOf(one), offset }
  return kind === 'tumbling' ? tumbling(size, options) : hopping(size, advance, options)
}

function fixedGap(one: InWindows): SessionWindows {
  return session(one.size, optionsOf(one))
}

function ownGap(one: InWindows): DynamicSessionWindows<number> {
  const { size } = one
  return session((value: number) => (value % 2 === 1 ? 2 * size : size), optionsOf(one))
}

function optionsOf({ time, lateness: allowedLateness }: InWindows): TimedWindowOptions {
  return time === 'event' ? { allowedLateness } : { time }
}
