/**
 * A codec is a schema joined to a serde: bytes ⇄ validated values.
 *
 * The serde: a string at the top level is plain UTF-8, as every Kafka client writes a string key. So other
 * languages choose the same partitions. Everything else is JSON. If the schema has no `~standard.jsonSchema`,
 * `format` decides.
 *
 * The schema describes the record on the log. Encoding validates a value and writes it **as it was given**,
 * without properties that the schema does not know. Transforms and defaults apply when the record is read.
 * The same schema reads each written value back unchanged. A value that JSON would change (NaN, a Date,
 * undefined in an array) is refused, unless the schema restores it (a date that it coerces).
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { isDeepStrictEqual } from 'node:util'
import { isMillraceError, messageOf, MillraceError } from '../base/index.ts'
import { bytesSerde } from './bytes.ts'
import { asDeclared, hasUndeclared, hasUnknown, shapeOf, withoutUnknown } from './declared.ts'
import { hintsOf, type SchemaHints } from './schema-hints.ts'
import { issuesInWords } from './issues.ts'
import { jsonSerde, lossyJson } from './json.ts'
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
   * How a JSON number that a double would change is read: as a malformed record (the default), or as the
   * nearest double.
   */
  readonly numbers?: Numbers | undefined
}

/**
 * How to read a number in JSON that JavaScript cannot hold: a whole number past 2^53 that would become
 * another one, or a number past 1.8e308, which would become infinite. `'exact'`: the record is malformed.
 * `'lossy'`: the nearest double is taken, as by `JSON.parse`. Fractions are the nearest double in both.
 */
export type Numbers = 'exact' | 'lossy'

export interface Codec<T, In = T> {
  /** For messages: `value of topic 'flights'`. */
  readonly where: string
  readonly serde: Serde<unknown>
  /** The JSON Schema of the record on the log, if the schema gives one. */
  readonly jsonSchema: JsonSchema | undefined
  /** The JSON Schema of the value that a reader gets, if it is known (see `outputSchemaOf`). */
  readonly outputSchema: JsonSchema | undefined
  /** Decodes and validates a batch. Null stays null; an unreadable or invalid entry becomes a Malformed. */
  decode(slices: Slices, into: (T | null | Malformed)[]): void
  /** Whether null is valid for the schema, or the topic has no schema. */
  readonly nullable: boolean
  /**
   * Validates and encodes; null gives null. Throws MALFORMED_RECORD (with place, field and reason) for a
   * value that the schema refuses.
   */
  encode(value: In | null): string | Uint8Array | null
  /**
   * The bytes that choose the partition, if not the key's bytes: of a windowed key those of the inner key.
   */
  partitionBytes?(value: In): string | Uint8Array
  /**
   * Only for the types. A function type keeps a codec with stricter input from passing for one with looser
   * input.
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
 * The codec of `schema`. For undefined, the codec of records without a key: it reads every key as null, and
 * writes only null.
 *
 * @param where names the place in messages, as `key of topic 'flights'`
 * @throws MillraceError SCHEMA_ASYNC from `decode` and `encode`, if validation needs a promise
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
  /** Whether the serde checks all that the schema does: not under another format than its own. */
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
  /** The value to write, for one that is valid with this `output`. */
  const known = (value: unknown, output: unknown): unknown => {
    let kept = value
    if (hasUnknown(value, output)) {
      const stripped = withoutUnknown(value, output)
      // A schema that strips left it out; one that transforms may need it under another name. Then it is
      // kept.
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
        ? `as JSON it is ${shortened(written)}, which its own schema refuses (${read.reason}), because of ${loss}. Let the schema describe the JSON on the log, such as a date as epoch milliseconds`
        : `JSON cannot hold ${loss}: it would be read as another value. Write a value of JSON: epoch milliseconds for a date, null for NaN, an array for a Map or Set, a plain object for an instance of a class`,
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

/** Whether the serde itself refuses values that it could not read back: text and bytes do, JSON does not. */
function isPlainForm({ name }: Serde<unknown>): boolean {
  return name === 'string' || name === 'bytes'
}

/** Whether it is a windowed key whose inner key may have properties that its schema does not know. */
function hasObjectKey(value: unknown): boolean {
  return typeof (value as { key?: unknown } | null)?.key === 'object'
}

/** Libraries whose schemas leave undeclared properties out of their output. */
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
      return jsonSerde(options.canonical)
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
