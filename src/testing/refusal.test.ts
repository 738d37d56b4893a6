/** The refusal of every request in every version: it can be encoded, and says its code where clients look. */
import { deepEqual, ok } from 'node:assert/strict'
import { test } from 'node:test'
import { messages, readResponse, responseFrame, versionsOf, type Definition } from '../wire/index.ts'
import { refusalOf } from './refusal.ts'

const code = 42

/** A request in which every list has two items: 'a' and 'b', or 0 and 1. */
function requestOf(definition: Definition, version: number): Record<string, unknown> {
  const valuesOf = (fields: Definition['request'], n: number): Record<string, unknown> =>
    Object.fromEntries(
      fields
        .filter(({ versions = '0+' }) => {
          const { min, max } = versionsOf(versions)
          return version >= min && version <= max
        })
        .map(field => {
          if ('struct' in field) return [field.name, valuesOf(field.struct, n)]
          if ('array' in field)
            return [
              field.name,
              [0, 1].map(each =>
                typeof field.array === 'string' ? plain(field.array, each) : valuesOf(field.array, each),
              ),
            ]
          return [field.name, plain(field.type, n)]
        }),
    )
  return valuesOf(definition.request, 0)
}

function plain(type: string, n: number): unknown {
  if (type === 'string') return ['a', 'b'][n]
  if (type === 'uuid') return ['AAAAAAAAAAAAAAAAAAAAAB', 'AAAAAAAAAAAAAAAAAAAAAC'][n]
  return type === 'bool' ? false : n
}

/** Paths of the error codes that are set. */
function codesIn(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item, n) => codesIn(item, `${path}${n}`))
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return []
  return Object.entries(value).flatMap(([name, inner]) =>
    inner === code ? [`${path} ${name}`.trim()] : codesIn(inner, `${path} ${name} `),
  )
}

for (const definition of messages.messages)
  test(`${definition.name} is refused in every version`, () => {
    const { min, max } = versionsOf(definition.versions)
    for (let version = min; version <= max; version += 1) {
      const refusal = refusalOf(definition, version, requestOf(definition, version), code)
      const frame = responseFrame(definition, version, 1, refusal as never)
      const answer = readResponse(definition, version, Buffer.concat(frame).subarray(4))
      ok(codesIn(answer).length > 0, `version ${version}: ${JSON.stringify(answer)}`)
    }
  })

test('codes are at the outermost level that has one, and names those of the request', () => {
  const check = (definition: Definition, version: number, expected: unknown): void =>
    deepEqual(refusalOf(definition, version, requestOf(definition, version), code), expected)
  check(messages.produce, 9, {
    responses: ['a', 'b'].map(name => ({
      name,
      topicId: undefined,
      partitionResponses: [0, 1].map(index => ({
        index,
        errorCode: code,
        baseOffset: -1,
        recordErrors: [],
      })),
    })),
  })
  check(messages.heartbeat, 4, { errorCode: code })
  check(messages.findCoordinator, 3, { errorCode: code, nodeId: -1 })
  check(messages.findCoordinator, 4, {
    coordinators: ['a', 'b'].map(key => ({ key, nodeId: -1, errorCode: code })),
  })
  check(messages.offsetFetch, 8, {
    groups: ['a', 'b'].map(groupId => ({ groupId, topics: [], errorCode: code })),
  })
})
