/**
 * Finds schemas that themselves refuse every number that a double changes, so that the text need not be
 * searched. Such a number is past 2^53, or infinite; `z.int()` and zod's numbers with bounds exclude it.
 *
 * Only for zod, which checks all that its JSON Schema says, and drops undeclared properties.
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import type { JsonSchema } from './json-schema.ts'

/**
 * The types of zod that check the value on the log: before any function, and without a fallback for a refused
 * value.
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

/** For a schema of JSON. False if unknown. */
export function refusesChangingNumbers(schema: StandardSchemaV1): boolean {
  const standard = schema['~standard'] as StandardSchemaV1.Props & Partial<StandardJSONSchemaV1.Props>
  if (standard.vendor !== 'zod') return false
  let isChecking = true
  const override = ({ zodSchema }: ZodContext): void => {
    const { type, in: first, coerce } = zodSchema.def
    // A transform runs after the check; preprocessing runs before it.
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

/** For the parts that a schema names, if any. */
function refusesIn(parts: unknown): boolean {
  return parts === undefined || (isSchema(parts) && Object.values(parts).every(refuses))
}

/** Whether other parts are left out or refused, or refuse such numbers. */
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
