/**
 * Programs as SQL over their whole input: what there is at the end. The result of each operation is a table:
 * of a stream its records, with `path` for their order, as in the reference interpreter; of a table its rows.
 */
import type { Input, Operation, Program, StreamJoinOperation, StreamOp, WindowsOperation } from './program.ts'

/** Whether SQL can say it. It knows no changes on the way, nor how sessions have come together. */
export function canBeSql({ operations, outputs }: Program): boolean {
  return operations.every((operation, position) => {
    if (isUnsaid(operation)) return false
    if (operation.on === 'table') return operation.op !== 'toStream'
    // A group that has lost its rows has the count 0, of which SQL knows nothing.
    if (operation.on === 'grouped table') return operation.op === 'count' && outputs.includes(position)
    if (operation.on === 'stream and table') return operations[operation.with]!.on === 'topic'
    return operation.on !== 'windows' || operation.kind !== 'session' || operation.op === 'count'
  })
}

/** What other tests compare: rows as they were at a time, or changes on the way. */
function isUnsaid({ on, op }: Operation): boolean {
  const isTimed = on === 'stream and history' || on === 'suppressed' || op === 'history'
  return isTimed || on === 'stream and global' || op === 'topN'
}

/** Whether a result is a table: of windows, if they give changes. */
export function isTable(operation: Operation): boolean {
  if (operation.on === 'windows') return operation.emit === 'changes'
  if (operation.on === 'stream' || operation.on === 'streams')
    return operation.op === 'toTable' || operation.op === 'cogroup'
  if (operation.on === 'topic') return operation.op === 'table'
  return operation.on !== 'stream and table' && operation.on !== 'joined streams'
}

/** A query for the records of a result, as those of an answer. The times of a table's rows mean nothing. */
export function sqlOf({ operations }: Program, inputs: readonly Input[], output: number): string {
  const results = operations.map((_, position) => `r${position} AS (${queryOf(operations, position)})`)
  return `WITH ${inputsIn(inputs)}, ${results.join()}
    SELECT concat(coalesce(key, 'null'), '=', coalesce(value::VARCHAR, 'null'), '@', time) FROM r${output}`
}

/** The records as the table `inputs` of a query. */
export function inputsIn(inputs: readonly Input[]): string {
  const records = inputs.map(
    ({ topic, key, value, timestamp }, n) =>
      `('${topic}', ${key === null ? 'NULL' : `'${key}'`}::VARCHAR, ${value}::BIGINT, ${timestamp}::BIGINT, [${n}::BIGINT])`,
  )
  return `inputs(topic, key, value, time, path) AS (VALUES ${records.join()})`
}

function queryOf(operations: readonly Operation[], position: number): string {
  const operation = operations[position]!
  if (operation.on === 'topic') {
    const records = `SELECT key, value, time, path FROM inputs WHERE topic = '${operation.topic}'`
    return operation.op === 'stream' ? records : latest(`(${records})`)
  }
  const { of, n } = operation
  const left = `r${of}`
  const right = 'with' in operation ? `r${operation.with}` : left
  switch (operation.on) {
    case 'stream':
      return operation.op === 'toTable' ? latest(left) : ofStream[operation.op](left, n, position)
    case 'table':
      return present(
        `SELECT key, ${operation.op === 'mapValues' ? value(n) : kept(n)} AS value, time FROM ${left}`,
      )
    case 'grouped stream':
      return byKey(left, fold(operation.op, n))
    case 'grouped table':
      return present(`SELECT ${key(n)} AS key, count(*) AS value, 0 AS time FROM ${left} GROUP BY 1`)
    case 'stream and table':
      return withRow(left, topicOf(operations[operation.with]!), operation.op, n, position)
    case 'streams':
      return operation.op === 'merge'
        ? merged(left, right, position)
        : byKey(cogrouped(left, right, position), fold('cogroup', n))
    case 'tables':
      return present(`SELECT coalesce(l.key, r.key) AS key, ${joined(n)} AS value, 0 AS time
        FROM ${left} l ${sqlJoins[operation.op]} ${right} r ON l.key = r.key`)
    case 'referring tables':
      return present(`SELECT l.key, ${joined(n)} AS value, 0 AS time
        FROM ${left} l ${sqlJoins[operation.op]} ${right} r ON ${key(n, 'l.')} = r.key`)
    case 'stream and history':
    case 'stream and global':
    case 'suppressed':
      throw new Error(`${operation.on} is not said in SQL.`)
    case 'joined streams':
      return joinedStreams(left, right, operation, position)
    case 'windows':
      return inWindows(
        operation.with === undefined ? left : cogrouped(left, right, position),
        operation,
        fold(operation.op, n),
      )
  }
}

