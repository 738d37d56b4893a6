/** Programs at random, of which millrace and Kafka Streams promise the same. */
import type { Random } from '../../src/base/index.ts'
import {
  folds,
  foreignKeyOps,
  type Operation,
  type Program,
  streamOps,
  streamPairOps,
  streamTableOps,
  type StreamTopic,
  streamTopics,
  tableOps,
  joinOps,
  type TableTopic,
  tableTopics,
  type WindowsOperation,
} from './program.ts'

/** What the generator has to know of a result. */
interface Made {
  readonly kind: 'stream' | 'table'
  readonly topics: ReadonlySet<StreamTopic | TableTopic>
  /** Whether a keyed operator would be preceded by an exchange. */
  readonly isMoved: boolean
  /** Whether its records have passed an exchange. */
  readonly hasCrossed: boolean
  /** Whether it is made of several. */
  readonly isMany: boolean
  /** Whether one input may give several results of one key. */
  readonly isPlural: boolean
  /** Whether it is what a topic holds. */
  readonly isSource: boolean
  /** Whether its records may go into windows: event time comes from streams only. */
  readonly hasTime: boolean
  /** Nothing but writing is done with it: what the peer gives in another form is compared there. */
  readonly isLast: boolean
}

export interface RandomProgram {
  readonly program: Program
  readonly topics: readonly (StreamTopic | TableTopic)[]
  /** Whether windows might not see each record. */
  readonly hidesTime: boolean
}

export function randomProgram(random: Random): RandomProgram {
  const generator = new Generator(random)
  const count = 1 + random.int(7)
  for (let n = 0; n < count || generator.operations.length < 2; n += 1) generator.grow()
  const { operations, outputs, outOfOrderness, hidesTime } = generator
  return {
    program: { operations, outputs, outOfOrderness },
    topics: operations.flatMap(each => (each.on === 'topic' ? [each.topic] : [])),
    hidesTime,
  }
}

class Generator {
  readonly operations: Operation[] = []
  readonly outOfOrderness: number
  hidesTime = false
  readonly #random: Random
  readonly #made: Made[] = []
  readonly #used = new Set<number>()

  constructor(random: Random) {
    this.#random = random
    this.outOfOrderness = random.int(3) === 0 ? 0 : random.int(30)
  }

  /** The results that no operator takes. */
  get outputs(): number[] {
    return this.#made.flatMap((_, position) => (this.#used.has(position) ? [] : [position]))
  }

  /** Adds an operator to a result at random; adds nothing where none fits. */
  grow(): void {
    const of = this.#any()
    const made = this.#made[of]!
    const n = this.#random.int(3) === 0 ? 10 : 2 + this.#random.int(5)
    if (made.kind === 'stream') this.#growStream(of, made, n)
    else this.#growTable(of, made, n)
  }

