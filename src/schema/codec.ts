/**
 * A codec is a schema joined to a serde: bytes ⇄ validated values.
 *
 * Which serde: strings at the top level are written as plain UTF-8, as every Kafka client does with a string
 * key, so that partitioning agrees with other languages; everything else as JSON. Where the schema cannot say
 * what it describes (no `~standard.jsonSchema`), `format` decides.
 *
 * The schema describes what stands on the log. Encoding validates a value and writes it **as it was given**,
 * without what the schema does not know; what the schema transforms or fills in shows when the record is
 * read. Whatever is written can be read back as the same value by the same schema: what JSON would turn into
 * something else (NaN, a Date, undefined in an array) is refused, unless the schema reads it back (a date
 * that it coerces).
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { isDeepStrictEqual } from 'node:util'
import { isMillraceError, messageOf, MillraceError } from '../base/index.ts'
import { bytesSerde } from './bytes.ts'
import { asDeclared, hasUndeclared, hasUnknown, shapeOf, withoutUnknown } from './declared.ts'
import { hintsOf, type SchemaHints } from './schema-hints.ts'
import { issuesInWords } from './issues.ts'
import { canonicalJsonSerde, jsonSerde, lossyJson } from './json.ts'
import { lossInWords, survivesJson } from './json-fidelity.ts'
import { describesText, jsonSchemaOf, keepsText, outputSchemaOf, type JsonSchema } from './json-schema.ts'
import { refusesChangingNumbers } from './number-bounds.ts'
import { Malformed, type Serde, type Slices } from './serde.ts'
import { stringSerde } from './string.ts'
import { validatorOf } from './validator.ts'

export interface CodecOptions {
  /**
   * `string`: the text itself. `json`: JSON text. `bytes`: the bytes themselves (Uint8Array). Default: by the
   * schema.
   */
  readonly format?: 'string' | 'json' | 'bytes' | undefined
  /**
   * For keys: JSON properties are written in the order of their names, so that equal keys are equal bytes.
   */
  readonly canonical?: boolean | undefined
  /**
   * What reading makes of a JSON number that would change: a malformed record (the default), or the nearest
   * double.
   */
  readonly numbers?: Numbers | undefined
}

/**
 * What becomes of a number in JSON that JavaScript cannot hold: of a whole number past 2^53 that would be
 * another one, and of a number past 1.8e308, which would be infinite. `'exact'`: the record is malformed.
 * `'lossy'`: the nearest double is taken, as by `JSON.parse`. Fractions are the nearest double in both.
 */
export type Numbers = 'exact' | 'lossy'

export interface Codec<T, In = T> {
  /** For messages: `value of topic 'flights'`. */
  readonly where: string
  readonly serde: Serde<unknown>
  /** The JSON Schema of what stands on the log, where the schema can give one. */
  readonly jsonSchema: JsonSchema | undefined
  /** The JSON Schema of what a reader is given, where it can be told (see `outputSchemaOf`). */
  readonly outputSchema: JsonSchema | undefined
  /**
   * Decodes and validates a batch; null stays null, what cannot be read or is not valid becomes a Malformed.
   */
  decode(slices: Slices, into: (T | null | Malformed)[]): void
  /** Whether null is a value of the schema, or there is none. */
  readonly nullable: boolean
  /**
   * Validates and encodes; null gives null. Throws MALFORMED_RECORD (where, which field, why) for a value
   * that the schema refuses.
   */
  encode(value: In | null): string | Uint8Array | null
  /**
   * What the partition is chosen by, where that is not the key's own bytes: of a windowed key the inner key.
   */
  partitionBytes?(value: In): string | Uint8Array
  /**
   * Only for the types: a function type, so that a codec that demands more is not taken for one that demands
   * less.
   */
  readonly types?: { readonly out: T; readonly in: (value: In) => void }
}

/** The writing half of a codec. */
export type Encoder<In> = Pick<
  Codec<unknown, In>,
  'where' | 'encode' | 'partitionBytes' | 'serde' | 'nullable'
> & {
  readonly types?: { readonly in: (value: In) => void }
}

