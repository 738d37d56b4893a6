/**
 * The columns that a program expects of a file, and the row type that follows from them.
 *
 * @example
 * csv('airports.csv', { columns: { iata: 'string', latitude: 'number', state: 'string?' } })
 * // rows: { iata: string; latitude: number; state: string | null }
 */
import { inWords, MillraceError, propertyName } from '../base/index.ts'
import type { ResumeState } from './source.ts'

/**
 * The kind of a column's values in a row. `integer`: a whole number that JavaScript holds exactly.
 * `timestamp`: milliseconds since the epoch (UTC). `date`, and decimals in a `string`: their text. `json`:
 * any value of JSON.
 */
export type ColumnKind = (typeof kinds)[number]

const kinds = ['string', 'integer', 'number', 'boolean', 'timestamp', 'date', 'json', 'bytes'] as const

/** A `?` says that the column may be null; in any other column a null makes the row malformed. */
export type ColumnSpec = ColumnKind | `${ColumnKind}?`

/** The columns that a program expects, by name. */
export type ColumnSpecs = Readonly<Record<string, ColumnSpec>>

interface ValueOfKind {
  string: string
  integer: number
  number: number
  boolean: boolean
  timestamp: number
  date: string
  json: ResumeState
  bytes: Uint8Array
}

type ValueOf<S extends ColumnSpec> = S extends `${infer Kind extends ColumnKind}?`
  ? ValueOfKind[Kind] | null
  : S extends ColumnKind
    ? ValueOfKind[S]
    : never

/** The row type that follows from columns. */
export type RowOf<C extends ColumnSpecs> = { [N in keyof C]: ValueOf<C[N]> }

export interface Column {
  readonly name: string
  readonly kind: ColumnKind
  readonly nullable: boolean
}

/** @throws MillraceError INVALID_ARGUMENT for an unknown kind (of a program without types) */
export function columnOf(name: string, spec: ColumnSpec): Column {
  const given: unknown = spec
  const text = typeof given === 'string' ? given : ''
  const nullable = text.endsWith('?')
  const kind = nullable ? text.slice(0, -1) : text
  if (!isKind(kind))
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `The column '${name}' is declared ${inWords(given)}. It must be one of ${kinds.join(', ')}, with '?' if it may be null.`,
    )
  return { name, kind, nullable }
}

function isKind(kind: string): kind is ColumnKind {
  return (kinds as readonly string[]).includes(kind)
}

/** Reads as in a program: `{ iata: string, state: string? }`. */
export function columnsInWords(
  columns: readonly { name: string; kind: string; nullable?: boolean }[],
): string {
  return `{ ${columns.map(({ name, kind, nullable }) => `${name}: ${kind}${nullable ? '?' : ''}`).join(', ')} }`
}

/** Makes row objects from columns of values: `columns[c][i]` is column c of row i. */
export type RowMaker = (columns: readonly (readonly unknown[])[], count: number) => Record<string, unknown>[]

/**
 * A row maker for these names.
 *
 * The loop is compiled for the names, so that the rows are object literals of one hidden class. Measured with
 * six columns: 13 ns a row, against 190 ns for assignment by name. `JSON.stringify` of such rows takes a
 * third less. Only names enter the code, as JSON strings.
 */
export function rowMaker(names: readonly string[]): RowMaker {
  const values = names.map((_, c) => `c${c}`)
  const fields = names.map((name, c) => `${propertyName(name)}: c${c}[i]`)
  // oxlint-disable-next-line typescript/no-implied-eval -- see above
  return new Function(
    'columns',
    'count',
    `const [${values.join(', ')}] = columns
     const rows = new Array(count)
     for (let i = 0; i < count; i++) rows[i] = { ${fields.join(', ')} }
     return rows`,
  ) as RowMaker
}
