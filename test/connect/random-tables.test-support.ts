/**
 * Random tables as SQL: types, values at their bounds, and whether a Parquet source must return or refuse
 * each value.
 */
import type { Random } from '../../src/base/index.ts'

/** An SQL expression, and whether a JavaScript value can hold its value. */
export interface Value {
  readonly sql: string
  readonly fits: boolean
}

export interface RandomColumn {
  /** The column's name in the file. */
  readonly name: string
  readonly type: string
  /** The type of the delivered column. */
  readonly target: string
  /** SQL that is true if a delivered value `t` is the expected one for the source's value `s`. */
  readonly same: (s: string, t: string) => string
  /** A value. A `wild` one does not fit, if the type has such values. */
  readonly value: (random: Random, wild: boolean) => Value
}

interface RandomType {
  readonly type: string
  readonly target?: string
  readonly same?: RandomColumn['same']
  readonly value: RandomColumn['value']
}

const pick = <T>(random: Random, from: readonly T[]): T => from[random.int(from.length)]!
const fitting = (sql: string): Value => ({ sql, fits: true })
/** Values that fit, and wild ones that do not fit, if the type has such values. */
const among =
  (fit: readonly string[], unfit: readonly string[] = []): RandomType['value'] =>
  (random, wild) =>
    wild && unfit.length > 0 ? { sql: pick(random, unfit), fits: false } : fitting(pick(random, fit))

const safe = 2n ** 53n - 1n
function whole(least: bigint, most: bigint): RandomType['value'] {
  const values = [
    0n,
    1n,
    -1n,
    7n,
    least,
    most,
    least + 1n,
    most - 1n,
    safe,
    safe + 1n,
    safe + 2n,
    -safe,
    -safe - 1n,
  ]
  const found = values.filter(value => value >= least && value <= most)
  const isSafe = (value: bigint): boolean => value <= safe && value >= -safe
  return among(found.filter(isSafe).map(String), found.filter(value => !isSafe(value)).map(String))
}

const float = among(
  ['0', '-0.0', '1.5', '-2.25', '3.4e38', '1e-40', '0.1'],
  ["'nan'", "'infinity'", "'-infinity'"],
)
const double = among(
  ['0', '-0.0', '1.5', '0.1', '1.7976931348623157e308', '5e-324', '9007199254740993', '1e22'],
  ["'nan'", "'infinity'", "'-infinity'"],
)
const date = among(
  ["'1970-01-01'", "'0001-01-01'", "'9999-12-31'", "'2000-02-29'", "'1582-10-10'"],
  ["'10000-01-01'", "'0001-12-31 (BC)'", "'infinity'", "'-infinity'"],
)
const time = among(
  [
    "'1970-01-01'",
    "'1969-12-31 23:59:59.999999'",
    "'1969-12-31 23:59:59.998999'",
    "'2001-06-14 08:30:00.123456'",
    "'1677-09-22'",
    "'2262-04-10'",
  ],
  ["'infinity'", "'-infinity'"],
)

function text(random: Random): Value {
  const part = (): string =>
    pick(random, [
      'a',
      'Ü',
      '\u{1f600}',
      "''",
      '"',
      '\\',
      '\n',
      '\t',
      ',',
      '\u2028',
      'null',
      ' ',
      '0',
      '\0',
      '\u{10ffff}',
    ])
  const parts = Array.from({ length: random.int(6) }, part)
  // DuckDB ends an SQL literal at NUL.
  return fitting(
    parts.length === 0 ? "''" : parts.map(one => (one === '\0' ? 'chr(0)' : `'${one}'`)).join(' || '),
  )
}

const asText: RandomColumn['same'] = (s, t) => `CAST(${s} AS VARCHAR) IS NOT DISTINCT FROM ${t}`
/** Rounded down to milliseconds. */
const asInstant =
  (unit: 'us' | 'ns'): RandomColumn['same'] =>
  (s, t) => {
    const ticks = `epoch_${unit}(${s})`
    const perMs = unit === 'us' ? 1000 : 1_000_000
    return `epoch_us(${t}) * ${perMs / 1000} IS NOT DISTINCT FROM ${ticks} - (${ticks} % ${perMs} + ${perMs}) % ${perMs}`
  }

const plain: readonly RandomType[] = [
  { type: 'BOOLEAN', value: among(['true', 'false']) },
  { type: 'TINYINT', value: whole(-128n, 127n) },
  { type: 'UTINYINT', value: whole(0n, 255n) },
  { type: 'SMALLINT', value: whole(-32768n, 32767n) },
  { type: 'USMALLINT', value: whole(0n, 65535n) },
  { type: 'INTEGER', value: whole(-(2n ** 31n), 2n ** 31n - 1n) },
  { type: 'UINTEGER', value: whole(0n, 2n ** 32n - 1n) },
  { type: 'BIGINT', value: whole(-(2n ** 63n), 2n ** 63n - 1n) },
  { type: 'UBIGINT', value: whole(0n, 2n ** 64n - 1n) },
  { type: 'FLOAT', value: float },
  { type: 'DOUBLE', value: double },
  { type: 'DECIMAL(4,2)', value: among(['12.30', '-99.99', '0']) },
  { type: 'DECIMAL(18,0)', value: among(['9007199254740993', '-999999999999999999', '0']) },
  { type: 'DECIMAL(38,10)', value: among(['0.1', `${'9'.repeat(28)}.9999999999`, '-1.0000000001']) },
  { type: 'VARCHAR', value: text },
  { type: 'DATE', value: date },
  { type: 'TIMESTAMP', value: time, same: asInstant('us') },
  { type: 'TIMESTAMPTZ', value: time, same: asInstant('us') },
  { type: 'TIMESTAMP_NS', value: time, target: 'TIMESTAMP', same: asInstant('ns') },
  { type: 'TIME', value: among(["'00:00:00'", "'23:59:59.999999'"]), target: 'VARCHAR', same: asText },
  { type: 'TIME_NS', value: among(["'23:59:59.999999999'"]), target: 'VARCHAR', same: asText },
  {
    type: 'INTERVAL',
    value: among(["'3 days'", "'1 year 2 months 00:00:01'"]),
    target: 'VARCHAR',
    same: asText,
  },
  { type: 'UUID', value: among(["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"]) },
  {
    type: "ENUM('a', 'B', '\u{1f600}')",
    value: among(["'a'", "'B'", "'\u{1f600}'"]),
    target: 'VARCHAR',
    same: asText,
  },
  {
    type: 'BLOB',
    value: among(["'\\x00\\xFF'", "''", "'text'"]),
    target: 'VARCHAR',
    same: (s, t) => `hex(${s}) IS NOT DISTINCT FROM ${t}`,
  },
]

