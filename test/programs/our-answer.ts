/** What millrace gives for a program and its steps. */
import { MillraceError } from '../../src/base/index.ts'
import {
  json,
  text,
  topic,
  type Topic,
  type WatermarkOptions,
  type Windowed,
} from '../../src/schema/index.ts'
import {
  App,
  global,
  type GlobalTable,
  hopping,
  session,
  sliding,
  type Stream,
  Table,
  tumbling,
} from '../../src/stream/index.ts'
import { testApp } from '../../src/testing/index.ts'
import {
  type Answer,
  type Fold,
  functions,
  type Operation,
  type Program,
  type Step,
  type StreamJoinOperation,
  type TopicOperation,
  type WindowsOperation,
} from './program.ts'

/** That of a window is in text as in Kafka Streams: see {@link WindowsOperation}. */
type Key = string | Windowed<Key>
type Records = Stream<Key | null, number | null>
type Rows = Table<Key, number>
type Source = Topic<string, number>
type Everywhere = GlobalTable<string, number>

const { add, subtract, merge, lastDigits, topTwo } = functions
const keep = ofText(functions.keep)
const drop = ofText(functions.drop)
const value = ofText(functions.value)
const key = ofText(functions.key)
const values = ofText(functions.values)

function join(left: number | null, right: number | null, k: Key | null, n: number): number | null {
  return functions.join(left, right, textOf(k), n)
}

/** A function of text, which takes any key. */
function ofText<R>(of: (value: number | null, key: string | null, n: number) => R) {
  return (v: number | null, k: Key | null, n: number): R => of(v, textOf(k), n)
}

function textOf(k: Key | null): string | null {
  return k === null || typeof k === 'string' ? k : `${textOf(k.key)}@${k.start}-${k.end}`
}

/** The program as an app, and what is written where. */
export class Built {
  readonly app: App = new App('program')
  readonly sources: Map<string, Source> = new Map()
  readonly outputs: readonly Source[]
  readonly #made: (Records | Rows)[] = []

  constructor({ operations, outputs, outOfOrderness }: Program) {
    for (const operation of operations) this.#made.push(this.#make(operation, outOfOrderness))
    this.outputs = outputs.map(position => {
      const output = topic(`out-${position}`, { key: text(), value: json<number>(), partitions: 1 })
      const result = this.#made[position]!
      const records = result instanceof Table ? result.toStream() : result
      records.map((v, k) => [textOf(k), v]).to(output)
      return output
    })
  }

