/**
 * The JSON Schemas of a Standard Schema: of its *input*, the record on the log before any transform, and of
 * its *output*, the value that a reader gets.
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'

export type JsonSchema = Readonly<Record<string, unknown>>

/**
 * Undefined if the library gives none (valibot by itself) or the schema has none (dates, bigints, coerced
 * values).
 */
export function jsonSchemaOf(schema: StandardSchemaV1): JsonSchema | undefined {
  const standard = schema['~standard'] as StandardSchemaV1.Props & Partial<StandardJSONSchemaV1.Props>
  try {
    return standard.jsonSchema?.input({ target: 'draft-2020-12' })
  } catch {
    return undefined
  }
}

/**
 * Marks a type that neither JSON Schema nor a table has, in words, as `is a Map`. The type of a function's
 * result is unknown.
 */
export const unknownType = 'x-millrace-unknown'

/**
 * The JSON Schema of the output. Undefined if the library gives none. Beyond JSON Schema: a Date is a
 * `date-time`, a bigint an `integer`, and a type that no table can hold has {@link unknownType}.
 */
export function outputSchemaOf(schema: StandardSchemaV1): JsonSchema | undefined {
  const standard = schema['~standard'] as StandardSchemaV1.Props & Partial<StandardJSONSchemaV1.Props>
  const libraryOptions = optionsOf[standard.vendor]
  try {
    return standard.jsonSchema?.output({ target: 'draft-2020-12', ...(libraryOptions && { libraryOptions }) })
  } catch {
    return undefined
  }
}

const instant = { type: 'string', format: 'date-time' }
const unknown = (what: string): JsonSchema => ({ [unknownType]: what })
const byFunction = unknown('is the result of a function')

/** By zod's names of types. */
const typesInZod: ReadonlyMap<unknown, JsonSchema> = new Map(
  Object.entries({
    date: instant,
    bigint: { type: 'integer' },
    nan: { type: 'number' },
    undefined: { type: 'null' },
    void: { type: 'null' },
    transform: byFunction,
    custom: unknown('has a type that only a function knows'),
    map: unknown('is a Map'),
    set: unknown('is a Set'),
    symbol: unknown('is a symbol'),
    function: unknown('is a function'),
    file: unknown('is a File'),
  }),
)

/** The name sets the prototype of zod's output instead of a property. */
const lostInZod = unknown("is left out of zod's output")

interface ZodContext {
  readonly zodSchema: { readonly def: { readonly type: string; readonly values?: unknown[] } }
  readonly jsonSchema: Record<string, unknown>
}

interface ArkContext {
  readonly base: JsonSchema
  readonly domain?: string
  readonly unit?: unknown
  readonly proto?: { readonly name?: string }
}

/** The library's options for types that JSON Schema lacks. */
const optionsOf: Readonly<Record<string, Record<string, unknown>>> = {
  zod: {
    unrepresentable: 'any',
    override({ zodSchema, jsonSchema }: ZodContext) {
      const { type, values } = zodSchema.def
      Object.assign(jsonSchema, typesInZod.get(type))
      const { properties } = jsonSchema
      if (typeof properties === 'object' && properties !== null && Object.hasOwn(properties, '__proto__'))
        Object.defineProperty(properties, '__proto__', { value: lostInZod, enumerable: true })
      if (type === 'literal' && values?.every(value => value === undefined))
        Object.assign(jsonSchema, { type: 'null' })
    },
  },
  arktype: {
    fallback: {
      date: ({ base }: ArkContext) => ({ ...base, ...instant }),
      domain: ({ base, domain }: ArkContext) =>
        domain === 'bigint' ? { ...base, type: 'integer' } : { ...base, ...unknown(`is a ${domain}`) },
      unit: ({ base, unit }: ArkContext) => ({
        ...base,
        ...(unit === undefined
          ? { type: 'null' }
          : typeof unit === 'bigint'
            ? { type: 'integer' }
            : unknown(`is a ${typeof unit}`)),
      }),
      proto: ({ base, proto }: ArkContext) => ({
        ...base,
        ...unknown(`is a ${proto?.name ?? 'nameless class'}`),
      }),
    },
  },
}

/** Whether every value is a string (or null, which is the record's own null). */
export function describesText(schema: StandardSchemaV1, jsonSchema: JsonSchema | undefined): boolean {
  if (jsonSchema) return allStrings(jsonSchema)
  // valibot gives no JSON Schema by itself, but its schemas name their type.
  const { '~standard': standard, type } = schema as ValibotSchema
  return standard.vendor === 'valibot' && type === 'string'
}

/** Whether a schema of text without JSON Schema gives the text that is on the log. */
export function keepsText(schema: StandardSchemaV1): boolean {
  const { pipe = [] } = schema as ValibotSchema
  return (
    describesText(schema, undefined) &&
    pipe.slice(1).every(({ kind, type }) => kind === 'validation' || kind === 'metadata' || textual.has(type))
  )
}

interface ValibotSchema extends StandardSchemaV1 {
  readonly type?: unknown
  readonly pipe?: readonly { readonly kind: unknown; readonly type: unknown }[]
}

/** The actions of valibot that take text and give text. */
const textual: ReadonlySet<unknown> = new Set([
  'trim',
  'trim_start',
  'trim_end',
  'to_lower_case',
  'to_upper_case',
  'normalize',
  'brand',
  'flavor',
  'readonly',
])

function allStrings(schema: JsonSchema): boolean {
  const { type, anyOf } = schema
  if (type !== undefined) return isTextType(type)
  if (Array.isArray(schema['enum'])) return schema['enum'].every(isText)
  if ('const' in schema) return isText(schema['const'])
  return Array.isArray(anyOf) && anyOf.length > 0 && anyOf.every(isNullOrText) && !anyOf.every(isNull)
}

const isText = (value: unknown): boolean => typeof value === 'string'
const isNull = (schema: JsonSchema): boolean => schema['type'] === 'null'
const isNullOrText = (schema: JsonSchema): boolean => isNull(schema) || allStrings(schema)

function isTextType(type: unknown): boolean {
  if (Array.isArray(type))
    return type.includes('string') && type.every(one => one === 'string' || one === 'null')
  return type === 'string'
}
