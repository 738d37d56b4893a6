/**
 * Schemas for programs without a schema library: text, bytes, and unchecked JSON.
 *
 * Each is a Standard Schema, and fits wherever a zod, arktype or valibot schema does.
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import { withHints } from './schema-hints.ts'

const vendor = 'millrace'
const textSchema = (): Record<string, unknown> => ({ type: 'string' })

/** A Standard Schema that may also describe itself as JSON Schema. */
export interface Schema<In, Out = In> {
  readonly '~standard': StandardSchemaV1.Props<In, Out> & Partial<StandardJSONSchemaV1.Props<In, Out>>
}

/**
 * Text, written as plain UTF-8.
 * @example topic('flights', { key: text(), value: json<Flight>() })
 */
export function text(): Schema<string> {
  return withHints(
    {
      '~standard': {
        version: 1,
        vendor,
        validate: value =>
          typeof value === 'string'
            ? { value }
            : { issues: [{ message: `expected a string, got ${typeof value}` }] },
        jsonSchema: { input: textSchema, output: textSchema },
      },
    },
    { format: 'string', unchecked: true },
  )
}

/** The bytes of the record, as they are. */
export function bytes(): Schema<Uint8Array> {
  return withHints(
    {
      '~standard': {
        version: 1,
        vendor,
        validate: value =>
          value instanceof Uint8Array
            ? { value }
            : { issues: [{ message: `expected a Uint8Array, got ${typeof value}` }] },
      },
    },
    { format: 'bytes', unchecked: true },
  )
}

/**
 * Anything that JSON can hold, of the type that the program claims: **nothing is checked**. For data of other
 * programs use a schema that checks.
 * @example topic('flights', { value: json<{ destination: string; delay: number }>() })
 */
export function json<T>(): Schema<T> {
  return withHints(
    { '~standard': { version: 1, vendor, validate: value => ({ value: value as T }) } },
    { format: 'json', unchecked: true },
  )
}
