/**
 * Hints of millrace's own schemas for the codec. They are kept under a symbol, so that other libraries see a
 * plain Standard Schema.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { CodecOptions } from './codec.ts'
import type { Serde } from './serde.ts'

export interface SchemaHints {
  readonly format?: CodecOptions['format']
  /** Overrides any format. */
  readonly serde?: Serde<unknown>
  /** The serde checks all that validation would. */
  readonly unchecked?: boolean
  /** The bytes that choose the partition, in place of the key's bytes. */
  readonly partitionBytes?: (value: unknown) => string | Uint8Array
}

const symbol = Symbol.for('millrace.schema-hints')

/** The same schema with hints. */
export function withHints<S extends StandardSchemaV1>(schema: S, hints: SchemaHints): S {
  return Object.defineProperty(schema, symbol, { value: hints })
}

export function hintsOf(schema: StandardSchemaV1): SchemaHints {
  return (schema as { [symbol]?: SchemaHints })[symbol] ?? {}
}
