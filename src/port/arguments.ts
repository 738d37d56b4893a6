/**
 * Checks of the arguments of LogPort and LogAdmin. A program without types gets these messages, instead of a
 * TypeError, or of a call that does something else. Every port makes them before a call has any effect.
 *
 * They check kinds. What a value must be beyond its kind is checked by the part that uses it. All of them
 * throw INVALID_ARGUMENT, which is Kafka's INVALID_REQUEST.
 */
import { checkOption, checkOptions, inWords, MillraceError, type OptionKind } from '../base/index.ts'
import { assignors } from './group/assignors.ts'

const isolations = ['read_committed', 'read_uncommitted']
const ends = ['earliest', 'latest', 'max-timestamp']
const changeOps = ['set', 'append', 'subtract', 'delete']

/** Text, which may be empty. */
const text: OptionKind = value => (typeof value === 'string' ? undefined : 'text')
const number: OptionKind = value => (typeof value === 'number' ? undefined : 'a number')
const wholeNumber: OptionKind = value => (Number.isInteger(value) ? undefined : 'a whole number')

/** The name of a topic, a group or a lock. */
export function checkName(what: string, name: string, value: unknown): void {
  checkOption(what, name, value, text)
}

export function checkPlace(what: string, topic: unknown, partition: unknown): void {
  checkName(what, 'topic', topic)
  checkOption(what, 'partition', partition, wholeNumber)
}

export function checkResource(what: string, resource: unknown): void {
  const { type, name } = fieldsOf(what, 'resource', resource)
  checkOption(what, 'resource.type', type, ['topic', 'broker'])
  if (type === 'topic') checkOption(what, 'resource.name', name, 'string')
}

export function checkConfigNames(what: string, names: unknown): void {
  if (names !== undefined)
    listOf(what, 'names', names).forEach(name => checkOption(what, 'names', name, text))
}

export function checkConfigChanges(what: string, changes: unknown): void {
  for (const [index, change] of listOf(what, 'changes', changes).entries()) {
    const { name, op } = fieldsOf(what, `changes[${index}]`, change)
    checkOption(what, `changes[${index}].name`, name, 'string')
    checkOption(what, `changes[${index}].op`, op, changeOps)
  }
}

export function checkTransactionToAbort(what: string, transaction: unknown): void {
  const fields = fieldsOf(what, 'transaction', transaction)
  if ('transactionalId' in fields) {
    checkOption(what, 'transactionalId', fields.transactionalId, text)
    return
  }
  checkPartition(what, 'transaction', fields)
  checkOption(what, 'producerId', fields.producerId, 'natural')
}

export function checkPartitions(what: string, partitions: unknown): void {
  for (const [index, each] of listOf(what, 'partitions', partitions).entries())
    checkPartition(what, `partitions[${index}]`, fieldsOf(what, `partitions[${index}]`, each))
}

/** Who commits, and that there is a list of offsets: what is in it is checked where it is kept. */
export function checkGroupCommit(what: string, commit: unknown): void {
  const { group, memberId, generation, instanceId, offsets } = fieldsOf(what, 'commit', commit)
  checkOption(what, 'group', group, text)
  if (memberId !== undefined) checkOption(what, 'memberId', memberId, text)
  if (instanceId !== undefined) checkOption(what, 'instanceId', instanceId, text)
  if (generation !== undefined) checkOption(what, 'generation', generation, wholeNumber)
  checkOffsets(what, offsets)
}

export function checkOffsets(what: string, offsets: unknown): void {
  listOf(what, 'offsets', offsets)
}

export function checkGroupOptions(options: unknown): void {
  const what = 'joinGroup'
  const { onAssigned, onRevoked, onLost, topics, assignors: names } = fieldsOf(what, 'options', options)
  checkOptions(what, options, {
    group: text,
    protocol: ['consumer', 'streams'],
    assignors: 'any',
    topics: 'any',
    instanceId: text,
    sessionTimeoutMs: number,
    rebalanceTimeoutMs: number,
    onAssigned: 'function',
    onRevoked: 'function',
    onLost: 'function',
    busy: 'function',
    signal: 'signal',
  })
  for (const [name, hook] of Object.entries({ onAssigned, onRevoked, onLost }))
    checkOption(what, name, hook, 'function')
  for (const set of listOf(what, 'topics', topics))
    for (const topic of listOf(what, 'topics', set)) checkOption(what, 'topics', topic, text)
  if (names !== undefined)
    for (const name of listOf(what, 'assignors', names))
      checkOption(what, 'assignors', name, Object.keys(assignors))
}

/** Where a reader begins. */
export function checkPositions(positions: unknown): void {
  const what = 'assign'
  for (const [index, each] of listOf(what, 'positions', positions).entries()) {
    const fields = fieldsOf(what, `positions[${index}]`, each)
    checkName(what, `positions[${index}].topic`, fields.topic)
    checkOption(what, `positions[${index}].partition`, fields.partition, wholeNumber)
    checkOption(what, `positions[${index}].offset`, fields.offset, wholeNumber)
  }
}

/** What is appended can be built: see `BatchToAppend`. */
export function checkBatch(batch: unknown): void {
  const { count, build } = fieldsOf('append', 'batch', batch)
  checkOption('append', 'batch.count', count, 'count')
  checkOption('append', 'batch.build', build, 'function')
}

export function checkOffsetSpec(what: string, at: unknown, isolation: unknown): void {
  checkOption(what, 'isolation', isolation, isolations)
  if (typeof at === 'object' && at !== null && 'timestamp' in at)
    checkOption(what, 'timestamp', at.timestamp, value =>
      Number.isSafeInteger(value) ? undefined : 'a whole number of milliseconds since the epoch',
    )
  else
    checkOption(what, 'at', at, value =>
      ends.includes(value as string) ? undefined : `${ends.map(inWords).join(', ')} or { timestamp }`,
    )
}

export function checkReaderOptions(options: unknown): void {
  checkOptions('openReader', options, { isolation: isolations, fetchBytes: 'count', bufferBytes: 'count' })
}

export function checkWriterOptions(options: unknown): void {
  checkOptions('openWriter', options, {
    transactionalId: text,
    transactionTimeoutMs: 'count',
    app: 'string',
  })
}

export function checkListing(options: unknown): void {
  checkOptions('listTopics', options, { internal: 'boolean' })
}

export function checkDeletion(topic: unknown, options: unknown): void {
  checkName('deleteTopic', 'name', topic)
  checkOptions('deleteTopic', options, { app: 'string' })
}

export function checkLock(name: unknown, holder: unknown): void {
  checkName('lock', 'name', name)
  checkName('lock', 'holder', holder)
}

export function checkNewTopic(name: unknown, config: unknown): void {
  const what = `the new topic ${inWords(name)}`
  checkName('createTopic', 'name', name)
  checkOption(what, 'config', config, 'object')
  checkOptions(what, config, { partitions: 'any', configs: 'object', app: 'string' })
}

function checkPartition(what: string, name: string, fields: Fields): void {
  checkOption(what, `${name}.topic`, fields.topic, text)
  checkOption(what, `${name}.partition`, fields.partition, 'natural')
}

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(what: string, name: string, value: unknown): Fields {
  checkOption(what, name, value, 'object')
  return value as Fields
}

function listOf(what: string, name: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new MillraceError(
    'INVALID_ARGUMENT',
    `Option '${name}' of ${what} must be an array, got ${inWords(value)}.`,
  )
}