/**
 * The codec of `schema`, or for undefined that of a key that is not there: it reads null, whatever stands on
 * the log, and writes only null.
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
  const serde = lossyWhere(
    options.numbers === 'lossy' || refusesChangingNumbers(schema),
    hints.serde ?? serdeFor(options, hints, describesText(schema, jsonSchema)),
  )
  const { vendor } = schema['~standard']
  const validate = validatorOf(schema, where)
  /**
   * Whether the serde checks all that the schema does: not where another format was asked for than its own.
   */
  const unchecked =
    hints.unchecked === true && (options.format === undefined || options.format === hints.format)
  const shape = unchecked || stripping.has(vendor) ? undefined : shapeOf(jsonSchema)

  const validated = (value: unknown): unknown => {
    const result = validate(value)
    return result.issues ? new Malformed(issuesInWords(result.issues)) : result.value
  }

  let nullable: boolean | undefined
  const admitsNull = (): boolean => {
    try {
      return !(validated(null) instanceof Malformed)
    } catch {
      // An asynchronous schema, which says so when it is used.
      return true
    }
  }
  /** What is written of a value that is valid as `output`. */
  const known = (value: unknown, output: unknown): unknown => {
    let kept = value
    if (hasUnknown(value, output)) {
      const stripped = withoutUnknown(value, output)
      // Left out by a schema that strips, or made into something of another name by one that transforms? Then
      // it is needed.
      if (isDeepStrictEqual(validated(stripped), output)) kept = stripped
    }
    if (!hasUndeclared(kept, shape)) return kept
    const declared = asDeclared(kept, shape)
    return validated(declared) instanceof Malformed ? kept : declared
  }
  const checkReadable = (value: unknown, output: unknown, written: string): void => {
    const read = unchecked ? undefined : validated(JSON.parse(written))
    if (!unchecked && isDeepStrictEqual(read, output)) return
    const loss = lossInWords(value)
    throw refused(
      where,
      read instanceof Malformed
        ? `as JSON it is ${shortened(written)}, which its own schema refuses (${read.reason}), because of ${loss}; let the schema describe what stands on the log, such as a date as epoch milliseconds`
        : `JSON cannot hold ${loss}: it would be read as something else. Write what JSON can hold, such as epoch milliseconds for a date, null for a number that is none, an array for a Map or Set, a plain object for an instance of a class`,
    )
  }

  return {
    where,
    serde,
    jsonSchema,
    get outputSchema() {
      return outputSchemaOf(schema) ?? (keepsText(schema) ? { type: 'string' } : undefined)
    },
    get nullable() {
      return (nullable ??= admitsNull())
    },
    decode(slices, into) {
      serde.decode(slices, into)
      if (unchecked) return
      for (let i = 0; i < slices.count; i++) {
        const value = into[i]
        if (value !== null && !(value instanceof Malformed)) into[i] = validated(value) as T | Malformed
      }
    },
    encode(value) {
      if (value === null) return null
      const output = unchecked ? value : validated(value)
      if (output instanceof Malformed) throw refused(where, output.reason)
      try {
        const toWrite = unchecked ? value : known(value, output)
        const written = serde.encode(toWrite)
        if (!isPlainForm(serde) && !survivesJson(toWrite)) checkReadable(toWrite, output, String(written))
        return written
      } catch (error) {
        if (isMillraceError(error, 'MALFORMED_RECORD', 'SCHEMA_ASYNC')) throw error
        throw refused(where, messageOf(error), error)
      }
    },
    ...(hints.partitionBytes && {
      partitionBytes: value =>
        hints.partitionBytes!(hasObjectKey(value) ? known(value, validated(value)) : value),
    }),
  }
}

/**
 * Whether the serde checks by itself that it writes what it will read: text and bytes, not JSON in any form.
 */
function isPlainForm({ name }: Serde<unknown>): boolean {
  return name === 'string' || name === 'bytes'
}

/** Whether it is a windowed key whose inner key may have properties that its schema does not know. */
function hasObjectKey(value: unknown): boolean {
  return typeof (value as { key?: unknown } | null)?.key === 'object'
}

/** Libraries whose schemas leave out of their output what they do not declare. */
const stripping: ReadonlySet<string> = new Set(['zod', 'valibot'])

/** Characters of a value that a message shows. */
const shownMax = 200

function shortened(text: string): string {
  return text.length > shownMax ? `${text.slice(0, shownMax)}…` : text
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

/** Only JSON has numbers. */
function lossyWhere(lossy: boolean, serde: Serde<unknown>): Serde<unknown> {
  return lossy && !isPlainForm(serde) ? lossyJson(serde) : serde
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
    outputSchema: undefined,
    nullable: true,
    decode: (slices, into) => nothing.decode(slices, into),
    encode(value) {
      if (value === null) return null
      throw refused(where, `none is declared; give the topic a schema for it, or pass null`)
    },
  }
}
