/**
 * Checks of the arguments of the DSL. The types say the same. A program without types gets a clear error at
 * the call, not a TypeError at the first record or a wrong result.
 */
import { checkOptions, inWords, MillraceError, type OptionKind, partitionsMax } from '../../base/index.ts'

/** How each method is called, for messages. */
const usages = {
  filter: 'filter(value => value.cents > 0)',
  filterNot: 'filterNot(value => value.test)',
  mapValues: 'mapValues(value => value.cents)',
  map: 'map((value, key) => [key, value])',
  flatMap: 'flatMap((value, key) => [[key, value]])',
  selectKey: 'selectKey(value => value.customer)',
  flatMapValues: 'flatMapValues(value => value.items)',
  forEach: 'forEach((value, key) => console.log(key, value))',
  merge: 'merge(another, andAnother)',
  mapAsync: 'mapAsync(async value => await lookUp(value.id), { capacity: 50 })',
  match:
    'match(pattern => pattern.begin("small", tx => tx.cents < 100).followedBy("large", tx => tx.cents > 100_000))',
  process:
    'process({ outputs: { alerts: output() }, onRecord: (value, key, { emit }) => emit.alerts(value) })',
  split: 'split({ large: order => order.cents > 1000 }, { rest: "small" })',
  deduplicate: "deduplicate('1h')",
  repartition: 'repartition({ partitions: 12 })',
  withTimestamp: 'withTimestamp(value => value.at)',
  withHeaders: "withHeaders((value, key, { headers }) => [...headers, { key: 'trace', value: 'x' }])",
  peek: 'peek((value, key) => console.log(key, value))',
  groupByKey: 'groupByKey(), or groupBy(value => value.customer) for another key',
  groupBy: 'groupBy(value => value.customer)',
  join: 'join(table, (value, tableValue) => ({ ...value, ...tableValue }))',
  leftJoin: 'leftJoin(table, (value, tableValue) => ({ ...value, found: tableValue !== null }))',
  'groupBy of tables': 'groupBy(value => [value.customer, value.cents])',
  'reduce of tables':
    'reduce((sum, value) => sum + value, (sum, value) => sum - value), where the second function undoes the first',
  'aggregate of tables':
    'aggregate(0, (sum, value) => sum + value, (sum, value) => sum - value), where the last function undoes the one before',
  'join of a global table': 'join(cities, order => order.city, (order, city) => ({ ...order, ...city }))',
  'leftJoin of a global table': 'leftJoin(cities, order => order.city, (order, city) => [order, city])',
  'join of tables': 'join(table, (value, otherValue) => ({ ...value, ...otherValue }))',
  'leftJoin of tables': 'leftJoin(table, (value, otherValue) => ({ ...value, found: otherValue !== null }))',
  'join of tables by foreign key':
    'join(customers, order => order.customer, (order, customer) => ({ ...order, ...customer }))',
  'leftJoin of tables by foreign key':
    'leftJoin(customers, order => order.customer, (order, customer) => ({ ...order, name: customer?.name }))',
  'join of streams': "join(stream, (value, otherValue) => ({ ...value, ...otherValue }), { within: '5m' })",
  'leftJoin of streams':
    "leftJoin(stream, (value, otherValue) => ({ ...value, found: otherValue !== null }), { within: '5m' })",
  'outerJoin of streams':
    "outerJoin(stream, (value, otherValue) => ({ ...value, ...otherValue }), { within: '5m' })",
  coGroup: "coGroup(stream, tumbling('1h'))",
  'join of a coGroup': 'join((value, otherValue) => ({ ...value, ...otherValue }))',
  'leftJoin of a coGroup': 'leftJoin((value, otherValue) => ({ ...value, found: otherValue !== null }))',
  'outerJoin of a coGroup': 'outerJoin((value, otherValue) => ({ ...value, ...otherValue }))',
  outerJoin: 'outerJoin(table, (value, otherValue) => ({ ...value, ...otherValue }))',
  toTable: 'toTable({ name })',
  suppress: "suppress('1m', { maxRecords: 10_000 })",
  toStream: 'toStream(), or toStream((key, value) => anotherKey)',
  to: 'to(topic)',
  stream: 'app.stream(topic)',
  table: 'app.table(topic)',
  count: 'count()',
  reduce: 'reduce((sum, value) => sum + value); aggregate(initial, add) is the one with an initial value',
  aggregate: 'aggregate(0, (sum, value) => sum + value)',
  'aggregate of sessions':
    'aggregate(0, (sum, value) => sum + value, (left, right) => left + right), where the last function joins the aggregates of two sessions',
  topN: 'topN(10, order => order.cents): how many, and the number that is largest',
  sessionize: "sessionize('30m'), or sessionize('30m', { allowedLateness: '1h' })",
  cogroup:
    'cogroup((sum: number, order) => sum + order.cents), and cogroup(grouped, add) for further streams',
  'aggregate of a cogroup': 'aggregate(0), as the functions that add were given to cogroup',
  'aggregate of sessions of a cogroup':
    'aggregate(0, (left, right) => left + right), as the functions that add were given to cogroup',
  windowedBy: "windowedBy(tumbling('1h')), and likewise hopping, cumulative, sliding, session and global",
} as const

