/**
 * A codec is a schema joined to a serde: bytes ⇄ validated values.
 *
 * Which serde: strings at the top level are written as plain UTF-8, as every Kafka client does with a string key, so that partitioning agrees
 * with other languages; everything else as JSON. Where the schema cannot say what it describes (no `~standard.jsonSchema`), `format` decides.
 *
 * The schema describes what stands on the log: encoding validates a value and writes it **as it was given**; what the schema
 * transforms, fills in or strips shows when the record is read. A value that JSON would turn into something its own schema refuses (a Date under
 * a schema of dates) is not written: nobody could read it.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { MillraceError } from '../base/index.ts'
import { bytesSerde } from './bytes.ts'
import { hintsOf, type SchemaHints } from './hints.ts'
import { issuesInWords } from './issues.ts'
import { canonicalJsonSerde, changesAsJson, jsonSerde } from './json.ts'
import { describesText, jsonSchemaOf, leavesOpen } from './json-schema.ts'
import { Malformed, type Serde, type Slices } from './serde.ts'
import { stringSerde } from './string.ts'

export interface CodecOptions {
  /** `string`: the text itself. `json`: JSON text. `bytes`: the bytes themselves (Uint8Array). Default: by the schema. */
  readonly format?: 'string' | 'json' | 'bytes' | undefined
  /** For keys: JSON properties are written in the order of their names, so that equal keys are equal bytes. */
  readonly canonical?: boolean | undefined
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
  /** What the partition is chosen by, where that is not the key's own bytes: of a windowed key the inner key. */
  partitionBytes?(value: In): string | Uint8Array
  /** Only for the types: a function type, so that a codec that demands more is not taken for one that demands less. */
  readonly types?: { readonly out: T; readonly in: (value: In) => void }
}

/** The writing half of a codec. */
export type Encoder<In> = Pick<Codec<unknown, In>, 'where' | 'encode' | 'partitionBytes' | 'serde'> & {
  readonly types?: { readonly in: (value: In) => void }
}

/**
 * The codec of `schema`, or for undefined that of a key that is not there: it reads null, whatever stands on the log, and writes only null.
 *
 * @param where names the place in messages, as `key of topic 'flights'`
 * @throws MillraceError SCHEMA_ASYNC from `decode` and `encode`, where validation turns out to need a promise
 */
export function codecOf<T, In>(
  schema: StandardSchemaV1 | undefined,
  where: string,
  options: CodecOptions = {},
): Codec<T, In> {
  if (schema === undefined) return absentCodec(where)
  const hints = hintsOf(schema)
  const jsonSchema = jsonSchemaOf(schema)
  const serde = hints.serde ?? serdeFor(options, hints, describesText(schema, jsonSchema))
  const { validate } = schema['~standard']

  const check = (value: unknown): unknown => {
    const result = validate(value)
    if (result instanceof Promise) {
      result.catch(() => {})
      throw new MillraceError(
        'SCHEMA_ASYNC',
        `The schema of the ${where} validates asynchronously, or threw (which zod turns into a promise). Records are validated one by one as they pass, and cannot wait: take what is asynchronous out of it, and check that where the record is made.`,
      )
    }
    return result.issues ? new Malformed(issuesInWords(result.issues)) : result.value
  }
  const validated = (value: unknown): unknown => {
    try {
      return check(value)
    } catch (error) {
      if (error instanceof MillraceError) throw error
      return new Malformed(`its schema threw ${String(error)}`)
    }
  }

  // A schema that JSON Schema expresses in full admits only what JSON gives back.
  const mayChange =
    serde.name === 'json' && !hints.unchecked && (jsonSchema === undefined || leavesOpen(jsonSchema))

  return {
    where,
    serde,
    jsonSchema,
    decode(slices, into) {
      serde.decode(slices, into)
      if (hints.unchecked) return
      for (let i = 0; i < slices.count; i++) {
        const value = into[i]
        if (value !== null && !(value instanceof Malformed)) into[i] = validated(value) as T | Malformed
      }
    },
    encode(value) {
      if (value === null) return null
      if (!hints.unchecked) {
        const result = validated(value)
        if (result instanceof Malformed) throw refused(where, result.reason)
      }
      let written
      try {
        written = serde.encode(value)
      } catch (error) {
        throw refused(where, (error as Error).message, error)
      }
      if (mayChange && changesAsJson(value)) {
        const read = validated(JSON.parse(String(written)))
        if (read instanceof Malformed)
          throw refused(
            where,
            `as JSON it is ${String(written)}, which its own schema refuses (${read.reason}); let the schema describe what stands on the log, such as a date as epoch milliseconds`,
          )
      }
      return written
    },
    ...(hints.partitionBytes && { partitionBytes: hints.partitionBytes }),
  }
}

function serdeFor(options: CodecOptions, hints: SchemaHints, text: boolean): Serde<unknown> {
  const format = options.format ?? hints.format ?? (text ? 'string' : 'json')
  switch (format) {
    case 'string':
      return stringSerde
    case 'bytes':
      return bytesSerde
    case 'json':
      return options.canonical ? canonicalJsonSerde : jsonSerde
  }
}

function refused(where: string, reason: string, cause?: unknown): MillraceError {
  return new MillraceError(
    'MALFORMED_RECORD',
    `The ${where} cannot be written: ${reason}.`,
    cause === undefined ? {} : { cause },
  )
}

const nothing: Serde<unknown> = {
  name: 'none',
  encode() {
    throw new TypeError('none is declared')
  },
  decode(slices, into) {
    into.fill(null, 0, slices.count)
    for (let i = into.length; i < slices.count; i++) into.push(null)
  },
}

function absentCodec<T, In>(where: string): Codec<T, In> {
  return {
    where,
    serde: nothing,
    jsonSchema: undefined,
    decode: (slices, into) => nothing.decode(slices, into),
    encode(value) {
      if (value === null) return null
      throw refused(where, `none is declared; give the topic a schema for it, or pass null`)
    },
  }
}
