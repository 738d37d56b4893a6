/**
 * The columns of a table, and their places in a record.
 *
 * Columns follow from the topic's schemas: those of the key, then those of the value. Or a program states
 * them, with order and types.
 */
import { inWords, isMillraceError, MillraceError } from '../../base/index.ts'
import { columnsOf, type ColumnType } from '../../schema/index.ts'
import type { SinkRow, SinkTopic } from '../sink.ts'
import { foldedName } from './duckdb-statements.ts'

type PathIn<Prefix extends string, T> = T extends
  | readonly unknown[]
  | Uint8Array
  | string
  | number
  | boolean
  | null
  ? Prefix
  : `${Prefix}.${keyof T & string}`

/** The source of a column: the key or the value, a property of one of them, or the record itself. */
export type ColumnPath<K, V> =
  | PathIn<'key', K>
  | PathIn<'value', V>
  | 'record.timestamp'
  | 'record.partition'
  | 'record.offset'

/**
 * A column of a table: its path, or the path with its SQL type (`TIMESTAMP` and `DATE` take numbers as epoch
 * milliseconds, in UTC).
 */
export type ColumnChoice<K, V> = ColumnPath<K, V> | { readonly from: ColumnPath<K, V>; readonly type: string }

/** A column, ready for use. */
export interface TableColumn {
  readonly name: string
  /** The column's SQL type. */
  readonly type: string
  readonly isKey: boolean
  readonly nullable: boolean
  /** The type by the schema; undefined if the schema does not tell. */
  readonly holds: ColumnType | undefined
  readonly get: (row: SinkRow<unknown, unknown>) => unknown
}

const sqlTypes: Record<ColumnType, string> = {
  boolean: 'BOOLEAN',
  integer: 'BIGINT',
  double: 'DOUBLE',
  varchar: 'VARCHAR',
  timestamp: 'TIMESTAMP',
  date: 'DATE',
  json: 'JSON',
}

/**
 * The columns of a topic's table.
 *
 * @throws MillraceError SCHEMA_NOT_TABULAR if neither schema nor `choices` give a column's type
 */
export function tableColumns(
  topic: SinkTopic<unknown, unknown>,
  choices: Readonly<Record<string, ColumnChoice<never, never>>> | undefined,
): TableColumn[] {
  const sides = { key: side(topic, 'key'), value: side(topic, 'value') }
  const columns = choices
    ? Object.entries(choices).map(([name, choice]) => {
        const { from, type } = typeof choice === 'string' ? { from: choice, type: undefined } : choice
        if (typeof from !== 'string' || (type !== undefined && typeof type !== 'string'))
          throw new MillraceError(
            'INVALID_ARGUMENT',
            `The column '${name}' must be a path, such as 'value.flights', or { from: path, type: 'INTEGER' }, got ${inWords(choice)}.`,
          )
        return chosenColumn(name, from, type, sides, topic.name)
      })
    : [
        ...sides.key().map(found => columnFrom('key', found)),
        ...sides.value().map(found => columnFrom('value', found)),
      ]
  checkNames(columns, topic.name, choices === undefined)
  return columns
}

/** @throws MillraceError for names that DuckDB refuses, or takes for the same */
function checkNames(columns: readonly TableColumn[], topic: string, isFromSchemas: boolean): void {
  const refuse = (what: string): never => {
    if (!isFromSchemas) throw new MillraceError('INVALID_ARGUMENT', `The option 'columns' of duckdb ${what}.`)
    throw new MillraceError(
      'SCHEMA_NOT_TABULAR',
      `Key and value of topic '${topic}' together ${what}. State the table's columns, with their names, in the option columns.`,
    )
  }
  if (columns.length === 0) refuse('have no column')
  const names = new Set<string>()
  for (const { name } of columns) {
    const folded = foldedName(name)
    if (name === '' || name.includes('\0'))
      refuse(`have a property ${JSON.stringify(name)}, which is not a name that a column can have`)
    if (names.has(folded)) refuse(`have the column '${name}' twice: DuckDB does not tell case apart`)
    names.add(folded)
  }
}

interface FoundColumn {
  readonly name: string
  /** Undefined: the whole key or value. */
  readonly property: string | undefined
  readonly type: ColumnType
  readonly nullable: boolean
}

type Side = 'key' | 'value'

/** The columns of key or value; derived on demand, since columns with a stated type need no schema. */
function side(topic: SinkTopic<unknown, unknown>, of: Side): () => readonly FoundColumn[] {
  let found: readonly FoundColumn[] | undefined
  return () => (found ??= columnsOf(topic[of], `${of} of topic '${topic.name}'`, { valueName: of }))
}

function columnFrom(of: Side, { name, property, type, nullable }: FoundColumn): TableColumn {
  const sql = sqlTypes[type]
  return {
    name,
    type: sql,
    isKey: of === 'key',
    nullable: of === 'value' && nullable,
    holds: type,
    get: getter(of, property),
  }
}

function chosenColumn(
  name: string,
  path: string,
  type: string | undefined,
  sides: Record<Side, () => readonly FoundColumn[]>,
  topic: string,
): TableColumn {
  const dot = path.indexOf('.')
  const of = dot < 0 ? path : path.slice(0, dot)
  const property = dot < 0 ? undefined : path.slice(dot + 1)
  if (of === 'record') {
    const get = (row: SinkRow<unknown, unknown>): unknown =>
      row[property as 'timestamp' | 'partition' | 'offset']
    const sql = type ?? (property === 'timestamp' ? 'TIMESTAMP' : 'BIGINT')
    return { name, type: sql, isKey: false, nullable: false, holds: 'integer', get }
  }
  if (of !== 'key' && of !== 'value')
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `The column '${name}' takes its values from '${path}'. It must begin with key, value or record, as 'value.flights' does.`,
    )
  const isKey = of === 'key'
  if (type !== undefined)
    return {
      name,
      type,
      isKey,
      nullable: !isKey,
      holds: heldBy(sides[of], property),
      get: getter(of, property),
    }
  const found = sides[of]().find(column => column.property === property)
  if (!found)
    throw new MillraceError(
      'SCHEMA_NOT_TABULAR',
      `The column '${name}' takes its values from '${path}', which the schemas of topic '${topic}' do not have. Correct the path, or give the column a type: { from: '${path}', type: 'VARCHAR' }.`,
    )
  return { ...columnFrom(of, found), name }
}

/** Undefined if the schema does not tell. */
function heldBy(found: () => readonly FoundColumn[], property: string | undefined): ColumnType | undefined {
  try {
    return found().find(column => column.property === property)?.type
  } catch (error) {
    if (isMillraceError(error, 'SCHEMA_NOT_TABULAR')) return undefined
    throw error
  }
}

function getter(of: Side, property: string | undefined): (row: SinkRow<unknown, unknown>) => unknown {
  if (property === undefined) return row => row[of]
  // Every object inherits `constructor` and others: only its own properties count.
  if (property in Object.prototype)
    return row => (Object.hasOwn(row[of] ?? {}, property) ? (row[of] as Properties)![property] : undefined)
  return row => (row[of] as Properties)?.[property]
}

type Properties = Readonly<Record<string, unknown>> | null
