/** Frames as bytes, written down from the protocol's description. */
import { deepEqual, equal, throws } from 'node:assert/strict'
import { test } from 'node:test'
import { isCode } from '../../../test/is-code.ts'
import { apiVersions, fetch, metadata } from '../messages/index.ts'
import {
  correlationIdOf,
  readRequest,
  readRequestHeader,
  readResponse,
  requestFrame,
  responseFrame,
} from './message-frame.ts'

/** Hexadecimal digits, with spaces for readers. */
function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(/\s/g, ''), 'hex')
}

/** The frame behind its length, which must be right. */
function unframed(parts: readonly Buffer[]): Buffer {
  const bytes = Buffer.concat(parts)
  equal(bytes.readInt32BE(), bytes.length - 4)
  return bytes.subarray(4)
}

test('a flexible request has tagged fields after its header, and a client id that is not compact', () => {
  const frame = requestFrame(apiVersions, 3, 7, 'ab', {
    clientSoftwareName: 'x',
    clientSoftwareVersion: '12',
  })
  const expected = hex('00000013 0012 0003 00000007 0002 6162 00  02 78 03 3132 00')
  deepEqual(Buffer.concat(frame), expected)
  const header = readRequestHeader(expected.subarray(4))
  deepEqual(header, { key: 18, version: 3, correlationId: 7, clientId: 'ab', bodyAt: 13 })
  deepEqual(readRequest(apiVersions, header, expected.subarray(4)), {
    clientSoftwareName: 'x',
    clientSoftwareVersion: '12',
  })
})

test('a request that is not flexible has no tagged fields, and its client id may be null', () => {
  const frame = unframed(requestFrame(metadata, 1, -2, null, { topics: [{ name: 't' }] }))
  deepEqual(frame, hex('0003 0001 fffffffe ffff 00000001 0001 74'))
  const header = readRequestHeader(frame)
  deepEqual(header, { key: 3, version: 1, correlationId: -2, clientId: null, bodyAt: 10 })
  equal(readRequest(metadata, header, frame).topics?.[0]?.name, 't')
})

test('the response of ApiVersions never has tagged fields in its header', () => {
  const response = { errorCode: 0, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }] }
  const frame = responseFrame(apiVersions, 3, 7, response)
  deepEqual(Buffer.concat(frame), hex('00000013 00000007 0000 02 0012 0000 0004 00 00000000 00'))
  const read = readResponse(apiVersions, 3, unframed(frame))
  deepEqual(read.apiKeys, response.apiKeys)
  // Tagged fields that were not sent have their defaults.
  deepEqual([read.finalizedFeaturesEpoch, read.supportedFeatures, read.zkMigrationReady], [-1, [], false])
})

test('another flexible response has them', () => {
  const frame = unframed(responseFrame(fetch, 12, 9, { throttleTimeMs: 1, responses: [] }))
  deepEqual(frame, hex('00000009 00  00000001 0000 00000000 01 00'))
  equal(correlationIdOf(frame), 9)
  equal(readResponse(fetch, 12, frame).throttleTimeMs, 1)
})

test('the header of a request with an unknown key or version can be read', () => {
  deepEqual(readRequestHeader(hex('7fff 0001 00000003 ffff 99')), {
    key: 0x7fff,
    version: 1,
    correlationId: 3,
    clientId: null,
    bodyAt: 10,
  })
  equal(readRequestHeader(hex('0012 0063 00000003 ffff 00 99')).bodyAt, 11)
})

test('a header that ends early, or whose client id is not UTF-8, is refused', () => {
  const whole = hex('0012 0003 00000007 0002 6162 01 05 02 0000')
  equal(readRequestHeader(whole).bodyAt, whole.length)
  for (let size = 0; size < whole.length; size += 1)
    throws(() => readRequestHeader(whole.subarray(0, size)), isCode('INVALID_REQUEST'))
  throws(() => readRequestHeader(hex('0003 0001 00000001 0001 ff')), isCode('INVALID_REQUEST', /UTF-8/))
  throws(() => readRequestHeader(hex('0003 0001 00000001 fffe')), isCode('INVALID_REQUEST'))
})

test('large records are sent as they are, without a copy', () => {
  const records = Buffer.alloc(5000, 7)
  const partition = { partitionIndex: 0, errorCode: 0, highWatermark: 1, abortedTransactions: null, records }
  const response = { throttleTimeMs: 0, responses: [{ topic: 't', partitions: [partition] }] }
  const parts = responseFrame(fetch, 12, 1, response)
  equal(parts.length, 3)
  equal(parts[1], records)
  const read = readResponse(fetch, 12, unframed(parts)).responses[0]?.partitions[0]?.records
  deepEqual(read, records)
  const small = {
    ...response,
    responses: [{ topic: 't', partitions: [{ ...partition, records: Buffer.alloc(100) }] }],
  }
  equal(responseFrame(fetch, 12, 1, small).length, 1)
})
