/**
 * Encodes and decodes the messages of Kafka's protocol by their definitions, in both directions. A codec is
 * made at the first use of a message in a version, and kept.
 *
 * Decoding believes nothing (message-reader.ts): bytes that are not exactly the message are refused.
 */
import { MillraceError } from '../../base/index.ts'
import { isVersionIn, type Definition, type Field, type Structure } from '../definition.ts'
import type { Request, RequestInput, Response, ResponseInput } from '../message-types.ts'
import { planStruct, type Struct } from './field-plan.ts'
import { MessageReader } from './message-reader.ts'
import { MessageWriter } from './message-writer.ts'
import { structDecoder, type StructDecoder } from './struct-decoder.ts'
import { structEncoder, type StructEncoder } from './struct-encoder.ts'

/** Encodes and decodes one message in one version. */
export interface MessageCodec {
  /** The message in words, for errors. */
  readonly what: string
  readonly encode: StructEncoder
  readonly decode: StructDecoder
}

/** By the fields of the message, then by version. */
const codecs = new Map<readonly Field[], MessageCodec[]>()

/**
 * Items that all arrays of a request may have together. An item of eight bytes becomes objects of a kilobyte
 * until it is answered: without a bound one request could fill the memory of the broker.
 */
const requestItemsMax = 100_000

/**
 * Decodes the request whose body begins at `at`. Bytes that follow it are ignored, as Apache Kafka does:
 * librdkafka sends three too many when it asks for the metadata of all topics.
 *
 * @throws MillraceError INVALID_REQUEST if they are not; UNSUPPORTED_FORMAT if the definition lacks the
 *   version.
 */
export function decodeRequest<D extends Definition>(
  definition: D,
  version: number,
  bytes: Buffer,
  at = 0,
): Request<D> {
  const codec = codecOf(definition, definition.request, 'request', version)
  const from = new MessageReader(bytes, at, codec.what)
  from.itemsLeft = requestItemsMax
  return codec.decode(from) as Request<D>
}

/**
 * Decodes the response of which the bytes from `at` to the end are the body.
 *
 * @throws MillraceError as {@link decodeRequest}.
 */
export function decodeResponse<D extends Definition>(
  definition: D,
  version: number,
  bytes: Buffer,
  at = 0,
): Response<D> {
  return decode(codecOf(definition, definition.response, 'response', version), bytes, at) as Response<D>
}

/**
 * Encodes a request, without frame and header. The parts belong one after the other.
 *
 * @throws MillraceError INVALID_ARGUMENT if a value does not fit its field.
 */
export function encodeRequest<D extends Definition>(
  definition: D,
  version: number,
  value: RequestInput<D>,
): Buffer[] {
  return encode(codecOf(definition, definition.request, 'request', version), value)
}

/**
 * Encodes a response, without frame and header. The parts belong one after the other.
 *
 * @throws MillraceError INVALID_ARGUMENT if a value does not fit its field.
 */
export function encodeResponse<D extends Definition>(
  definition: D,
  version: number,
  value: ResponseInput<D>,
): Buffer[] {
  return encode(codecOf(definition, definition.response, 'response', version), value)
}

/**
 * The codec of fields in a version. `kind` says which of the definition they are. Throws UNSUPPORTED_FORMAT
 * if the definition lacks the version.
 */
export function codecOf(
  definition: Definition | Structure,
  fields: readonly Field[],
  kind: 'request' | 'response' | 'structure',
  version: number,
): MessageCodec {
  let versions = codecs.get(fields)
  if (versions === undefined) codecs.set(fields, (versions = []))
  return (versions[version] ??= makeCodec(definition, fields, kind, version))
}

function makeCodec(
  { name, versions, flexible }: Definition | Structure,
  fields: readonly Field[],
  kind: string,
  version: number,
): MessageCodec {
  if (!isVersionIn(version, versions))
    throw new MillraceError(
      'UNSUPPORTED_FORMAT',
      `Unknown version ${version} of ${name}: this millrace has ${versions}.`,
    )
  const plan = planStruct(fields, version, isVersionIn(version, flexible))
  return {
    what: `a ${name} ${kind}, version ${version}`,
    encode: structEncoder(plan, kind === 'request'),
    decode: structDecoder(plan),
  }
}

function decode(codec: MessageCodec, bytes: Buffer, at: number): Struct {
  const from = new MessageReader(bytes, at, codec.what)
  const value = codec.decode(from)
  if (from.bytesLeft !== 0)
    throw from.invalid(`is the end of the message, but ${from.bytesLeft} bytes follow`)
  return value
}

function encode(codec: MessageCodec, value: Struct): Buffer[] {
  const to = new MessageWriter(codec.what)
  codec.encode(to, value)
  return to.finish()
}