/** A method of the DSL, as messages name it. */
export type Method = keyof typeof usages

const version = { version: 'natural' } as const
const history = { history: 'duration', allowedLateness: 'duration' } as const
const joinOfStreams = {
  ...version,
  within: 'any',
  before: 'any',
  after: 'any',
  exclusive: ['before', 'after', 'both'],
  allowedLateness: 'duration',
} as const

/** The options that methods take besides a name. Operators that keep values of the program take a version. */
const more: Readonly<Partial<Record<Method, Readonly<Record<string, OptionKind>>>>> = {
  aggregate: version,
  'aggregate of sessions': version,
  'aggregate of a cogroup': version,
  'aggregate of sessions of a cogroup': version,
  count: version,
  topN: version,
  sessionize: { ...version, allowedLateness: 'duration' },
  reduce: version,
  'reduce of tables': version,
  'aggregate of tables': version,
  'join of tables': version,
  'leftJoin of tables': version,
  'join of tables by foreign key': version,
  'leftJoin of tables by foreign key': version,
  outerJoin: version,
  mapAsync: {
    ordered: 'boolean',
    capacity: 'count',
    timeout: 'duration',
    retries: 'natural',
    backoff: 'duration',
  },
  match: { afterMatch: 'any' },
  process: version,
  table: history,
  toTable: { ...version, ...history },
  suppress: { maxRecords: 'count', maxBytes: 'count', whenFull: ['emitEarly', 'fail'] },
  coGroup: version,
  'join of streams': joinOfStreams,
  'leftJoin of streams': joinOfStreams,
  'outerJoin of streams': joinOfStreams,
  split: { rest: 'string' },
  repartition: { partitions: 'count' },
  deduplicate: { allowedLateness: 'duration' },
}

/** Values that topN keeps: all of them are one row of the state. */
const topMax = 10_000

const asynchronous = new Set(['[object AsyncFunction]', '[object AsyncGeneratorFunction]'])

/**
 * Checks the functions of a call, by their names in the method's declaration, and the options. All methods
 * take the option `name`, and some take {@link more}.
 * @throws MillraceError INVALID_ARGUMENT
 */
export function checkCall(
  method: Method,
  functions: Readonly<Record<string, unknown>>,
  options: unknown,
): void {
  for (const [role, given] of Object.entries(functions)) {
    if (typeof given !== 'function') throw wrongArgument(method, role, 'a function', given)
    if (asynchronous.has(Object.prototype.toString.call(given)))
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `The ${role} of ${method} is an async function. Functions of an app are synchronous: await in mapAsync before it.`,
      )
  }
  if (options !== undefined && (typeof options !== 'object' || options === null))
    throw wrongArgument(method, 'options', 'an object such as { name }', options)
  checkOptions(method, options, { name: 'string', ...more[method] })
}

/** As {@link checkCall}, for a method that folds: the initial value may be a function, too. */
export function checkFolding(
  method: Method,
  initial: unknown,
  functions: Readonly<Record<string, unknown>>,
  options: unknown,
): void {
  checkCall(method, { ...(typeof initial === 'function' && { initial }), ...functions }, options)
}

/** As {@link checkCall}, for topN, which keeps a list of `n` values. */
export function checkTop(n: unknown, by: unknown, options: unknown): void {
  if (!Number.isSafeInteger(n) || (n as number) < 1 || (n as number) > topMax)
    throw wrongArgument('topN', 'count', `a whole number from 1 to ${topMax}`, n)
  checkCall('topN', { by }, options)
}

/** Checks a count of `repartition`: a topic between stages has so many. */
export function checkPartitionCount(partitions: number | undefined): void {
  if (partitions !== undefined && partitions > partitionsMax)
    throw wrongArgument('repartition', 'partition count', `at most ${partitionsMax}`, partitions)
}

/** Checks that a method without parameters was called without arguments. */
export function checkNothing(method: Method, given: readonly unknown[]): void {
  if (given.length > 0)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `${method} takes no arguments, got ${inWords(given[0])}. Write ${usages[method]}.`,
    )
}

/** The error for an argument of the wrong kind, with an example of a correct call. */
export function wrongArgument(method: Method, role: string, expected: string, given: unknown): MillraceError {
  return new MillraceError(
    'INVALID_ARGUMENT',
    `The ${role} of ${method} must be ${expected}, got ${inWords(given)}. Write ${usages[method]}.`,
  )
}