function topicOf(operation: Operation): string {
  if (operation.on !== 'topic') throw new Error(`The table is not what a topic holds, but ${operation.on}.`)
  return operation.topic
}

export const sqlJoins = { join: 'JOIN', leftJoin: 'LEFT JOIN', outerJoin: 'FULL JOIN' } as const

// The functions of programs.

const value = (n: number): string => `CASE WHEN value % 7 = ${n} THEN NULL ELSE (value * 3 + ${n}) % 100 END`
const key = (n: number, of = ''): string =>
  `CASE WHEN ${of}value IS NULL THEN ${of}key WHEN ${of}value % 9 = 8 THEN NULL ELSE substr('abcd', (${of}value + ${n}) % 4 + 1, 1) END`
const keeps = (n: number): string => `CASE WHEN value IS NULL THEN ${n % 2 === 0} ELSE value % ${n} <> 0 END`
const kept = (n: number): string => `CASE WHEN value % ${n} <> 0 THEN value END`
const orNull = (result: string, n: number): string =>
  `CASE WHEN ${result} % 10 = ${n} THEN NULL ELSE ${result} END`
const joined = (n: number): string => orNull('((coalesce(l.value, 50) * 3 + coalesce(r.value, 60)) % 100)', n)

/** Of values in the order of their records; null: there is no aggregate. */
function fold(op: WindowsOperation['op'], n: number): string {
  if (op === 'topN') throw new Error('topN of windows is not said in SQL.')
  if (op === 'count') return 'count(*)'
  const added = orNull('((coalesce(a, 0) * 7 + v) % 9973)', n)
  const next = op === 'reduce' ? `CASE WHEN a IS NULL THEN v ELSE ${added} END` : added
  return `list_reduce(list(value ORDER BY path), lambda a, v: ${next}, NULL::BIGINT)`
}

const steps = (position: number, n: number | string): string =>
  `list_concat(path, [${position}, ${n}]) AS path`

type OfStream = (from: string, n: number, position: number) => string

const filtered: OfStream = (from, n, position) =>
  `SELECT key, value, time, ${steps(position, 0)} FROM ${from} WHERE ${keeps(n)}`
const severalOf = (from: string, n: number): string =>
  `(SELECT key, value + i AS value, time, path, i FROM ${from}, unnest(range((value + ${n}) % 3)) AS made(i))`

const ofStream: Readonly<Record<Exclude<StreamOp, 'toTable'>, OfStream>> = {
  filter: filtered,
  filterNot: filtered,
  split: filtered,
  repartition: from => `SELECT * FROM ${from} WHERE key IS NOT NULL`,
  mapValues: (from, n, position) =>
    `SELECT key, ${value(n)} AS value, time, ${steps(position, 0)} FROM ${from}`,
  selectKey: (from, n, position) =>
    `SELECT ${key(n)} AS key, value, time, ${steps(position, 0)} FROM ${from}`,
  map: (from, n, position) =>
    `SELECT ${key(n)} AS key, ${value(n)} AS value, time, ${steps(position, 0)} FROM ${from}`,
  flatMapValues: (from, n, position) =>
    `SELECT key, value, time, ${steps(position, 'i')} FROM ${severalOf(from, n)}`,
  flatMap: (from, n, position) =>
    `SELECT ${key(n)} AS key, value, time, ${steps(position, 'i')} FROM ${severalOf(from, n)}`,
}

function merged(left: string, right: string, position: number): string {
  return `SELECT key, value, time, ${steps(position, 0)} FROM ${left}
    UNION ALL SELECT key, value, time, ${steps(position, 1)} FROM ${right}`
}

/** The values of the second stream are 1 more. */
function cogrouped(left: string, right: string, position: number): string {
  return `(SELECT key, value + path[-1] AS value, time, path FROM (${merged(left, right, position)}))`
}

