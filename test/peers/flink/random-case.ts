/** Cases at random, with disorder, ties, late records, odd keys, and times at the bounds of windows. */
import type { Random } from '../../../src/base/index.ts'
import { randomShape, usually } from '../../programs/random-shape.ts'
import type {
  Case,
  CoGroupCase,
  InWindows,
  Input,
  IntervalJoinCase,
  OperatorCase,
  WindowsCase,
} from './case.ts'

/** The wall clock moves by multiples of it; windows read it every 10 ms at most. */
const clockUnit = 20

export function randomCase(random: Random): Case {
  // Sizes and gaps are multiples of it.
  const unit = usually(random, [5, 1])
  const operator = randomOperator(random, unit)
  // So are times, but for an interval join: Flink's takes a record that is late by 1 ms.
  const timeUnit = operator.operator === 'interval join' ? 5 : unit
  const outOfOrderness = random.int(2) * random.int(8) * timeUnit
  const inputs = randomInputs(random, timeUnit, operator.operator)
  return {
    ...operator,
    outOfOrderness,
    inputs: 'kind' in operator && operator.kind === 'dynamic session' ? withoutTies(inputs) : inputs,
    pauseAtEnd: 100 * clockUnit,
  }
}

function randomOperator(random: Random, unit: number): OperatorCase {
  switch (random.int(10)) {
    case 0:
      return { operator: 'timers', time: pick(random, times) }
    case 1:
      return randomJoin(random, unit)
    case 2:
      return { operator: 'connected' }
    case 3:
      return { operator: 'broadcast' }
    case 4:
      return { operator: 'expiring', ttl: (1 + random.int(8)) * clockUnit }
    case 5:
    case 6:
      return randomCoGroup(random, unit)
    default:
      return randomWindows(random, unit)
  }
}

const times = ['event', 'processing'] as const

function pick<T>(random: Random, all: readonly T[]): T {
  return all[random.int(all.length)]!
}

function randomJoin(random: Random, unit: number): IntervalJoinCase {
  const before = (random.int(10) - 3) * unit
  const exclusive = ([undefined, 'before', 'after', 'both'] as const)[random.int(4)]
  const after = -before + (2 + random.int(8)) * unit
  return { operator: 'interval join', bounds: { before, after, ...(exclusive && { exclusive }) } }
}

/** Flink loses what a session with a gap per record has if a record's own session has the same bounds. */
function withoutTies(inputs: readonly Input[]): Input[] {
  const seen = new Set<string>()
  return inputs
    .filter(({ key, timestamp }) => {
      const id = `${key} ${timestamp}`
      return !seen.has(id) && seen.add(id)
    })
    .map(input => ({ ...input, pause: input.pause + clockUnit }))
}

function randomKind(random: Random, unit: number): InWindows {
  const kind = pick(random, ['tumbling', 'hopping', 'session', 'dynamic session'] as const)
  const time = random.int(3) === 0 ? 'processing' : 'event'
  const least = time === 'event' ? unit : clockUnit
  // The harness fires timers before the records of their time: none comes when a window ends by the clock.
  const step = time === 'event' ? unit : 5
  const advance = (1 + random.int(6)) * least
  const gap = time === 'processing' ? advance + 2 : advance
  return {
    kind,
    time,
    size: kind === 'hopping' ? (1 + random.int(20)) * least : kind === 'tumbling' ? advance : gap,
    advance,
    // Flink takes none that is an advance or more.
    offset: (random.int(2 * (advance / step) - 1) + 1) * step - advance,
    lateness: time === 'event' ? random.int(2) * random.int(12) * unit : 0,
  }
}

/** Global windows. */
const always: InWindows = { kind: 'global', time: 'event', size: 1, advance: 1, offset: 0, lateness: 0 }

function randomWindows(random: Random, unit: number): WindowsCase {
  const windows = random.int(6) === 0 ? always : randomKind(random, unit)
  const early = clockUnit * (1 + random.int(4))
  // By event time, Flink's trigger never comes to rest at the end of a global window.
  const isByClock = windows.time === 'processing' || windows.kind === 'global'
  const emits = [
    // Windows by the clock fire early by it, too.
    { early, time: isByClock ? 'processing' : pick(random, times) },
    { everyRecords: 1 + random.int(3) },
    'final',
  ] as const
  const emit = emits[random.int(windows.kind === 'global' ? 2 : 3)]!
  // Panes of sessions are not discarded: a later record may need what was in them.
  const mayDiscard = emit !== 'final' && !windows.kind.endsWith('session')
  return {
    ...windows,
    operator: 'windows',
    emit,
    panes: mayDiscard && random.int(2) === 0 ? 'discarding' : 'accumulating',
  }
}

function randomCoGroup(random: Random, unit: number): CoGroupCase {
  const windows = randomKind(random, unit)
  // Here a session of two streams takes none that is late by its own time.
  const isLongEnough = windows.time === 'event' && windows.kind.endsWith('session')
  return {
    ...windows,
    ...(isLongEnough && { lateness: 100 * unit }),
    operator: 'co-group',
    gives: pick(random, ['lists', 'pairs'] as const),
    emit: 'final',
  }
}

function randomInputs(random: Random, unit: number, operator: Case['operator']): Input[] {
  // Their results list all values of a key.
  const countMax = operator === 'expiring' || operator === 'co-group' ? 500 : 5000
  const limits = { count: 50, countMax, span: 60, disorder: 20, unit, maySeeFirstDay: true }
  const { count, keys, timeOf } = randomShape(random, limits)
  const [least, values] = usually(random, [
    [1, 30],
    [-10, 20],
    [7, 1],
  ])
  return Array.from({ length: count }, (_, n) => ({
    side: (['left', 'right'] as const)[random.int(2)]!,
    key: keys[random.int(keys.length)]!,
    value: least + random.int(values),
    timestamp: timeOf(n),
    pause: (n === 0 ? 1000 : random.int(3) * random.int(3)) * clockUnit,
  }))
}
