/** Cases at random, with disorder, ties, late records and times at the bounds of windows. */
import type { Random } from '../../../src/base/index.ts'
import type { Case, Input, IntervalJoinCase, TimersCase, WindowsCase } from './case.ts'

/** Times are multiples of it, and so are sizes and gaps. */
const unit = 5

export function randomCase(random: Random): Case {
  const outOfOrderness = random.int(2) * random.int(8) * unit
  const operator = randomOperator(random)
  const inputs = randomInputs(random)
  // Flink loses the sum of a session when a record comes whose own session has the same bounds.
  const isTieSafe = operator.operator !== 'windows' || operator.kind !== 'dynamic session'
  return { ...operator, outOfOrderness, inputs: isTieSafe ? inputs : withoutTies(inputs) }
}

function randomOperator(random: Random): WindowsCase | TimersCase | IntervalJoinCase {
  switch (random.int(6)) {
    case 0:
      return { operator: 'timers' }
    case 1:
      return randomJoin(random)
    default:
      return randomWindows(random)
  }
}

function randomJoin(random: Random): IntervalJoinCase {
  const before = (random.int(10) - 3) * unit
  const exclusive = ([undefined, 'before', 'after', 'both'] as const)[random.int(4)]
  const after = -before + (1 + random.int(8)) * unit
  return { operator: 'interval join', bounds: { before, after, ...(exclusive && { exclusive }) } }
}

function withoutTies(inputs: readonly Input[]): Input[] {
  const seen = new Set<string>()
  return inputs.filter(({ key, timestamp }) => {
    const id = `${key} ${timestamp}`
    return !seen.has(id) && seen.add(id)
  })
}

function randomWindows(random: Random): WindowsCase {
  const kinds = ['tumbling', 'hopping', 'session', 'dynamic session'] as const
  const kind = kinds[random.int(kinds.length)]!
  const advance = (1 + random.int(6)) * unit
  const size = kind === 'hopping' ? advance * (1 + random.int(4)) : advance
  const emits = ['final', { early: unit * (1 + random.int(4)) }, { everyRecords: 1 + random.int(3) }] as const
  return {
    operator: 'windows',
    kind,
    size,
    advance,
    // Flink takes none that is an advance or more.
    offset: advance > unit ? (random.int(3) - 1) * unit : 0,
    lateness: random.int(2) * random.int(12) * unit,
    emit: emits[random.int(emits.length)]!,
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
  }))
}
