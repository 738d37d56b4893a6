/**
 * Keys of windowed results: the key, and the window [start, end) that its value is of.
 *
 * On the log: JSON, `{"key":…,"start":…,"end":…}` in this order, so that equal keys are equal bytes. A topic
 * of windowed keys is partitioned by the inner key alone, so that all windows of a key are in one partition.
 * Kafka Streams' WindowedStreamPartitioner does the same.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { MillraceError } from '../base/index.ts'
import type { Schema } from './builtin.ts'
import { codecOf } from './codec.ts'
import { withHints } from './schema-hints.ts'
import { canonicalJson } from './json.ts'
import { jsonDecoder } from './json-decoder.ts'
import type { JsonSchema } from './json-schema.ts'
import { validatorOf } from './validator.ts'

/** A key in a window, whose bounds are ms since the epoch. */
export interface Windowed<K> {
  readonly key: K
  /** Inclusive. */
  readonly start: number
  /** Exclusive. */
  readonly end: number
}

/**
 * The schema of a windowed key.
 *
 * @example topic('delays-by-hour', { key: windowed(z.string()), value: z.object({ flights: z.int() }) })
 * @throws MillraceError INVALID_ARGUMENT for a key of bytes, which JSON cannot hold
 */
export function windowed<S extends StandardSchemaV1>(
  key: S,
): Schema<Windowed<StandardSchemaV1.InferInput<S>>, Windowed<StandardSchemaV1.InferOutput<S>>> {
  type In = StandardSchemaV1.InferInput<S>
  type Out = StandardSchemaV1.InferOutput<S>
  const inner = codecOf<Out, In>(key, 'key of a window', { canonical: true })
  if (inner.serde.name === 'bytes')
    throw new MillraceError(
      'INVALID_ARGUMENT',
      'A windowed key is written as JSON, which cannot hold bytes. Make the inner key a string (hex or base64).',
    )
  const validate = validatorOf(key, 'key of a window')

  const withKey = (
    value: Windowed<unknown>,
    result: StandardSchemaV1.Result<unknown>,
  ): StandardSchemaV1.Result<Windowed<Out>> =>
    result.issues
      ? { issues: result.issues.map(({ message, path = [] }) => ({ message, path: ['key', ...path] })) }
      : { value: { key: result.value, start: value.start, end: value.end } }
  const around = (keys: JsonSchema | undefined): Record<string, unknown> => {
    if (!keys) throw new Error('The schema of the inner key has no JSON Schema')
    // References start at the root.
    const { $defs, $schema: _, ...inside } = keys
    return {
      ...($defs !== undefined && { $defs }),
      type: 'object',
      properties: { key: inside, start: { type: 'integer' }, end: { type: 'integer' } },
      required: ['key', 'start', 'end'],
    }
  }

  return withHints(
    {
      '~standard': {
        version: 1,
        vendor: 'millrace',
        validate(value) {
          if (!isWindow(value))
            return {
              issues: [
                { message: 'expected { key, start, end } with start and end in whole ms and start ≤ end' },
              ],
            }
          return withKey(value, validate(value.key))
        },
        jsonSchema: { input: () => around(inner.jsonSchema), output: () => around(inner.outputSchema) },
      },
    },
    {
      serde: {
        name: windowedForm(inner.serde.name),
        encode: value => windowedJson(value as Windowed<unknown>),
        decode: jsonDecoder('exact'),
      },
      partitionBytes: value => inner.serde.encode((value as Windowed<unknown>).key),
    },
  )
}

/** The name of a windowed key's form, from the form of its inner key, which decides the partition. */
export function windowedForm(inner: string): string {
  return `windowed ${inner}`
}

/** Whether a form is that of windowed keys. */
export function isWindowedForm(form: string): boolean {
  return form.startsWith('windowed ')
}

/** A windowed key as it is written to the log. */
export function windowedJson({ key, start, end }: Windowed<unknown>): string {
  return `{"key":${canonicalJson(key)},"start":${start},"end":${end}}`
}

function isWindow(value: unknown): value is Windowed<unknown> {
  if (typeof value !== 'object' || value === null) return false
  const { key, start, end } = value as Partial<Windowed<unknown>>
  return key !== undefined && Number.isSafeInteger(start) && Number.isSafeInteger(end) && start! <= end!
}
