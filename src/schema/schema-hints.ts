/**
 * What millrace's own schemas tell the codec beside the Standard Schema: kept under a symbol, so that they
 * stay plain schemas to everyone else.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { CodecOptions } from './codec.ts'
import type { Serde } from './serde.ts'

export interface SchemaHints {
  readonly format?: CodecOptions['format']
  /** Goes before any format. */
  readonly serde?: Serde<unknown>
  /** Validation adds nothing to what the serde checks. */
  readonly unchecked?: boolean
  /** What the partition is chosen by, in place of the key's bytes. */
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
