/**
 * Schemas that refuse by themselves every number that a double changes, so that nobody has to look for one in
 * the text: such a number is past 2^53, or infinite, and `z.int()`, as every number of zod that has bounds,
 * ends before.
 *
 * Only of zod, which checks what its JSON Schema says, and leaves out what an object does not declare.
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import type { JsonSchema } from './json-schema.ts'

/**
 * What checks a value as it stands on the log, by zod's names: before any function, and without anything in
 * its place where it is refused.
 */
const checking: ReadonlySet<string> = new Set(
  'array boolean enum literal nonoptional null nullable number object optional readonly record string tuple union'.split(
    ' ',
  ),
)

interface ZodContext {
  readonly zodSchema: {
    readonly def: { readonly type: string; readonly in?: ZodContext['zodSchema']; readonly coerce?: boolean }
  }
}

/** Of a schema for JSON. Where it cannot be told, it is false. */
export function refusesChangingNumbers(schema: StandardSchemaV1): boolean {
  const standard = schema['~standard'] as StandardSchemaV1.Props & Partial<StandardJSONSchemaV1.Props>
  if (standard.vendor !== 'zod') return false
  let isChecking = true
  const override = ({ zodSchema }: ZodContext): void => {
    const { type, in: first, coerce } = zodSchema.def
    // What is transformed behind its check; a preprocessed value is transformed before.
    const isBehind = type === 'pipe' ? first?.def.type !== 'transform' : checking.has(type) && coerce !== true
    if (!isBehind) isChecking = false
  }
  try {
    const found = standard.jsonSchema?.input({ target: 'draft-2020-12', libraryOptions: { override } })
    return refuses(found) && isChecking
  } catch {
    return false
  }
}

function refuses(schema: unknown): boolean {
  if (!isSchema(schema)) return false
  const { type, anyOf, oneOf, enum: values } = schema
  if ('const' in schema) return isUnchanged(schema['const'])
  if (Array.isArray(values)) return values.every(isUnchanged)
  const branches = anyOf ?? oneOf
  if (Array.isArray(branches)) return branches.every(refuses)
  return Array.isArray(type) ? type.every(each => refusesType(each, schema)) : refusesType(type, schema)
}

function refusesType(type: unknown, schema: JsonSchema): boolean {
  switch (type) {
    case 'string':
    case 'boolean':
    case 'null':
      return true
    case 'integer':
    case 'number':
      return hasBounds(schema)
    case 'array':
      return refusesIn(schema['prefixItems']) && 'items' in schema && isClosedOr(schema['items'])
    case 'object':
      return refusesIn(schema['properties']) && isClosedOr(schema['additionalProperties'])
    default:
      return false
  }
}

/** Of the parts that a schema names, if it names any. */
function refusesIn(parts: unknown): boolean {
  return parts === undefined || (isSchema(parts) && Object.values(parts).every(refuses))
}

/** Whether there are no other parts (they are left out, or refused), or they refuse such numbers. */
function isClosedOr(others: unknown): boolean {
  return others === undefined || others === false || refuses(others)
}

function hasBounds({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: JsonSchema): boolean {
  return isSafe(minimum ?? exclusiveMinimum) && isSafe(maximum ?? exclusiveMaximum)
}

function isSafe(bound: unknown): boolean {
  return typeof bound === 'number' && Math.abs(bound) <= Number.MAX_SAFE_INTEGER
}

function isUnchanged(value: unknown): boolean {
  return typeof value === 'number' ? isSafe(value) : typeof value !== 'object' || value === null
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null
}
