/** Cases at random, with disorder, ties, late records and times at the bounds of windows. */
import type { Random } from '../../../src/base/index.ts'
import type {
  Case,
  CoGroupCase,
  InWindows,
  Input,
  IntervalJoinCase,
  OperatorCase,
  WindowsCase,
} from './case.ts'

/** Times are multiples of it, and so are sizes and gaps. */
const unit = 5
/** The same by the wall clock, which windows read every 10 ms at most. */
const clockUnit = 4 * unit

export function randomCase(random: Random): Case {
  const outOfOrderness = random.int(2) * random.int(8) * unit
  const operator = randomOperator(random)
  const inputs = randomInputs(random)
  return {
    ...operator,
    outOfOrderness,
    inputs: 'kind' in operator && operator.kind === 'dynamic session' ? withoutTies(inputs) : inputs,
    pauseAtEnd: 100 * clockUnit,
  }
}

function randomOperator(random: Random): OperatorCase {
  switch (random.int(10)) {
    case 0:
      return { operator: 'timers', time: pick(random, times) }
    case 1:
      return randomJoin(random)
    case 2:
      return { operator: 'connected' }
    case 3:
      return { operator: 'broadcast' }
    case 4:
      return { operator: 'expiring', ttl: (1 + random.int(8)) * clockUnit }
    case 5:
    case 6:
      return randomCoGroup(random)
    default:
      return randomWindows(random)
  }
}

const times = ['event', 'processing'] as const

function pick<T>(random: Random, all: readonly T[]): T {
  return all[random.int(all.length)]!
}

function randomJoin(random: Random): IntervalJoinCase {
  const before = (random.int(10) - 3) * unit
  const exclusive = ([undefined, 'before', 'after', 'both'] as const)[random.int(4)]
  const after = -before + (1 + random.int(8)) * unit
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

function randomKind(random: Random): InWindows {
  const kind = pick(random, ['tumbling', 'hopping', 'session', 'dynamic session'] as const)
  const time = random.int(3) === 0 ? 'processing' : 'event'
  const advance = (1 + random.int(6)) * (time === 'event' ? unit : clockUnit)
  // The harness fires timers before the records of their time: no record comes when a session ends by it.
  const gap = time === 'processing' ? advance + 2 : advance
  return {
    kind,
    time,
    size: kind === 'hopping' ? advance * (1 + random.int(4)) : kind === 'tumbling' ? advance : gap,
    advance,
    // Flink takes none that is an advance or more.
    offset: advance > unit ? (random.int(3) - 1) * unit : 0,
    lateness: time === 'event' ? random.int(2) * random.int(12) * unit : 0,
  }
}

/** Global windows. */
const always: InWindows = { kind: 'global', time: 'event', size: unit, advance: unit, offset: 0, lateness: 0 }

function randomWindows(random: Random): WindowsCase {
  const windows = random.int(6) === 0 ? always : randomKind(random)
  const early = clockUnit * (1 + random.int(4))
  const emits = [
    'final',
    // Windows by the clock fire early by it, too.
    { early, time: windows.time === 'event' ? pick(random, times) : 'processing' },
    { everyRecords: 1 + random.int(3) },
  ] as const
  // By event time, Flink's trigger never comes to rest at the end of a global window.
  const emit = windows.kind === 'global' ? emits[2] : pick(random, emits)
  // Panes of sessions are not discarded: a later record may need what was in them.
  const mayDiscard = emit !== 'final' && !windows.kind.endsWith('session')
  return {
    ...windows,
    operator: 'windows',
    emit,
    panes: mayDiscard && random.int(2) === 0 ? 'discarding' : 'accumulating',
  }
}

function randomCoGroup(random: Random): CoGroupCase {
  const windows = randomKind(random)
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

function randomInputs(random: Random): Input[] {
  const [count, span, disorder] = [random.int(50), 10 + random.int(60), random.int(20)]
  return Array.from({ length: count }, (_, n) => ({
    side: (['left', 'right'] as const)[random.int(2)]!,
    key: 'abc'[random.int(3)]!,
    value: 1 + random.int(30),
    // From a time on that leaves no window before 1970.
    timestamp: (1000 + Math.floor((n * span) / count) - random.int(disorder + 1)) * unit,
    pause: (n === 0 ? 1000 : random.int(3) * random.int(3)) * clockUnit,
  }))
}
