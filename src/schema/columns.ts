/**
 * Columns of a warehouse table, from the output of a topic's schema: the values that a reader gets and a sink
 * writes.
 *
 * Each property of an object is a column. Objects, arrays and unions of different types become JSON columns.
 * Alternatives at the top level (a union of objects) share one table: a column is nullable if an alternative
 * lacks it.
 */
import { MillraceError } from '../base/index.ts'
import type { Codec } from './codec.ts'
import { unknownType, type JsonSchema } from './json-schema.ts'

/**
 * `integer` is an int64 (a number or a bigint), `double` a float64, `timestamp` a Date or ISO text, `date`
 * ISO text, `json` any JSON value.
 */
export type ColumnType = 'boolean' | 'integer' | 'double' | 'varchar' | 'timestamp' | 'date' | 'json'

export interface Column {
  readonly name: string
  /** The property that the column holds, whose name may be empty. Undefined: the record is a plain value. */
  readonly property: string | undefined
  readonly type: ColumnType
  readonly nullable: boolean
}

export interface ColumnsOptions {
  /** The column's name if a record is a plain value and not an object. Default `value`. */
  readonly valueName?: string
}

/** How deep references and alternatives are followed before a schema counts as recursive. */
const depthMax = 32

/**
 * The columns for records of a codec, or of a JSON Schema. None for an undeclared key.
 *
 * @param where names the place in messages, as `value of topic 'flights'`
 * @throws MillraceError SCHEMA_NOT_TABULAR if the schema does not determine the columns: then the program
 *   must state them
 */
export function columnsOf(
  source: Codec<unknown, never> | JsonSchema,
  where: string,
  options: ColumnsOptions = {},
): Column[] {
  const schema = isCodec(source) ? schemaOfCodec(source, where) : source
  if (schema === undefined) return []
  const table = new Table(schema, where)
  const columns = table.columns(options.valueName ?? 'value')
  if (columns.length === 0) throw notTabular(where, 'has no properties')
  refuseTwins(columns, where)
  return columns
}

function isCodec(source: Codec<unknown, never> | JsonSchema): source is Codec<unknown, never> {
  return typeof (source as { decode?: unknown }).decode === 'function'
}

function schemaOfCodec(codec: Codec<unknown, never>, where: string): JsonSchema | undefined {
  if (codec.serde.name === 'none') return undefined
  const { outputSchema } = codec
  if (outputSchema) return outputSchema
  throw notTabular(
    where,
    'has no JSON Schema of its output (json() and bytes() have none; valibot needs toStandardJsonSchema of @valibot/to-json-schema, and no transforming function)',
  )
}

function notTabular(where: string, why: string): MillraceError {
  return new MillraceError(
    'SCHEMA_NOT_TABULAR',
    `The schema of the ${where} ${why}, so the columns of a table are unknown. State the columns with their types (\`columns\` of the sink), or make it an object with named properties.`,
  )
}

/** Warehouses do not tell names apart by case. */
function refuseTwins(columns: readonly Column[], where: string): void {
  const seen = new Map<string, string>()
  for (const { name } of columns) {
    const twin = seen.get(name.toLowerCase())
    if (twin !== undefined)
      throw new MillraceError(
        'SCHEMA_NOT_TABULAR',
        `The properties '${twin}' and '${name}' of the ${where} differ only by case, which a table's columns cannot. Rename one, or state the columns (\`columns\` of the sink).`,
      )
    seen.set(name.toLowerCase(), name)
  }
}

/** A property as found so far. An undefined type means that only null was seen. */
interface Field {
  readonly type: ColumnType | undefined
  readonly nullable: boolean
}

type Fields = Map<string, Field>

/** The search for the columns of one schema. */
class Table {
  readonly #root: JsonSchema
  readonly #where: string

  constructor(root: JsonSchema, where: string) {
    this.#root = root
    this.#where = where
  }

  columns(valueName: string): Column[] {
    const fields = this.#object(this.#root, 0)
    if (fields) return [...fields].map(([name, field]) => columnOf(name, name, field))
    const field = this.#field(this.#root, 0, '')
    if (field.type === 'json' || field.type === undefined) throw this.#unclear(this.#root)
    return [columnOf(valueName, undefined, field)]
  }

