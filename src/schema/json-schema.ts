/**
 * JSON Schema, asked of a Standard Schema: of what stands on the log (its *input*: what is written, before
 * any transformation), and of what a reader is given (its *output*).
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'

export type JsonSchema = Readonly<Record<string, unknown>>

/**
 * Undefined where the library gives none (valibot by itself) or the schema has none (dates, bigints, what a
 * program coerces).
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
 * Beside a type that JSON Schema has no word for, and that no table has: what it is, as `is a Map`. Where a
 * function makes the value, nobody can tell.
 */
export const unknownType = 'x-millrace-unknown'

/**
 * Of what a reader is given. Undefined where the library gives none, or nothing can be told. Beyond JSON
 * Schema: a Date is a `date-time`, a bigint an `integer`, and what no table can hold has {@link unknownType}.
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
const byFunction = unknown('is what a function makes of it')

/** By zod's names of types. */
const typesInZod: ReadonlyMap<unknown, JsonSchema> = new Map(
  Object.entries({
    date: instant,
    bigint: { type: 'integer' },
    nan: { type: 'number' },
    undefined: { type: 'null' },
    void: { type: 'null' },
    transform: byFunction,
    custom: unknown('is of a type that only a function knows'),
    map: unknown('is a Map'),
    set: unknown('is a Set'),
    symbol: unknown('is a symbol'),
    function: unknown('is a function'),
    file: unknown('is a File'),
  }),
)

/** It sets the prototype of what zod gives, and is no property of it. */
const lostInZod = unknown('is left out of what zod gives')

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

/** How a library is asked to say also what JSON Schema cannot. */
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
        ...unknown(`is a ${proto?.name ?? 'class of its own'}`),
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

/** What makes text of text in valibot. */
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
