/**
 * Frames of Kafka's protocol: what is in front of a message.
 *
 * ```
 * request   length int32 | key int16, version int16, correlationId int32, clientId string | tags | body
 * response  length int32 | correlationId int32                                            | tags | body
 * ```
 *
 * Tagged fields follow the header if the version of the message is flexible. The client id precedes them and
 * never has the compact form. An ApiVersions response never has them: its reader does not know yet which
 * versions the broker has (KIP-511).
 */
import { isVersionIn, type Definition } from '../definition.ts'
import type { Request, RequestInput, Response, ResponseInput } from '../message-types.ts'
import { apiVersions, definitionOf } from '../messages/index.ts'
import { codecOf, decodeRequest, decodeResponse } from './message-codec.ts'
import { MessageReader } from './message-reader.ts'
import { MessageWriter } from './message-writer.ts'

/** What precedes the body of a request. */
export interface RequestHeader {
  /** Which request it is ("API key"). Not checked: it may be one that millrace does not know. */
  readonly key: number
  /** Not checked either. */
  readonly version: number
  /** The client's number, which the response repeats. */
  readonly correlationId: number
  readonly clientId: string | null
  /** The position of the body in the frame. */
  readonly bodyAt: number
}

/**
 * Reads the header of a request; `frame` is what follows the length.
 *
 * @throws MillraceError INVALID_REQUEST if the frame ends before, or is damaged.
 */
export function readRequestHeader(frame: Buffer): RequestHeader {
  const from = new MessageReader(frame, 0, 'the header of a request')
  const key = from.int16()
  const version = from.int16()
  const correlationId = from.int32()
  const clientIdBytes = from.int16()
  const clientId = clientIdBytes === -1 ? null : from.text(clientIdBytes)
  const definition = definitionOf(key)
  if (definition !== undefined && isVersionIn(version, definition.flexible)) skipTags(from)
  return { key, version, correlationId, clientId, bodyAt: from.at }
}

/** A request with frame and header, in parts that belong one after the other. */
export function requestFrame<D extends Definition>(
  definition: D,
  version: number,
  correlationId: number,
  clientId: string | null,
  request: RequestInput<D>,
): Buffer[] {
  const codec = codecOf(definition, definition.request, 'request', version)
  const to = new MessageWriter(codec.what)
  // The length, which is known at the end.
  to.int32(0)
  to.int16(definition.key)
  to.int16(version)
  to.int32(correlationId)
  if (clientId === null) to.int16(-1)
  else to.string(clientId)
  if (isVersionIn(version, definition.flexible)) to.int8(0)
  codec.encode(to, request)
  return to.finishFrame()
}

/** A response with frame and header, in parts that belong one after the other. */
export function responseFrame<D extends Definition>(
  definition: D,
  version: number,
  correlationId: number,
  response: ResponseInput<D>,
): Buffer[] {
  const codec = codecOf(definition, definition.response, 'response', version)
  const to = new MessageWriter(codec.what)
  to.int32(0)
  to.int32(correlationId)
  if (hasResponseTags(definition, version)) to.int8(0)
  codec.encode(to, response)
  return to.finishFrame()
}

/** The number of the request that a response answers; `frame` is what follows the length. */
export function correlationIdOf(frame: Buffer): number {
  return new MessageReader(frame, 0, 'the header of a response').int32()
}

/** Decodes a request from its frame, whose header was read. */
export function readRequest<D extends Definition>(
  definition: D,
  header: RequestHeader,
  frame: Buffer,
): Request<D> {
  return decodeRequest(definition, header.version, frame, header.bodyAt)
}

/** Decodes a response from its frame. */
export function readResponse<D extends Definition>(
  definition: D,
  version: number,
  frame: Buffer,
): Response<D> {
  const from = new MessageReader(frame, 0, 'the header of a response')
  from.int32()
  if (hasResponseTags(definition, version)) skipTags(from)
  return decodeResponse(definition, version, frame, from.at)
}

function hasResponseTags(definition: Definition, version: number): boolean {
  return definition.key !== apiVersions.key && isVersionIn(version, definition.flexible)
}

/** No tag of a header means anything to millrace. */
function skipTags(from: MessageReader): void {
  for (let count = from.unsignedVarint(); count > 0; count -= 1) {
    from.unsignedVarint()
    from.skip(from.unsignedVarint())
  }
}