  #unclear(schema: JsonSchema): MillraceError {
    const resolved = this.#resolve(schema)
    const { type } = resolved
    if (alternativesOf(resolved)) return notTabular(this.#where, 'has alternatives that are not all objects')
    if (type === 'array') return notTabular(this.#where, 'is an array')
    if (type === 'object') return notTabular(this.#where, 'is an object of any names')
    return notTabular(this.#where, type === undefined ? 'allows any value' : 'allows values of several kinds')
  }

  /** The properties of an object, or of objects to choose from; undefined for anything else. */
  #object(schema: JsonSchema, depth: number): Fields | undefined {
    if (depth > depthMax) return undefined
    const resolved = this.#resolve(schema)
    const alternatives = alternativesOf(resolved)
    if (alternatives) {
      const objects = alternatives
        .filter(one => !isNull(this.#resolve(one)))
        .map(one => this.#object(one, depth + 1))
      return objects.length > 0 && objects.every(one => one !== undefined) ? either(objects) : undefined
    }
    const parts = schemasIn(resolved['allOf']).map(one => this.#object(one, depth + 1))
    const { properties } = resolved
    if (!isSchema(properties))
      return parts.length > 0 && parts.every(one => one !== undefined) ? both(parts) : undefined
    const required = new Set(Array.isArray(resolved['required']) ? resolved['required'] : [])
    const own: Fields = new Map()
    for (const [name, property] of Object.entries(properties)) {
      const field = this.#field(property, depth + 1, name)
      own.set(name, { type: field.type, nullable: field.nullable || !required.has(name) })
    }
    return both([own, ...parts.filter(one => one !== undefined)])
  }

  /** @param property the property whose values it describes; empty: the whole record */
  #field(schema: unknown, depth: number, property: string): Field {
    if (!isSchema(schema) || depth > depthMax) return anything
    const resolved = this.#resolve(schema)
    this.#refuseUnknown(resolved, property)
    const alternatives = alternativesOf(resolved)
    if (alternatives)
      return alternatives.map(one => this.#field(one, depth + 1, property)).reduce(eitherField)
    if ('const' in resolved) return fieldOfValue(resolved['const'])
    if (Array.isArray(resolved['enum']) && resolved['enum'].length > 0)
      return resolved['enum'].map(fieldOfValue).reduce(eitherField)
    const { type } = resolved
    if (Array.isArray(type) && type.length > 0)
      return type.map(one => fieldOfType(one, resolved)).reduce(eitherField)
    if (type === undefined) {
      // An intersection has the type of its first part with a type.
      const parts = schemasIn(resolved['allOf']).map(one => this.#field(one, depth + 1, property))
      return parts.find(part => part.type !== 'json') ?? parts[0] ?? anything
    }
    return fieldOfType(type, resolved)
  }

  #refuseUnknown(schema: JsonSchema, property: string): void {
    const what = schema[unknownType]
    if (typeof what !== 'string') return
    if (property === '')
      throw notTabular(this.#where, `has an output of which only this is known: it ${what}`)
    throw new MillraceError(
      'SCHEMA_NOT_TABULAR',
      `The property '${property}' of the ${this.#where} ${what}, so the type of its column is unknown. Declare the output, as \`.pipe(z.string())\` does after a transform, or state the columns with their types (\`columns\` of the sink).`,
    )
  }

  /** Follows references to definitions in the same schema. */
  #resolve(schema: JsonSchema): JsonSchema {
    let resolved = schema
    for (let hops = 0; typeof resolved['$ref'] === 'string' && hops < depthMax; hops++) {
      const target = this.#definition(resolved['$ref'])
      if (!target) break
      resolved = target
    }
    return resolved
  }

  #definition(reference: string): JsonSchema | undefined {
    if (!reference.startsWith('#')) return undefined
    let at: unknown = this.#root
    for (const step of reference.slice(1).split('/').slice(1)) {
      if (!isSchema(at)) return undefined
      at = at[decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')]
    }
    return isSchema(at) ? at : undefined
  }
}

const anything: Field = { type: 'json', nullable: true }
const onlyNull: Field = { type: undefined, nullable: true }

function columnOf(name: string, property: string | undefined, { type, nullable }: Field): Column {
  return { name, property, type: type ?? 'json', nullable }
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function schemasIn(list: unknown): JsonSchema[] {
  return Array.isArray(list) ? list.filter(isSchema) : []
}

function alternativesOf(schema: JsonSchema): JsonSchema[] | undefined {
  const alternatives = [...schemasIn(schema['anyOf']), ...schemasIn(schema['oneOf'])]
  return alternatives.length > 0 ? alternatives : undefined
}

function isNull(schema: JsonSchema): boolean {
  return schema['type'] === 'null' || ('const' in schema && schema['const'] === null)
}

function fieldOfType(type: unknown, { format }: JsonSchema): Field {
  switch (type) {
    case 'null':
      return onlyNull
    case 'boolean':
      return { type: 'boolean', nullable: false }
    case 'integer':
      return { type: 'integer', nullable: false }
    case 'number':
      return { type: 'double', nullable: false }
    case 'string':
      return {
        type: format === 'date-time' ? 'timestamp' : format === 'date' ? 'date' : 'varchar',
        nullable: false,
      }
    default:
      return { type: 'json', nullable: false }
  }
}

function fieldOfValue(value: unknown): Field {
  if (value === null) return onlyNull
  if (typeof value === 'number')
    return { type: Number.isSafeInteger(value) ? 'integer' : 'double', nullable: false }
  if (typeof value === 'boolean') return { type: 'boolean', nullable: false }
  return { type: typeof value === 'string' ? 'varchar' : 'json', nullable: false }
}

const textual = (type: ColumnType): boolean => type === 'varchar' || type === 'timestamp' || type === 'date'

/** One column that holds values of both. */
function eitherField(a: Field, b: Field): Field {
  const nullable = a.nullable || b.nullable
  if (a.type === undefined || b.type === undefined || a.type === b.type)
    return { type: a.type ?? b.type, nullable }
  const types = new Set([a.type, b.type])
  if (types.has('integer') && types.has('double')) return { type: 'double', nullable }
  return { type: textual(a.type) && textual(b.type) ? 'varchar' : 'json', nullable }
}

/** Alternatives: a property that one of them lacks may be null. */
function either(alternatives: readonly Fields[]): Fields {
  const names = new Set(alternatives.flatMap(fields => [...fields.keys()]))
  return new Map(
    [...names].map(name => [
      name,
      alternatives.map(fields => fields.get(name) ?? onlyNull).reduce(eitherField),
    ]),
  )
}

/** Parts of one object: a property that any of them requires is required. */
function both(parts: readonly Fields[]): Fields {
  const all: Fields = new Map()
  for (const fields of parts)
    for (const [name, field] of fields) {
      const other = all.get(name)
      all.set(
        name,
        other ? { type: eitherField(other, field).type, nullable: other.nullable && field.nullable } : field,
      )
    }
  return all
}
