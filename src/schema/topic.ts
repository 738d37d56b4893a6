/**
 * A topic as a program sees it: a name, and the types of its keys and values.
 *
 * The schema describes the record **on the log**. A topic whose schema transforms (its output differs from
 * its input) can be read but not written: the types say so.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import {
  checkOption,
  checkOptions,
  checkTopicName,
  durationMs,
  type Duration,
  inWords,
  MillraceError,
} from '../base/index.ts'
import type { Codec, CodecOptions, Encoder, Numbers } from './codec.ts'
import { codecOf } from './codec.ts'

/**
 * The policy for a record that cannot be read, or on which a user function fails: stop (the default), count
 * it and continue, or write the original bytes to a dead-letter topic, with reason and place in headers.
 */
export type ErrorPolicy = 'fail' | 'skip' | { readonly deadLetter: string }

/**
 * @param where names the place in the message; @throws MillraceError INVALID_ARGUMENT for an invalid policy
 * (of a program without types)
 */
export function checkPolicy(policy: ErrorPolicy, where: string): void {
  if (policy === 'fail' || policy === 'skip' || typeof policy?.deadLetter === 'string') return
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `onError of ${where} is ${JSON.stringify(policy)}. It must be one of 'fail', 'skip', and { deadLetter: 'a-topic' }.`,
  )
}

/**
 * How a partition's watermark follows its records: as Flink's bounded out-of-orderness, with its idleness. A
 * watermark W promises that everything before W has come; a record at W itself may still come. A record that
 * breaks the promise is late. See docs/time.md.
 */
export interface WatermarkOptions {
  /**
   * How far the watermark stays below the largest timestamp. A record within that distance is never late.
   * Default 0.
   */
  readonly outOfOrderness?: Duration
  /**
   * After this long without data a partition no longer holds back the others: its watermark is raised to the
   * least of theirs. If all inputs of an app are idle, time continues by the clock from their last data. A
   * later record below the raised watermark is late, with reason `idle`. Only time in which the app ran and
   * had read to the end counts. Default: never; windows wait for each partition.
   */
  readonly idleAfter?: Duration
  /**
   * How far ahead of the wall clock a record's timestamp may be. One further ahead is malformed, and moves no
   * watermark: a single record of the year 2262 would make all others late. Default 1 day; in `testApp`,
   * whose clock begins at 0, any time.
   */
  readonly maxAhead?: Duration
}

/** The declaration of a topic. */
export interface TopicOptions<KS, VS, V> {
  /** Schema of the key; leave it out for records without one. */
  readonly key?: KS
  /** Schema of the value: of any library of Standard Schema's, or `json()`, `text()`, `bytes()`. */
  readonly value: VS
  /**
   * Partitions, where millrace creates the topic. Default 1, or as another running app of the log declares
   * them.
   */
  readonly partitions?: number
  /**
   * Event time of a record in ms since the epoch; default: the record's own timestamp. `'arrival'` takes the
   * wall clock when the record is read. This time never goes back, so no record is late. It passes without
   * data, so windows close by the clock, within a quarter of a second.
   */
  readonly timestamp?: ((value: V) => number) | 'arrival'
  /**
   * How late records may be. Default: not at all, so a record below the largest timestamp so far is late for
   * a window that has ended.
   */
  readonly watermark?: WatermarkOptions
  /** The policy for records that cannot be read. Default: that of the run, or `'fail'`. */
  readonly onError?: ErrorPolicy
  /**
   * How keys are written: `'string'` (plain UTF-8 text), `'json'` or `'bytes'`. Default: text where the
   * schema describes text, JSON otherwise.
   */
  readonly keyFormat?: CodecOptions['format']
  /** How values are written, by the same rule. */
  readonly valueFormat?: CodecOptions['format']
  /**
   * How to read a number in JSON that JavaScript cannot hold, as 9007199254740993 or 1e400. Default
   * `'exact'`: the record is malformed. `'lossy'` takes the nearest double. To keep such numbers, write them
   * as text, and let the schema convert the text to a bigint.
   */
  readonly numbers?: Numbers
}

/**
 * A topic as {@link topic} declares it. K and V are the types that are read, KIn and VIn those that are
 * written. They are the same unless a schema transforms.
 */
export interface Topic<K, V, KIn = K, VIn = V> {
  readonly name: string
  /** Undefined if the topic declares none, as below. */
  readonly partitions: number | undefined
  readonly key: Codec<K, KIn>
  readonly value: Codec<V, VIn>
  /** The source of event time; undefined: the record's own timestamp. */
  readonly timestamp: ((value: V) => number) | 'arrival' | undefined
  readonly watermark:
    | {
        readonly outOfOrdernessMs: number
        readonly idleAfterMs: number | undefined
        readonly maxAheadMs: number | undefined
      }
    | undefined
  readonly onError: ErrorPolicy | undefined
}