  #make(operation: Operation, outOfOrderness: number): Records | Rows {
    switch (operation.on) {
      case 'topic':
        return this.#source(operation, outOfOrderness)
      case 'stream':
        return ofStream[operation.op](this.#stream(operation.of), operation.n)
      case 'table':
        return ofTable[operation.op](this.#table(operation.of), operation.n)
      case 'grouped stream':
        return folded(this.#stream(operation.of), operation.op, operation.n)
      case 'grouped table':
        return foldedTable(this.#table(operation.of), operation.op, operation.n)
      case 'stream and table':
        return joined[operation.op](this.#stream(operation.of), this.#table(operation.with), operation.n)
      case 'stream and history':
        return joined[operation.op](this.#stream(operation.of), this.#table(operation.with), operation.n)
      case 'stream and global':
        return joinedGlobally[operation.op](
          this.#stream(operation.of),
          this.#global(operation.topic),
          operation.n,
        )
      case 'streams':
        return ofStreams[operation.op](this.#stream(operation.of), this.#stream(operation.with), operation.n)
      case 'joined streams':
        return joinedStreams(this.#stream(operation.of), this.#stream(operation.with), operation)
      case 'tables':
        return ofTables[operation.op](this.#table(operation.of), this.#table(operation.with), operation.n)
      case 'referring tables':
        return referring[operation.op](this.#table(operation.of), this.#table(operation.with), operation.n)
      case 'suppressed':
        return this.#table(operation.of).suppress(operation.limit, operation.bound)
      case 'windows':
        return resultsOf(this.#stream(operation.of), this.#stream(operation.with ?? operation.of), operation)
    }
  }

  #source(operation: TopicOperation, outOfOrderness: number): Records | Rows {
    const source = this.#topic(
      operation.topic,
      operation.op === 'table' ? {} : { watermark: { outOfOrderness } },
    )
    if (operation.op === 'stream') return this.app.stream(source)
    if (operation.op === 'table') return this.app.table(source)
    const { history, lateness: allowedLateness } = operation
    return this.app.table(source, { history, allowedLateness })
  }

  #global(name: string): Everywhere {
    return this.app.globalTable(this.sources.get(name) ?? this.#topic(name))
  }

  #topic(name: string, time: { readonly watermark?: WatermarkOptions } = {}): Source {
    const made = topic(name, { key: text(), value: json<number>(), partitions: 1, ...time })
    this.sources.set(name, made)
    return made
  }

  #stream(position: number): Records {
    return this.#made[position] as Records
  }

  #table(position: number): Rows {
    return this.#made[position] as Rows
  }
}

const ofStream = {
  filter: (stream: Records, n: number) => stream.filter((v, k) => keep(v, k, n)),
  filterNot: (stream: Records, n: number) => stream.filterNot((v, k) => drop(v, k, n)),
  mapValues: (stream: Records, n: number) => stream.mapValues((v, k) => value(v, k, n)),
  flatMapValues: (stream: Records, n: number) => stream.flatMapValues((v, k) => values(v, k, n)),
  selectKey: (stream: Records, n: number) => stream.selectKey((v, k) => key(v, k, n)),
  map: (stream: Records, n: number) => stream.map((v, k) => [key(v, k, n), value(v, k, n)]),
  flatMap: (stream: Records, n: number) =>
    stream.flatMap((v, k) => values(v, k, n).map(each => [key(each, k, n) as Key | null, each] as const)),
  split: (stream: Records, n: number) =>
    stream.split({ dropped: (v, k) => drop(v, k, n) }, { rest: 'kept' }).kept,
  repartition: (stream: Records) => stream.filter((_, k) => k !== null).repartition(),
  toTable: (stream: Records) => stream.toTable(),
} as const

const ofTable = {
  filter: (table: Rows, n: number) => table.filter((v, k) => keep(v, k, n)),
  filterNot: (table: Rows, n: number) => table.filterNot((v, k) => drop(v, k, n)),
  mapValues: (table: Rows, n: number) => table.mapValues((v, k) => value(v, k, n)),
  toStream: (table: Rows) => table.toStream(),
} as const

const ofStreams = {
  merge: (left: Records, right: Records) => left.merge(right),
  cogroup: (left: Records, right: Records, n: number) => cogrouped(left, right, n).aggregate(0),
} as const

const joined = {
  join: (left: Records, right: Rows, n: number) => left.join(right, (a, b, k) => join(a, b, k, n)),
  leftJoin: (left: Records, right: Rows, n: number) => left.leftJoin(right, (a, b, k) => join(a, b, k, n)),
} as const

const joinedGlobally = {
  join: (left: Records, right: Everywhere, n: number) =>
    left.join(
      right,
      (v, k) => key(v, k, n),
      (a, b, k) => join(a, b, k, n),
    ),
  leftJoin: (left: Records, right: Everywhere, n: number) =>
    left.leftJoin(
      right,
      (v, k) => key(v, k, n),
      (a, b, k) => join(a, b, k, n),
    ),
} as const

function joinedStreams(left: Records, right: Records, operation: StreamJoinOperation): Records {
  const { op, lateness: allowedLateness, exclusive, n } = operation
  const further = (side: 'before' | 'after'): number => (exclusive === side || exclusive === 'both' ? 1 : 0)
  const before = operation.before + further('before')
  const after = operation.after + further('after')
  const options = { before, after, allowedLateness, ...(exclusive && { exclusive }) }
  return {
    join: () => left.join(right, (a, b, k) => join(a, b, k, n), options),
    leftJoin: () => left.leftJoin(right, (a, b, k) => join(a, b, k, n), options),
    outerJoin: () => left.outerJoin(right, (a, b, k) => join(a, b, k, n), options),
  }[op]()
}

const ofTables = {
  join: (left: Rows, right: Rows, n: number) => left.join(right, (a, b) => join(a, b, null, n)),
  leftJoin: (left: Rows, right: Rows, n: number) => left.leftJoin(right, (a, b) => join(a, b, null, n)),
  outerJoin: (left: Rows, right: Rows, n: number) => left.outerJoin(right, (a, b) => join(a, b, null, n)),
} as const

const referring = {
  join: (left: Rows, right: Rows, n: number) =>
    left.join(
      right,
      (v, k) => key(v, k, n),
      (a, b) => join(a, b, null, n),
    ),
  leftJoin: (left: Rows, right: Rows, n: number) =>
    left.leftJoin(
      right,
      (v, k) => key(v, k, n),
      (a, b) => join(a, b, null, n),
    ),
} as const

function cogrouped(left: Records, right: Records, n: number) {
  return left
    .groupByKey()
    .cogroup((a: number, v) => add(a, v, n))
    .cogroup(right.groupByKey(), (a, v) => add(a, v + 1, n))
}

function resultsOf(left: Records, right: Records, operation: WindowsOperation): Rows {
  const { kind, size, advance, lateness: allowedLateness, op, n, emit } = operation
  const adder = adderOf(n)
  if (kind === 'session') {
    const windows = session(size, { allowedLateness })
    const sessions = left.groupByKey().windowedBy(windows)
    return {
      count: () => sessions.count().emit(emit),
      reduce: () => sessions.reduce(adder).emit(emit),
      aggregate: () => sessions.aggregate(0, adder, merge).emit(emit),
      topN: () => sessions.topN(2, lastDigits).emit(emit).mapValues(topTwo),
      cogroup: () => cogrouped(left, right, n).windowedBy(windows).aggregate(0, merge).emit(emit),
    }[op]()
  }
  const windows = {
    tumbling: () => tumbling(size, { allowedLateness }),
    hopping: () => hopping(size, advance, { allowedLateness }),
    sliding: () => sliding(size, { allowedLateness }),
    global: () => global(),
  }[kind]()
  const grouped = left.groupByKey().windowedBy(windows)
  return {
    count: () => grouped.count().emit(emit),
    reduce: () => grouped.reduce(adder).emit(emit),
    aggregate: () => grouped.aggregate(0, adder).emit(emit),
    topN: () => grouped.topN(2, lastDigits).emit(emit).mapValues(topTwo),
    cogroup: () => cogrouped(left, right, n).windowedBy(windows).aggregate(0).emit(emit),
  }[op]()
}

function folded(stream: Records, op: Fold, n: number): Rows {
  const grouped = stream.groupByKey()
  const adder = adderOf(n)
  return {
    count: () => grouped.count(),
    reduce: () => grouped.reduce(adder),
    aggregate: () => grouped.aggregate(0, adder),
  }[op]()
}

function foldedTable(table: Rows, op: Fold, n: number): Rows {
  const grouped = table.groupBy((v, k) => [key(v, k, n), v])
  const adder = adderOf(n)
  const subtractor = (a: number, v: number): number | null => subtract(a, v, n)
  return {
    count: () => grouped.count(),
    reduce: () => grouped.reduce(adder, subtractor),
    aggregate: () => grouped.aggregate(0, adder, subtractor),
  }[op]()
}

function adderOf(n: number) {
  return (a: number, v: number): number | null => add(a, v, n)
}

/** What each step gives; and after the last one, what the end of time gives. */
export function ourAnswer(program: Program, steps: readonly Step[]): Answer[] {
  const { app, sources, outputs } = new Built(program)
  const run = testApp(app)
  const answers: Answer[] = []
  try {
    for (const step of steps) {
      for (const { topic: name, key: k, ...record } of step)
        run.input(sources.get(name)!).push({ ...record, ...(k !== null && { key: k }) })
      answers.push(answer())
    }
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'LIMIT_EXCEEDED') return answers
    throw error
  }
  run.advanceTime(Number.POSITIVE_INFINITY)
  return [...answers, answer()]

  function answer(): Answer {
    const given: Record<string, string[]> = {}
    for (const output of outputs) {
      const records = run.output(output).read()
      if (records.length > 0)
        given[output.name] = records.map(each => `${each.key}=${each.value}@${each.timestamp}`)
    }
    return given
  }
}