/** Nested values travel as JSON, and are cast back. */
const asJson =
  (type: string): RandomColumn['same'] =>
  (s, t) =>
    `CAST(${t} AS ${type}) IS NOT DISTINCT FROM ${s}`

/** Whole numbers are kept if JavaScript writes their double in the same digits. */
const wholeInJson = among(
  [0n, 7n, safe, safe + 1n, -safe, -(2n ** 60n) - 24n].map(String),
  [safe + 2n, -safe - 2n, 2n ** 62n, 2n ** 63n - 1n].map(String),
)

const leaves: readonly RandomType[] = [
  { type: 'BOOLEAN', value: among(['true', 'false']) },
  { type: 'INTEGER', value: whole(-(2n ** 31n), 2n ** 31n - 1n) },
  { type: 'BIGINT', value: wholeInJson },
  { type: 'FLOAT', value: float },
  { type: 'DOUBLE', value: double },
  { type: 'VARCHAR', value: text },
  { type: 'DECIMAL(10,2)', value: among(['12.30', '-99.99']) },
  { type: 'DATE', value: among(["'1970-01-01'", "'0001-01-01'", "'9999-12-31'"]) },
  { type: 'TIMESTAMP', value: among(["'1969-12-31 23:59:59.999999'", "'2001-06-14 08:30:00'"]) },
  { type: 'UUID', value: among(["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"]) },
]

function nested(random: Random, depth: number): RandomType {
  const part = (): RandomType =>
    depth > 1 && random.int(3) === 0 ? nested(random, depth - 1) : pick(random, leaves)
  const some =
    (of: RandomType) =>
    (draw: Random, wild: boolean): Value[] =>
      Array.from({ length: draw.int(4) }, () => orNull(of, draw, wild))
  switch (random.int(3)) {
    case 0: {
      const of = part()
      return {
        type: `${of.type}[]`,
        value: (draw, wild) =>
          joined(some(of)(draw, wild), parts => `CAST([${parts.join(', ')}] AS ${of.type}[])`),
      }
    }
    case 1: {
      const names = ['a', 'B', 'constructor', 'a b'].slice(random.int(3))
      const fields = names.map(name => ({ name, of: part() }))
      return {
        type: `STRUCT(${fields.map(({ name, of }) => `"${name}" ${of.type}`).join(', ')})`,
        value: (draw, wild) =>
          joined(
            fields.map(({ of }) => orNull(of, draw, wild)),
            parts => `{${parts.map((sql, f) => `'${names[f]!}': ${sql}`).join(', ')}}`,
          ),
      }
    }
    default: {
      const of = part()
      const names = ["'x'", "'constructor'", "''", "'\u{1f600}'"]
      return {
        type: `MAP(VARCHAR, ${of.type})`,
        value: (draw, wild) =>
          joined(some(of)(draw, wild), parts => {
            const entries = parts.map((sql, f) => `${names[f]!}: ${sql}`)
            return `CAST(MAP {${entries.join(', ')}} AS MAP(VARCHAR, ${of.type}))`
          }),
      }
    }
  }
}

const joined = (parts: readonly Value[], sql: (parts: string[]) => string): Value => ({
  sql: sql(parts.map(part => part.sql)),
  fits: parts.every(({ fits }) => fits),
})

function orNull({ type, value }: Pick<RandomType, 'type' | 'value'>, random: Random, wild: boolean): Value {
  if (random.int(8) === 0) return fitting('NULL')
  const { sql, fits } = value(random, wild)
  return { sql: `CAST(${sql} AS ${type})`, fits }
}

/**
 * Names that mean something to DuckDB, to JavaScript, or to the reader. No two are the same name to DuckDB.
 */
const names = [
  'constructor',
  '__proto__',
  'toString',
  'file_row_number',
  'filename',
  'select',
  'Ünï',
  'ünï',
  '"',
  "'",
  'a b',
  '*',
  'n',
  'millrace',
  'x0',
  'KEY',
  '\u{1f600}',
  '1',
  '%',
]

/** The columns of a table. Those of another `table` have other names, so that both can be in one file. */
export function randomColumns(random: Random, table: number): RandomColumn[] {
  const left = [...names]
  return Array.from({ length: 1 + random.int(7) }, () => {
    const [name] = left.splice(random.int(left.length), 1)
    const isNested = random.int(4) === 0
    const found = isNested ? nested(random, 2) : pick(random, plain)
    const { type, target = isNested ? 'JSON' : type } = found
    const same =
      found.same ?? (isNested ? asJson(type) : (s: string, t: string) => `${s} IS NOT DISTINCT FROM ${t}`)
    return {
      name: table === 0 ? name! : `${name} ${table}`,
      type,
      target,
      same,
      value: (draw, wild) => orNull(found, draw, wild),
    }
  })
}