/** Each record with the row that the table of a topic had before it. */
function withRow(left: string, topic: string, op: 'join' | 'leftJoin', n: number, position: number): string {
  const row = `SELECT t.value FROM inputs t WHERE t.topic = '${topic}' AND t.key = l.key AND t.path < l.path
    ORDER BY t.path DESC LIMIT 1`
  return `SELECT l.key, ${joined(n)} AS value, l.time, list_concat(l.path, [${position}, 0]) AS path
    FROM ${left} l, LATERAL (SELECT (${row}) AS value) r
    WHERE l.value IS NOT NULL ${op === 'join' ? 'AND r.value IS NOT NULL' : ''}`
}

/** A pair comes with its second record; of several, in the order of the first ones. */
function joinedStreams(
  left: string,
  right: string,
  operation: StreamJoinOperation,
  position: number,
): string {
  const { op, before, after, n } = operation
  const side = (from: string, number: number): string =>
    `(SELECT key, value, time, ${steps(position, number)} FROM ${from} WHERE value IS NOT NULL)`
  return `SELECT coalesce(l.key, r.key) AS key, ${joined(n)} AS value, greatest(l.time, r.time) AS time,
      CASE WHEN l.path < r.path THEN list_concat(r.path, [l.time], l.path) ELSE list_concat(l.path, [r.time], r.path) END AS path
    FROM ${side(left, 0)} l ${sqlJoins[op]} ${side(right, 1)} r
    ON l.key = r.key AND r.time BETWEEN l.time - ${before} AND l.time + ${after}`
}

// Tables.

/** The last value of each key. */
function latest(from: string): string {
  return present(`SELECT key, value, time FROM ${from}
    QUALIFY row_number() OVER (PARTITION BY key ORDER BY path DESC) = 1`)
}

/** Without nulls. */
function present(query: string): string {
  return `SELECT * FROM (${query}) WHERE key IS NOT NULL AND value IS NOT NULL`
}

/** An aggregate of each key. */
export function byKey(from: string, aggregate: string): string {
  return present(
    `SELECT key, ${aggregate} AS value, 0 AS time FROM (${present(`FROM ${from}`)}) GROUP BY key`,
  )
}

export interface WindowsInSql {
  readonly kind: WindowsOperation['kind'] | 'cumulative'
  readonly size: number
  readonly advance: number
}

/** An aggregate of each key and window, at the last instant of the window. */
export function inWindows(from: string, windows: WindowsInSql, aggregate: string): string {
  return present(`SELECT key || '@' || start || '-' || "end" AS key, ${aggregate} AS value, last AS time
    FROM (${windowsOf(from, windows)}) GROUP BY ALL`)
}

/** Each record with each window that it is in: `start`, `end` and `last`. */
export function windowsOf(from: string, { kind, size, advance }: WindowsInSql): string {
  const records = `(${present(`FROM ${from}`)})`
  const aligned = `SELECT *, start + ${size} AS "end", "end" - 1 AS last
    FROM (SELECT *, unnest(range(time // ${advance} * ${advance}, time - ${size}, -${advance})) AS start FROM ${records})`
  const lastStart = `time // ${size} * ${size}`
  const ends = `SELECT DISTINCT key, unnest([time, time + 1 + ${size}]) - ${size} AS start FROM ${records}`
  const begun = `SELECT *, coalesce(time - lag(time) OVER (PARTITION BY key ORDER BY time) > ${size}, true) AS begins FROM ${records}`
  return {
    tumbling: aligned,
    hopping: aligned,
    cumulative: `SELECT *, "end" - 1 AS last FROM (SELECT *, ${lastStart} AS start,
      unnest(range((time // ${advance} + 1) * ${advance}, ${lastStart} + ${size} + 1, ${advance})) AS "end" FROM ${records})`,
    global: `SELECT *, 0 AS start, 8640000000000001 AS "end", 0 AS last FROM ${records}`,
    sliding: `SELECT r.*, start, start + ${size} AS "end", "end" AS last
      FROM (${ends}) w JOIN ${records} r ON r.key = w.key AND time BETWEEN start AND start + ${size}`,
    session: `SELECT *, min(time) OVER session AS start, max(time) OVER session + ${size} AS "end", "end" AS last
      FROM (SELECT *, sum(begins::INT) OVER (PARTITION BY key ORDER BY time) AS number FROM (${begun}))
      WINDOW session AS (PARTITION BY key, number)`,
  }[kind]
}
