/** Rows of CSV records: the fields that the columns name, as values of their kinds. */
import { MillraceError } from '../../base/index.ts'
import {
  columnOf,
  columnsInWords,
  rowMaker,
  type Column,
  type ColumnKind,
  type ColumnSpecs,
} from '../columns.ts'
import { BadRow } from '../source.ts'
import type { CsvRecord } from './csv-file.ts'
import { shown } from './csv-records.ts'
import { kindInWords, valueOfKind } from './csv-values.ts'

/** A row, by the names of its columns. */
export type Row = Record<string, unknown>

/**
 * The columns of a file with these names: those of the specs, otherwise all.
 * @throws MillraceError SCHEMA_MISMATCH
 */
export function columnsFor(file: string, names: readonly string[], specs: ColumnSpecs | undefined): Column[] {
  if (!specs) {
    refuseTwins(file, names, names)
    return names.map(name => columnOf(name, 'string?'))
  }
  const columns = Object.entries(specs).map(([name, spec]) => columnOf(name, spec))
  const missing = columns.filter(({ name }) => !names.includes(name)).map(({ name }) => name)
  refuseTwins(
    file,
    names,
    columns.map(({ name }) => name),
  )
  if (missing.length > 0)
    throw new MillraceError(
      'SCHEMA_MISMATCH',
      `${file} does not have the columns that the program expects: ${missing.join(', ')} missing. Expected ${columnsInWords(columns)}, found { ${names.join(', ')} }. Change the columns, or check header and delimiter.`,
    )
  return columns
}

/** A name that the header has twice does not name a column. */
function refuseTwins(file: string, names: readonly string[], wanted: readonly string[]): void {
  const twin = wanted.find(name => names.indexOf(name) !== names.lastIndexOf(name))
  if (twin !== undefined)
    throw new MillraceError(
      'SCHEMA_MISMATCH',
      `The header of ${file} names two columns '${twin}', and a row can hold only one. Rename one there, or give other columns. Without a header (header: false) columns are named by their order.`,
    )
}

/** Makes the rows of records, in their order, malformed ones included. */
export type RowParser = (records: readonly CsvRecord[]) => (Row | BadRow)[]

/** @param nullValue the text of an empty field in a `string` column that may not be null */
export function rowParser(
  names: readonly string[],
  columns: readonly Column[],
  nullValue: string,
): RowParser {
  const places = columns.map(({ name }) => names.indexOf(name))
  const makeRows = rowMaker(columns.map(({ name }) => name))
  return records => {
    const faults = new Map<number, string>()
    const values: unknown[][] = columns.map(() => new Array<unknown>(records.length))
    for (const [i, { fields }] of records.entries()) {
      if (typeof fields === 'string') faults.set(i, fields)
      else if (fields.length !== names.length)
        faults.set(
          i,
          `${fields.length} ${fields.length === 1 ? 'field' : 'fields'} instead of ${names.length}`,
        )
      else
        for (const [c, column] of columns.entries()) {
          const text = fields[places[c]!]!
          const value = valueOf(text, column, nullValue)
          if (value === undefined) {
            faults.set(i, `column '${column.name}' holds ${faultOf(text, column.kind)}`)
            break
          }
          values[c]![i] = value
        }
    }
    const rows: (Row | BadRow)[] = makeRows(values, records.length)
    for (const [i, reason] of faults) rows[i] = new BadRow(reason, records[i]!.original)
    return rows
  }
}

function faultOf(text: string | null, kind: ColumnKind): string {
  return text === null
    ? `nothing, as only a column of the kind '${kind}?' may`
    : `${shown(text)}, which is not ${kindInWords[kind]}`
}

/** Undefined for a text that is not of its column's kind. */
function valueOf(text: string | null, { kind, nullable }: Column, nullValue: string): unknown {
  if (text !== null) return valueOfKind[kind](text)
  if (nullable) return null
  return kind === 'string' ? nullValue : undefined
}