  #growStream(of: number, made: Made, n: number): void {
    const choice = this.#random.int(12)
    if (choice < 5) {
      const op = this.#one(streamOps)
      const isMoved = made.isMoved || op === 'selectKey' || op === 'map' || op === 'flatMap'
      if (op === 'toTable') this.#add({ on: 'stream', op, of, n }, { ...keyed(made), kind: 'table' })
      else if (op === 'repartition')
        this.#add({ on: 'stream', op, of, n }, { ...made, hasCrossed: true, isMoved: false, isSource: false })
      else {
        const isPlural = made.isPlural || op === 'flatMapValues' || op === 'flatMap'
        this.#add({ on: 'stream', op, of, n }, { ...made, isMoved, isPlural, isSource: false })
      }
    } else if (choice < 7) this.#join(of, made, n)
    else if (choice < 8) this.#add({ on: 'grouped stream', op: this.#one(folds), of, n }, rowsOf(keyed(made)))
    else if (choice < 9) this.#pair(of, made, n)
    else if (choice < 10 && made.hasTime) this.#joinStreams(of, made, n)
    else if (made.hasTime) this.#windows(of, made, n)
  }

  #growTable(of: number, made: Made, n: number): void {
    const choice = this.#random.int(10)
    if (choice < 5) {
      const op = this.#one(tableOps)
      // In Kafka Streams each is an operator, so that several have an order; in millrace it is none.
      if (
        op === 'toStream' &&
        this.operations.some(each => each.on === 'table' && each.op === op && each.of === of)
      )
        return
      const kind = op === 'toStream' ? 'stream' : 'table'
      this.#add({ on: 'table', op, of, n }, { ...made, kind, isSource: false })
    } else if (choice < 7)
      this.#add(
        { on: 'grouped table', op: this.#one(folds), of, n },
        { ...rowsOf(made), hasCrossed: true, isPlural: true },
      )
    else {
      const other = this.#any('table')
      const right = this.#made[other]!
      if (!haveNoTopicInCommon(made, right)) return
      const both = rowsOf(together(made, right))
      // Of several changes of a row on their way, which ones are answered is a matter of time.
      if (both.isPlural || this.#random.int(3) > 0)
        this.#add({ on: 'tables', op: this.#one(joinOps), of, with: other, n }, both)
      else
        // The order of results of one change is compared by key, and so is nothing that depends on it.
        this.#add(
          { on: 'referring tables', op: this.#one(foreignKeyOps), of, with: other, n },
          { ...both, isLast: true },
        )
    }
  }

  #join(of: number, made: Made, n: number): void {
    const other = this.#any('table')
    const right = this.#made[other]!
    if (meetInOrder(made, right))
      this.#add(
        { on: 'stream and table', op: this.#one(streamTableOps), of, with: other, n },
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
    const isMoved = made.isMoved || right.isMoved
    if (op === 'merge') this.#add({ on: 'streams', op, ...pair }, { ...together(made, right), isMoved })
    else this.#add({ on: 'streams', op, ...pair }, rowsOf(together(keyed(made), keyed(right))))
  }

  #joinStreams(of: number, made: Made, n: number): void {
    const other = this.#any('stream')
    const right = this.#made[other]!
    if (other === of || !right.hasTime || !meetInOrder(made, right)) return
    this.hidesTime = true
    const op = this.#one(joinOps)
    const lateness = this.#random.int(2) === 0 ? 0 : this.#random.int(30)
    // If a bound is not longer than the grace, Kafka Streams may give a record alone, and then with a match.
    // If it is 0, the store forgets the records of one side 1 ms too early.
    const least = this.outOfOrderness + lateness + 1
    const [before, after] = [least + this.#random.int(20), least + this.#random.int(20)]
    this.#add(
      { on: 'joined streams', op, of, with: other, n, before, after, lateness },
      // Records that go out alone have no order between keys.
      { ...together(keyed(made), keyed(right)), hasTime: false, isLast: op !== 'join', isPlural: true },
    )
  }

  #windows(of: number, made: Made, n: number): void {
    const random = this.#random
    const other = random.int(4) === 0 ? this.#any('stream') : of
    const right = this.#made[other]!
    const isCogroup = other !== of && right.hasTime && meetInOrder(made, right)
    const input = isCogroup ? together(keyed(made), keyed(right)) : made
    const kind = this.#one(['tumbling', 'hopping', 'sliding', 'session'] as const)
    const emit = this.#one(['changes', 'final'] as const)
    const isOfOnePartition = !input.isMoved && !input.hasCrossed && !input.isMany
    // Kafka Streams fires these 1 ms too early, and no grace corrects that alone.
    if (kind === 'session' && emit === 'final' && isOfOnePartition) return
    if (!made.isSource || isCogroup) this.hidesTime = true
    const size = 5 * (1 + random.int(5))
    const operation: WindowsOperation = {
      on: 'windows',
      op: isCogroup ? 'cogroup' : this.#one(folds),
      of,
      ...(isCogroup && { with: other }),
      // Kafka Streams loses a sliding window whose aggregate was null once.
      n: kind === 'sliding' ? 10 : n,
      kind,
      size,
      advance: kind === 'hopping' ? 1 + random.int(size) : size,
      lateness: emit === 'final' || random.int(2) === 0 ? 0 : random.int(30),
      emit,
      isLateByItself: kind === 'sliding' || (kind === 'session' && !isOfOnePartition),
    }
    this.#add(operation, { ...input, isMoved: true, isSource: false, hasTime: false, isLast: true })
  }

  #add(operation: Operation, made: Made): void {
    if ('of' in operation) this.#used.add(operation.of)
    if ('with' in operation && operation.with !== undefined) this.#used.add(operation.with)
    this.operations.push(operation)
    this.#made.push(made)
  }

  /** The position of a result, or of a new source. */
  #any(kind?: 'stream' | 'table'): number {
    const found = this.#made.flatMap((each, position) =>
      !each.isLast && (kind === undefined || each.kind === kind) ? [position] : [],
    )
    // The latest are the likeliest, so that programs become deep.
    const chosen = Math.max(this.#random.int(found.length + 1), this.#random.int(found.length + 1)) - 1
    return found[chosen] ?? this.#source(kind ?? this.#one(['stream', 'table']))
  }

  #source(kind: 'stream' | 'table'): number {
    const source: Operation =
      kind === 'stream'
        ? { on: 'topic', op: kind, topic: this.#one(streamTopics) }
        : { on: 'topic', op: kind, topic: this.#one(tableTopics) }
    const known = this.operations.findIndex(each => each.on === 'topic' && each.topic === source.topic)
    if (known >= 0) return known
    this.#add(source, {
      kind,
      topics: new Set([source.topic]),
      isMoved: false,
      hasCrossed: false,
      isMany: false,
      isPlural: false,
      isSource: true,
      hasTime: kind === 'stream',
      isLast: false,
    })
    return this.operations.length - 1
  }

  #one<T>(choices: readonly T[]): T {
    return choices[this.#random.int(choices.length)]!
  }
}

/** Where its keys are needed. */
function keyed(made: Made): Made {
  return { ...made, isMoved: false, hasCrossed: made.hasCrossed || made.isMoved, isSource: false }
}

function rowsOf(made: Made): Made {
  return { ...made, kind: 'table', isSource: false }
}

function together(left: Made, right: Made): Made {
  return {
    ...left,
    topics: new Set([...left.topics, ...right.topics]),
    hasCrossed: left.hasCrossed || right.hasCrossed,
    isMany: true,
    isPlural: left.isPlural || right.isPlural || !haveNoTopicInCommon(left, right),
    hasTime: left.hasTime && right.hasTime,
    isSource: false,
  }
}

/**
 * Whether both peers bring the records of the two in one order to where they meet. Those of one topic that
 * come over an exchange and beside it do not, as no log promises that, nor those that have come together
 * before.
 */
function meetInOrder(left: Made, right: Made): boolean {
  if (haveNoTopicInCommon(left, right)) return true
  return ![left, right].some(each => each.hasCrossed || each.isMoved || each.isMany)
}

/**
 * A table that is joined to itself gives two results of each change: in millrace the first is of the new row
 * and the old one, in Kafka Streams both are of the new row.
 */
function haveNoTopicInCommon(left: Made, right: Made): boolean {
  return ![...left.topics].some(topic => right.topics.has(topic))
}
