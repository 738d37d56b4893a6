/** Programs at random, of which millrace and Kafka Streams promise the same. */
import type { Random } from '../../src/base/index.ts'
import {
  folds,
  foldsUnlikeKafka,
  foreignKeyOps,
  globalTopic,
  type Operation,
  type Program,
  streamOps,
  streamPairOps,
  type SuppressOperation,
  type StreamOp,
  streamTableOps,
  type InputTopic,
  tableOps,
  joinOps,
  type TopicOperation,
  type WindowsOperation,
} from './program.ts'
import {
  haveNoTopicInCommon,
  keyed,
  type Made,
  madeOf,
  meetInOrder,
  ofWindows,
  rowsOf,
  together,
} from './made.ts'
import { randomStreamJoin } from './random-stream-join.ts'
import { randomHistory, randomStream, randomTable } from './random-topics.ts'

export interface RandomProgram {
  readonly program: Program
  readonly topics: readonly InputTopic[]
  /** Whether windows might not see each record. */
  readonly hidesTime: boolean
  /** Whether Kafka Streams need not agree. */
  readonly alsoUnlikeKafka: boolean
}

/** `alsoUnlikeKafka`: with windows of windows that Kafka Streams fires by what reaches them. */
export function randomProgram(random: Random, alsoUnlikeKafka = false): RandomProgram {
  const generator = new Generator(random, alsoUnlikeKafka)
  const count = 1 + random.int(7)
  for (let n = 0; n < count || generator.operations.length < 2; n += 1) generator.grow()
  const { operations, outputs, unordered, outOfOrderness, hidesTime } = generator
  return {
    program: { operations, outputs, unordered, outOfOrderness },
    topics: [...new Set(operations.flatMap(each => ('topic' in each ? [each.topic] : [])))],
    hidesTime,
    alsoUnlikeKafka,
  }
}

class Generator {
  readonly operations: Operation[] = []
  readonly outOfOrderness: number
  hidesTime = false
  readonly #random: Random
  readonly #alsoUnlikeKafka: boolean
  readonly #made: Made[] = []
  readonly #used = new Set<number>()

  constructor(random: Random, alsoUnlikeKafka: boolean) {
    this.#random = random
    this.#alsoUnlikeKafka = alsoUnlikeKafka
    this.outOfOrderness = random.int(3) === 0 ? 0 : random.int(30)
  }

  /** The results that no operator takes. */
  get outputs(): number[] {
    return this.#made.flatMap((_, position) => (this.#used.has(position) ? [] : [position]))
  }

  get unordered(): number[] {
    return this.outputs.filter(position => this.#made[position]!.order === 'by key')
  }

  /** Adds an operator to a result at random; adds nothing where none fits. */
  grow(): void {
    const of = this.#any()
    const made = this.#made[of]!
    const n = this.#random.int(3) === 0 ? 10 : 2 + this.#random.int(5)
    if (made.order === 'by key') this.#growByKey(of, made, n)
    else if (made.kind === 'stream') this.#growStream(of, made, n)
    else this.#growTable(of, made, n)
  }

  /** What leaves the results of each key in order. */
  #growByKey(of: number, made: Made, n: number): void {
    if (made.kind === 'table') this.#mapRows(of, made, n)
    else if (made.latenessOfResults !== undefined && this.#mayBeFollowed(made) && this.#random.int(2) === 0)
      this.#windows(of, made, n)
    else if (this.#random.int(3) === 0) this.#fold(of, made, n)
    else this.#map(of, made, n, this.#one(streamOps.filter(keepsKeys)))
  }

  #growStream(of: number, made: Made, n: number): void {
    const choice = this.#random.int(this.#alsoUnlikeKafka ? 18 : 14)
    if (choice < 5) this.#map(of, made, n, this.#one(streamOps))
    else if (choice < 8) this.#join(of, made, n)
    else if (choice < 9) {
      const rows = this.#fold(of, made, n)
      if (this.#random.int(2) === 0) this.#suppress(this.operations.length - 1, rows, n)
    } else if (choice < 10) this.#pair(of, made, n)
    else if (choice < 12 && made.hasTime) this.#joinStreams(of, made, n)
    else if (made.hasTime || made.latenessOfResults !== undefined) this.#windows(of, made, n)
  }

  #map(of: number, made: Made, n: number, op: StreamOp): void {
    const isMoved = made.isMoved || !keepsKeys(op)
    const isWindowed = made.isWindowed && keepsKeys(op)
    if (op === 'toTable') this.#add({ on: 'stream', op, of, n }, rowsOf(keyed(made)))
    else if (op === 'repartition')
      this.#add({ on: 'stream', op, of, n }, { ...made, hasCrossed: true, isMoved: false, isSource: false })
    else {
      const isPlural = made.isPlural || op === 'flatMapValues' || op === 'flatMap'
      this.#add({ on: 'stream', op, of, n }, { ...made, isMoved, isWindowed, isPlural, isSource: false })
    }
  }

  #fold(of: number, made: Made, n: number): Made {
    const op = this.#one(folds)
    // Without its aggregate a row starts from any time.
    const rows = { ...rowsOf(keyed(made)), isMonotone: op === 'count' || n === 10 }
    this.#add({ on: 'grouped stream', op, of, n }, rows)
    return rows
  }

