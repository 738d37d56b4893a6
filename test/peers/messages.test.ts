/**
 * The messages of Kafka's protocol against Apache Kafka itself: each field is as its own definitions say, and
 * its own classes read random messages of every version and write the same bytes.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { seededRandom } from '../../src/base/index.ts'
import { requestFrame, responseFrame } from '../../src/wire/codec/message-frame.ts'
import { eachVersion, randomMessage } from '../../src/wire/codec/random-message.test-support.ts'
import { isVersionIn, type Definition, type Field, type Structure } from '../../src/wire/definition.ts'
import type { Encodable } from '../../src/wire/message-types.ts'
import { messages } from '../../src/wire/messages/index.ts'
import {
  consumerProtocolAssignment,
  consumerProtocolSubscription,
  encodeStructure,
  groupMetadataKey,
  groupMetadataValue,
  offsetCommitKey,
  offsetCommitValue,
  transactionLogKey,
  transactionLogValue,
  type RequestInput,
  type ResponseInput,
} from '../../src/wire/index.ts'
import { peersFolder } from './install.ts'
import { java } from './java.ts'
import {
  kafkaDefinitions,
  kafkaLacking,
  kafkaRows,
  ourLacking,
  ourRows,
  stableVersions,
  type KafkaDefinition,
} from './kafka-definitions.ts'

/** Random messages of each version and direction. */
const messagesPerVersion = 20
const directions = ['request', 'response'] as const

/** A message for Kafka's classes: its kind for `Messages.java`, and its bytes. */
interface Sent {
  readonly what: string
  readonly kind: string
  readonly version: number
  readonly bytes: Buffer
}

function* randomFrames(): Generator<Sent> {
  const random = seededRandom(31)
  const eachOf = function* (definition: Definition, version: number): Generator<Sent> {
    const isFlexible = isVersionIn(version, definition.flexible)
    const what = `${definition.name}, version ${version}`
    for (let n = 0; n < messagesPerVersion; n += 1) {
      const request = randomMessage(random, definition.request, version, isFlexible)
      // Null is covered by a unit test: Kafka reads it as empty text.
      const clientId = n % 3 === 0 ? '' : `client-${n}`
      const sent = requestFrame(definition, version, n, clientId, request as RequestInput<Definition>)
      yield { what: `request ${what}`, kind: 'request', version, bytes: Buffer.concat(sent).subarray(4) }
      const response = randomMessage(random, definition.response, version, isFlexible)
      const answer = responseFrame(definition, version, n, response as ResponseInput<Definition>)
      const kind = `response:${definition.key}`
      yield { what: `response ${what}`, kind, version, bytes: Buffer.concat(answer).subarray(4) }
    }
  }
  for (const definition of messages)
    for (const version of eachVersion(definition.versions)) yield* eachOf(definition, version)
}

/** A structure, and the package of Kafka's class for it. */
const structures: readonly { readonly structure: Structure; readonly package: string }[] = [
  { structure: consumerProtocolSubscription, package: 'common.message' },
  { structure: consumerProtocolAssignment, package: 'common.message' },
  { structure: offsetCommitKey, package: 'coordinator.group.generated' },
  { structure: offsetCommitValue, package: 'coordinator.group.generated' },
  { structure: groupMetadataKey, package: 'coordinator.group.generated' },
  { structure: groupMetadataValue, package: 'coordinator.group.generated' },
  { structure: transactionLogKey, package: 'coordinator.transaction.generated' },
  { structure: transactionLogValue, package: 'coordinator.transaction.generated' },
]
/** Tags from here on are millrace's own. Kafka's classes keep what they do not know. */
const ownTagsFrom = 100

/** To Kafka a key has version 0; the number in front of it is the kind of the record. */
function isKey({ type }: KafkaDefinition): boolean {
  return type === 'coordinator-key'
}

/** Random values fit their fields, which the types of these definitions do not say. */
type AnyFields = Encodable<readonly Field[]>

function* randomStructures(): Generator<Sent> {
  const random = seededRandom(32)
  for (const { structure, package: name } of structures)
    for (const version of eachVersion(structure.versions))
      for (let n = 0; n < messagesPerVersion; n += 1) {
        const isFlexible = isVersionIn(version, structure.flexible)
        const value = randomMessage(random, structure.fields, version, isFlexible) as AnyFields
        yield {
          what: `${structure.name}, version ${version}`,
          kind: `org.apache.kafka.${name}.${structure.name}`,
          version: structure.name.endsWith('Key') ? 0 : version,
          bytes: Buffer.from(encodeStructure(structure, version, value)),
        }
      }
}

describe('the messages of Kafka', () => {
  let folder = ''
  before(() => {
    mkdirSync(peersFolder, { recursive: true })
    folder = mkdtempSync(join(peersFolder, 'run-messages-'))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('are defined as Apache Kafka defines them, field by field', async () => {
    const names = messages.flatMap(({ name }) => [`${name}Request`, `${name}Response`])
    const kafkas = await kafkaDefinitions(names)
    for (const [index, definition] of messages.entries())
      for (const [second, direction] of directions.entries()) {
        const kafka = kafkas[index * 2 + second]!
        const { key, versions, flexible } = definition
        assert.deepEqual(
          { name: names[index * 2 + second], key, versions, flexible },
          {
            name: kafka.name,
            key: kafka.apiKey,
            // Whether a version is stable is a matter of the request.
            versions: stableVersions({ ...kafkas[index * 2]!, validVersions: kafka.validVersions }),
            flexible: kafka.flexibleVersions,
          },
        )
        for (const version of eachVersion(versions)) {
          const what = `${kafka.name}, version ${version}`
          assert.deepEqual(ourRows(definition[direction], version), kafkaRows(kafka, version), what)
          if (direction === 'request')
            assert.deepEqual(
              ourLacking(definition.request, version),
              kafkaLacking(kafka, version, versions),
              what,
            )
        }
      }
  })

  it('and its other structures are defined as Apache Kafka defines them', async () => {
    const kafkas = await kafkaDefinitions(structures.map(({ structure }) => structure.name))
    for (const [index, { structure }] of structures.entries()) {
      const kafka = kafkas[index]!
      assert.deepEqual([structure.name, structure.flexible], [kafka.name, kafka.flexibleVersions])
      if (isKey(kafka)) assert(isVersionIn(kafka.apiKey!, structure.versions))
      else assert.equal(structure.versions, stableVersions(kafka))
      for (const version of eachVersion(structure.versions))
        assert.deepEqual(
          ourRows(structure.fields, version).filter(({ tag = 0 }) => tag < ownTagsFrom),
          kafkaRows(kafka, isKey(kafka) ? 0 : version),
          `${kafka.name}, version ${version}`,
        )
    }
  })

  it('are written as Apache Kafka writes them, in every version', async () => {
    const sent = [...randomFrames(), ...randomStructures()]
    const file = join(folder, 'messages')
    writeFileSync(
      file,
      sent.map(({ kind, version, bytes }) => `${kind} ${version} ${bytes.toString('hex')}`).join('\n'),
    )
    const again = (await java('test/peers/java/Messages.java', ['again', file])).trimEnd().split('\n')
    assert.equal(again.length, sent.length)
    for (const [index, { what, bytes }] of sent.entries())
      assert.equal(again[index], bytes.toString('hex'), what)
  })
})
