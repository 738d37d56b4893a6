/**
 * A codec is a schema joined to a serde: bytes ⇄ validated values.
 *
 * Which serde: strings at the top level are written as plain UTF-8, as every Kafka client does with a string key, so that partitioning agrees
 * with other languages; everything else as JSON. Where the schema cannot say what it describes (no `~standard.jsonSchema`), `format` decides.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Malformed, Serde, Slices } from './serde.ts'

export interface CodecOptions {
  /** `string`: the text itself. `json`: JSON text. `bytes`: the bytes themselves (Uint8Array). Default: by the schema. */
  readonly format?: 'string' | 'json' | 'bytes' | undefined
}

export interface Codec<T, In = T> {
  /** For messages: `value of topic 'flights'`. */
  readonly where: string
  readonly serde: Serde<unknown>
  /** The JSON Schema of what stands on the log, where the schema can give one. */
  readonly jsonSchema: Readonly<Record<string, unknown>> | undefined
  /** Decodes and validates a batch; null stays null, what cannot be read or is not valid becomes a Malformed. */
  decode(slices: Slices, into: (T | null | Malformed)[]): void
  /** Validates and encodes; null gives null. Throws MALFORMED_RECORD (where, which field, why) for a value that the schema refuses. */
  encode(value: In | null): string | Uint8Array | null
  /** Only for the types. */
  readonly types?: { readonly out: T; readonly in: In }
}

export declare function codecOf<T, In>(schema: StandardSchemaV1 | undefined, where: string, options?: CodecOptions): Codec<T, In>
