/** The JSON Schema of what stands on the log, asked of a Standard Schema (its *input*: what is written, before any transformation). */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'

export type JsonSchema = Readonly<Record<string, unknown>>

/** Undefined where the library gives none (valibot by itself) or the schema has none (dates, bigints, what a program coerces). */
export function jsonSchemaOf(schema: StandardSchemaV1): JsonSchema | undefined {
  const standard = schema['~standard'] as StandardSchemaV1.Props & Partial<StandardJSONSchemaV1.Props>
  try {
    return standard.jsonSchema?.input({ target: 'draft-2020-12' })
  } catch {
    return undefined
  }
}

/** Whether every value is a string (or null, which is the record's own null). */
export function describesText(schema: StandardSchemaV1, jsonSchema: JsonSchema | undefined): boolean {
  if (jsonSchema) return allStrings(jsonSchema)
  // valibot gives no JSON Schema by itself, but its schemas name their type.
  const { '~standard': standard, type } = schema as StandardSchemaV1 & { readonly type?: unknown }
  return standard.vendor === 'valibot' && type === 'string'
}

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