/** Any topic that takes keys of type K and values of type V, with any types for readers. */
export interface WritableTopic<K, V> {
  readonly name: string
  readonly partitions: number | undefined
  readonly key: Encoder<K>
  readonly value: Encoder<V>
}

type In<S> = S extends StandardSchemaV1 ? StandardSchemaV1.InferInput<S> : null
type Out<S> = S extends StandardSchemaV1 ? StandardSchemaV1.InferOutput<S> : null

/**
 * Declares a topic. Nothing is created or contacted.
 *
 * @example
 * const flights = topic('flights', {
 *   key: z.string(),
 *   value: z.object({ destination: z.string(), delay: z.int(), departure: z.int() }),
 *   timestamp: flight => flight.departure,
 *   watermark: { outOfOrderness: '6h' },
 * })
 * @throws MillraceError INVALID_DURATION, INVALID_ARGUMENT for invalid options. A schema that validates
 *   asynchronously is found by its first record: reading or writing it throws SCHEMA_ASYNC
 */
export function topic<VS extends StandardSchemaV1, KS extends StandardSchemaV1 | undefined = undefined>(
  name: string,
  options: TopicOptions<KS, VS, NoInfer<Out<VS>>>,
): Topic<Out<KS>, Out<VS>, In<KS>, In<VS>> {
  checkDeclaration(name, options)
  return {
    name,
    partitions: options.partitions,
    key: codecOf<Out<KS>, In<KS>>(options.key, `key of topic '${name}'`, {
      format: options.keyFormat,
      canonical: true,
      numbers: options.numbers,
    }),
    value: codecOf<Out<VS>, In<VS>>(options.value, `value of topic '${name}'`, {
      format: options.valueFormat,
      numbers: options.numbers,
    }),
    timestamp: options.timestamp,
    watermark: options.watermark && {
      outOfOrdernessMs: durationMs(options.watermark.outOfOrderness ?? 0),
      idleAfterMs:
        options.watermark.idleAfter === undefined ? undefined : durationMs(options.watermark.idleAfter),
      maxAheadMs:
        options.watermark.maxAhead === undefined ? undefined : durationMs(options.watermark.maxAhead),
    },
    onError: options.onError,
  }
}

function checkDeclaration(name: unknown, options: unknown): void {
  if (typeof name !== 'string' || name === '')
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `Invalid topic name ${inWords(name)}: declare a topic by its name and its schemas, as topic('orders', { value: … }).`,
    )
  checkTopicName(name)
  const what = `topic '${name}'`
  const example = `topic('${name}', { value: json() })`
  if (options === undefined)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `${what} is declared without a schema for its values: ${example}.`,
    )
  checkOptions(what, options, {
    key: 'any',
    value: 'any',
    partitions: 'count',
    timestamp: value =>
      typeof value === 'function' || value === 'arrival'
        ? undefined
        : "a function of the value that gives milliseconds, or 'arrival'",
    watermark: 'object',
    onError: 'any',
    keyFormat: formats,
    valueFormat: formats,
    numbers: ['exact', 'lossy'],
  })
  const { key, value, watermark, onError } = options as Partial<
    TopicOptions<StandardSchemaV1, StandardSchemaV1, never>
  >
  if (value === undefined)
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `${what} is declared without a schema for its values: ${example}.`,
    )
  checkSchema(what, 'value', value)
  if (key !== undefined) checkSchema(what, 'key', key)
  checkOptions(`the watermark of ${what}`, watermark, {
    outOfOrderness: 'duration',
    idleAfter: 'duration',
    maxAhead: 'duration',
  })
  if (onError !== undefined) checkPolicy(onError, what)
}

const formats = ['string', 'json', 'bytes'] as const

function checkSchema(what: string, part: string, schema: unknown): void {
  checkOption(what, part, schema, given => {
    const standard =
      (typeof given === 'object' || typeof given === 'function') && given !== null && '~standard' in given
        ? (given['~standard'] as Partial<StandardSchemaV1.Props> | undefined)
        : undefined
    return typeof standard?.validate === 'function'
      ? undefined
      : 'a schema of zod, arktype, valibot or another library of Standard Schema, such as z.object({ … }), or json(), text(), bytes()'
  })
}

/**
 * Checks that a program without types passes a topic, and not its name.
 *
 * @param what the function that takes it, as `log.producer`
 * @throws MillraceError INVALID_ARGUMENT
 */
export function checkTopic(what: string, given: unknown): void {
  if (typeof given === 'object' && given !== null && 'name' in given && 'key' in given && 'value' in given)
    return
  const example = typeof given === 'string' && given !== '' ? given : 'orders'
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `${what} takes a topic that topic() has declared, got ${inWords(given)}. Write const orders = topic('${example}', { value: json() }), and then ${what}(orders).`,
  )
}