  #growTable(of: number, made: Made, n: number): void {
    if (this.#random.int(8) === 0) this.#suppress(of, made, n)
    const choice = this.#random.int(10)
    if (choice < 5) this.#mapRows(of, made, n)
    else if (choice < 7)
      this.#add(
        { on: 'grouped table', op: this.#one(folds), of, n },
        { ...rowsOf(made), isWindowed: false, hasCrossed: true, isPlural: true },
      )
    else if (made.isKept) this.#joinTables(of, made, n)
  }

  #mapRows(of: number, made: Made, n: number): void {
    const op = this.#one(tableOps)
    // In Kafka Streams each is an operator, so that several have an order; in millrace it is none.
    if (
      op === 'toStream' &&
      this.operations.some(each => each.on === 'table' && each.op === op && each.of === of)
    )
      return
    const kind = op === 'toStream' ? 'stream' : 'table'
    this.#add({ on: 'table', op, of, n }, { ...made, kind, isSource: false })
  }

  #joinTables(of: number, made: Made, n: number): void {
    const other = this.#any('table')
    const right = this.#made[other]!
    if (!haveNoTopicInCommon(made, right) || !right.isKept || right.order !== made.order) return
    const both = rowsOf(together(made, right))
    // Of several changes of a row on their way, which ones are answered is a matter of time.
    if (both.isPlural || this.#random.int(2) === 0) {
      if (made.isWindowed !== right.isWindowed) return
      this.#add({ on: 'tables', op: this.#one(joinOps), of, with: other, n }, both)
    } else if (!right.isWindowed)
      this.#add(
        { on: 'referring tables', op: this.#one(foreignKeyOps), of, with: other, n },
        { ...both, order: 'by key' },
      )
  }

  #join(of: number, made: Made, n: number): void {
    const op = this.#one(streamTableOps)
    if (this.#random.int(4) === 0) {
      this.#add({ on: 'stream and global', op, of, n, topic: globalTopic }, { ...made, isSource: false })
      return
    }
    const other = this.#any('table')
    const right = this.#made[other]!
    const { remembered } = right
    if (remembered && made.hasTime) {
      this.hidesTime = true
      // A result waits, and so comes among others at some time.
      this.#add(
        { on: 'stream and history', op, of, with: other, n, ...remembered },
        { ...together(keyed(made), right), hasTime: false, order: 'by key' },
      )
    } else if (
      !remembered &&
      right.isKept &&
      right.order === 'all' &&
      made.isWindowed === right.isWindowed &&
      meetInOrder(made, right)
    )
      this.#add(
        { on: 'stream and table', op, of, with: other, n },
        { ...together(keyed(made), right), hasTime: made.hasTime, isMany: made.isMany },
      )
  }

  #pair(of: number, made: Made, n: number): void {
    const other = this.#any('stream')
    const right = this.#made[other]!
    // Kafka Streams gives each record of a stream that is merged with itself once; Flink and millrace, twice.
    if (other === of || !meetInOrder(made, right)) return
    const op = this.#one(streamPairOps)
    // The earlier one first: it is the order in which each record reaches the two.
    const pair = { of: Math.min(of, other), with: Math.max(of, other), n }
    if (made.order !== 'all' || right.order !== 'all' || made.isWindowed !== right.isWindowed) return
    const isMoved = made.isMoved || right.isMoved
    if (op === 'merge') this.#add({ on: 'streams', op, ...pair }, { ...together(made, right), isMoved })
    else this.#add({ on: 'streams', op, ...pair }, rowsOf(together(keyed(made), keyed(right))))
  }

  #joinStreams(of: number, made: Made, n: number): void {
    const other = this.#any('stream')
    const right = this.#made[other]!
    if (other === of || !right.hasTime || right.order !== 'all' || !meetInOrder(made, right)) return
    if (this.operations.some(mayEndRun)) return
    this.hidesTime = true
    const join = randomStreamJoin(this.#random, this.outOfOrderness)
    this.#add(
      { ...join, of, with: other, n },
      // Records that go out alone have no order between keys.
      { ...together(keyed(made), keyed(right)), hasTime: false, isLast: join.op !== 'join', isPlural: true },
    )
  }

  /**
   * Joins what windows give to a stream, which may be of the same topic, or to a table with history. Only the
   * results of all records together are the same.
   */
  #joinResults(of: number, results: Made, n: number): void {
    if (this.operations.some(mayEndRun)) return
    this.hidesTime = true
    const [isToStream, history] = [this.#random.int(2) === 0, randomHistory(this.#random)]
    const other = isToStream ? this.#any('stream') : this.#source(history)
    const right = this.#made[other]!
    const least = results.latenessOfResults
    // Changes of global windows may come however late, which joins of streams refuse.
    if (
      right.kind === 'stream' &&
      (least === undefined || (!right.hasTime && right.latenessOfResults === undefined))
    )
      return
    const joined: Made = { ...together(keyed(results), right), order: 'by key', isLast: true }
    const rekeyed = (position: number): number =>
      this.#add({ on: 'stream', op: 'selectKey', of: position, n }, joined)
    const left = rekeyed(this.#add({ on: 'table', op: 'toStream', of, n }, joined))
    if (right.kind === 'table') {
      const op = this.#one(streamTableOps)
      this.#add({ on: 'stream and history', op, of: left, with: other, n, ...right.remembered! }, joined)
      return
    }
    const join = randomStreamJoin(this.#random, this.outOfOrderness)
    const lateness = join.lateness + Math.max(least ?? 0, right.latenessOfResults ?? 0)
    this.#add({ ...join, of: left, with: right.isWindowed ? rekeyed(other) : other, n, lateness }, joined)
  }

  #suppress(of: number, made: Made, n: number): void {
    // A change that is older than one that is held hastens it in millrace, and not in Kafka Streams. Of
    // several streams Kafka Streams lets changes go with the first that reaches a time, millrace with the
    // last.
    if (!made.isMonotone || !made.hasTime || made.isMany) return
    const random = this.#random
    const bounds: SuppressOperation['bound'][] = [{}, {}, { maxRecords: 1 + random.int(4) }, { maxBytes: 1 }]
    // A record that goes out alone may do so in one peer before the run ends, and in the other after it.
    if (!this.operations.some(({ on }) => on === 'joined streams'))
      bounds.push({ maxRecords: 3 + random.int(2), whenFull: 'fail' })
    this.#holdBack(of, made, n, this.#one(bounds))
  }

  #holdBack(of: number, made: Made, n: number, bound: SuppressOperation['bound']): void {
    this.hidesTime = true
    const limit = 1 + this.#random.int(40)
    const { latenessOfResults } = made
    this.#add(
      { on: 'suppressed', op: 'suppress', of, n, limit, bound },
      {
        ...made,
        order: 'by key',
        latenessOfResults: latenessOfResults === undefined ? undefined : latenessOfResults + limit,
      },
    )
  }

  #windows(of: number, made: Made, n: number): void {
    const random = this.#random
    // What windows give has its own time, so no other stream meets it.
    const isSecond = made.latenessOfResults !== undefined
    const other = !isSecond && random.int(2) === 0 ? this.#any('stream') : of
    const right = this.#made[other]!
    const isCogroup = other !== of && right.hasTime && right.order === 'all' && meetInOrder(made, right)
    const input = isCogroup ? together(keyed(made), keyed(right)) : made
    const kind = this.#one(['tumbling', 'hopping', 'sliding', 'session', 'global'] as const)
    // Global windows are never final. In Kafka Streams, others know the time by the windows before them.
    const mayBeFinal = kind !== 'global' && (!isSecond || this.#alsoUnlikeKafka)
    const emit = !mayBeFinal ? 'changes' : this.#one(['changes', 'final'] as const)
    const isOfOnePartition = !input.isMoved && !input.hasCrossed && !input.isMany
    // Kafka Streams fires these 1 ms too early, and no grace corrects that alone.
    if (kind === 'session' && emit === 'final' && isOfOnePartition && !this.#alsoUnlikeKafka) return
    if (!made.isSource || isCogroup) this.hidesTime = true
    const size = this.#one([1, 2, ...Array(4).fill(5 * (1 + random.int(5)))])
    // Nor does this comparison know what late records correct in Kafka Streams.
    const isPunctual = emit === 'final' && !this.#alsoUnlikeKafka
    // Kafka Streams loses a sliding window whose aggregate was null once. A session that goes and comes back
    // in one step looks like one that stays.
    const mayDelete = kind !== 'sliding' && (kind !== 'session' || !input.isPlural)
    const operation: WindowsOperation = {
      on: 'windows',
      op: isCogroup ? 'cogroup' : this.#one(this.#alsoUnlikeKafka ? foldsUnlikeKafka : folds),
      of,
      ...(isCogroup && { with: other }),
      n: mayDelete ? n : 10,
      kind,
      size,
      advance: kind === 'hopping' ? 1 + random.int(size) : size,
      lateness: (made.latenessOfResults ?? 0) + (isPunctual || random.int(2) === 0 ? 0 : random.int(30)),
      emit,
      isLateByItself: kind === 'sliding' || (kind === 'session' && !isOfOnePartition),
    }
    // A record changes several sliding windows in any order. They end in any order, as sessions do.
    const isAnyOrder = kind === 'sliding' || (kind === 'session' && emit === 'final')
    const order = isAnyOrder ? 'by key' : made.order
    const isPlural = input.isPlural || kind === 'hopping' || emit === 'final'
    // Whether a session without a value is taken back or replaced is known at the end of a step.
    const isUnsettled = kind === 'session' && operation.op !== 'count' && operation.n < 10
    const isLast = isUnsettled || isCorrected(operation)
    const latenessOfResults = kind === 'global' ? undefined : operation.lateness + size
    const results = { ...ofWindows(input, latenessOfResults), order, isPlural, isLast } as const
    this.#add(operation, results)
    const position = this.operations.length - 1
    const isMonotone = emit === 'changes' && (operation.op === 'count' || operation.n === 10)
    // Windows of one record have no order in common that a bound could go by.
    if (isMonotone && !input.isMany && random.int(4) === 0)
      this.#holdBack(position, results, n, this.#one([{}, { maxBytes: 1 }] as const))
    else if (this.#alsoUnlikeKafka && !isLast && random.int(3) > 0) this.#joinResults(position, results, n)
    else if (latenessOfResults !== undefined && this.#mayBeFollowed(results) && random.int(4) === 0) {
      const changes: Made = { ...results, kind: 'stream' }
      this.#add({ on: 'table', op: 'toStream', of: position, n }, changes)
      this.#windows(position + 1, changes, n)
    }
  }

  /** Whether windows of these results are the same in both peers. */
  #mayBeFollowed({ order, isLast }: Made): boolean {
    return !isLast && (order === 'all' || this.#alsoUnlikeKafka)
  }

  /** Its position. */
  #add(operation: Operation, made: Made): number {
    if ('of' in operation) this.#used.add(operation.of)
    if ('with' in operation && operation.with !== undefined) this.#used.add(operation.with)
    this.operations.push(operation)
    return this.#made.push(made) - 1
  }

  /** The position of a result, or of a new source. */
  #any(kind?: 'stream' | 'table'): number {
    const found = this.#made.flatMap((each, position) =>
      !each.isLast && (kind === undefined || each.kind === kind) ? [position] : [],
    )
    // The latest are the likeliest, so that programs become deep.
    const chosen = Math.max(this.#random.int(found.length + 1), this.#random.int(found.length + 1)) - 1
    return found[chosen] ?? this.#anySource(kind ?? this.#one(['stream', 'table']))
  }

  #anySource(kind: 'stream' | 'table'): number {
    return this.#source(kind === 'stream' ? randomStream(this.#random) : randomTable(this.#random))
  }

  #source(source: TopicOperation): number {
    const known = this.operations.findIndex(each => each.on === 'topic' && each.topic === source.topic)
    if (known >= 0) return known
    return this.#add(source, madeOf(source))
  }

  #one<T>(choices: readonly T[]): T {
    return choices[this.#random.int(choices.length)]!
  }
}

/** Whether other results of a window may follow one: how many is a matter of time. */
export function isCorrected(operation: Operation): boolean {
  return operation.on === 'windows' && operation.emit === 'final' && operation.lateness > 0
}

/** Whether it may have more changes than it takes. */
export function mayEndRun(operation: Operation): boolean {
  return operation.on === 'suppressed' && 'whenFull' in operation.bound
}

function keepsKeys(op: StreamOp): boolean {
  return op !== 'selectKey' && op !== 'map' && op !== 'flatMap' && op !== 'repartition'
}
