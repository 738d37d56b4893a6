/**
 * The answer that refuses a request, whichever it is: the response of its definition, filled from the
 * request. Topics, partitions, groups and ids are those that the request names, and the error code is the
 * given one.
 *
 * The code is on the outermost level that has one, as Apache Kafka answers what it refuses as a whole.
 */
import { isVersionIn, type Definition } from '../wire/index.ts'

type Field = Definition['response'][number]
type Values = Readonly<Record<string, unknown>>

/** Of a list of a response: the lists of its request with the same things. */
const askedBy: Readonly<Record<string, readonly string[]>> = {
  coordinators: ['coordinatorKeys'],
  groups: ['groups'],
  markers: ['markers'],
  members: ['members'],
  partitionResponses: ['partitionData'],
  partitionResult: ['partitions'],
  partitions: ['partitions', 'partitionIndexes'],
  replicaElectionResults: ['topicPartitions'],
  responses: ['topicData', 'topics', 'topicNames', 'resources'],
  results: ['topics', 'groupsNames', 'resources'],
  resultsByPartition: ['partitions'],
  resultsByTopicV3AndBelow: ['v3AndBelowTopics'],
  resultsByTransaction: ['transactions'],
  topicResults: ['topics'],
  topics: ['topics'],
  transactionStates: ['transactionalIds'],
}

/** What the items of a list are known by, in a response as in its request. */
const named = new Set(
  (
    'name topic topicId index partition partitionIndex key groupId memberId groupInstanceId ' +
    'transactionalId producerId resourceType resourceName'
  ).split(' '),
)
/** What the request calls a field of the response, where it has another name. */
const saidBy: Readonly<Record<string, string>> = { partitionIndex: 'partition' }
/** What an item of a list of texts or numbers is called in the response. */
const namesOfItems = new Set(['name', 'key', 'groupId', 'transactionalId', 'partitionIndex', 'partitionId'])
/** -1 says that these are not known. */
const unknown = new Set([
  'baseOffset',
  'committedOffset',
  'highWatermark',
  'lowWatermark',
  'nodeId',
  'offset',
])

const errorFields = new Set(['errorCode', 'partitionErrorCode'])
/** In these a code of the whole response means something else: it is about the session, or the cluster. */
const refusesByTopic = new Set(['Fetch', 'Metadata'])

/** Refuses the whole request, of this version. */
export function refusalOf(
  { name, response }: Definition,
  version: number,
  request: Values,
  code: number,
): Values {
  const inVersion = response.filter(({ versions = '0+' }) => isVersionIn(version, versions))
  const fields = refusesByTopic.has(name)
    ? inVersion.filter(field => !errorFields.has(field.name))
    : inVersion
  return filled(fields, request, code)
}

/** `item`: of a list of the request, or the request itself. `code` 0: a level above has it. */
function filled(fields: readonly Field[], item: unknown, code: number): Values {
  const isPlain = typeof item !== 'object' || item === null
  const asked = (isPlain ? {} : item) as Values
  const inner = fields.some(({ name }) => errorFields.has(name)) ? 0 : code
  const values: Record<string, unknown> = {}
  // What is left out is encoded as its default.
  for (const field of fields) {
    const { name } = field
    if (errorFields.has(name)) values[name] = code
    else if (unknown.has(name)) values[name] = -1
    else if ('array' in field) values[name] = filledList(field, asked, inner)
    else if (isPlain && namesOfItems.has(name)) values[name] = item
    else if ('type' in field && named.has(name)) values[name] = asked[name] ?? asked[saidBy[name] ?? '']
  }
  return values
}

function filledList(field: Field & { readonly array: unknown }, asked: Values, code: number): unknown[] {
  const { array } = field
  if (code === 0 || !Array.isArray(array)) return []
  const lists = (askedBy[field.name] ?? []).map(name => asked[name])
  const items = lists.find((list): list is unknown[] => Array.isArray(list) && list.length > 0) ?? []
  return items.map(item => filled(array as readonly Field[], item, code))
}
