/**
 * DescribeConfigs (32), versions 1-4: the configs of topics and of the broker, each with the sources of its
 * value. A broker without a name is all brokers: what was altered for them. Loggers, groups and client
 * metrics have no configs here.
 *
 * Deviations: altered configs of the broker hold for it and for all brokers, whichever was named to alter
 * them. A resource that is named twice is answered once, as it was named last: an answer is a thousand times
 * as large as the name.
 */
import type { ConfigDescription } from '../../port/index.ts'
import { messages, type Request, type ResponseInput } from '../../wire/index.ts'
import { configTypes, sourceOf, sources } from './config-answers.ts'
import { isRefusal, resourceKey, resourceOf, resourceTypes } from './config-resources.ts'
import { codeOf, errorCodes, messageOf } from './error-codes.ts'
import { handler, type Handler, type RequestContext } from './handler.ts'
import { inTurns } from './in-turns.ts'

type Message = typeof messages.describeConfigs
type Asked = Request<Message>['resources'][number]
type Answer = ResponseInput<Message>['results'][number]

export const describeConfigs: Handler = handler(messages.describeConfigs, async (request, context) => {
  const named = new Map(request.resources.map(each => [resourceKey(each), each]))
  return {
    throttleTimeMs: 0,
    results: await inTurns(named.values(), context, each => described(each, request, context)),
  }
})

async function described(asked: Asked, request: Request<Message>, context: RequestContext): Promise<Answer> {
  const { resourceType, resourceName, configurationKeys } = asked
  const answer = {
    resourceType,
    resourceName,
    errorCode: errorCodes.NONE as number,
    errorMessage: null,
    configs: [],
  }
  const resource = resourceOf(asked, context.nodeId)
  if (resource === 'without') return answer
  if (isRefusal(resource)) return { ...answer, errorCode: errorCodes[resource[0]], errorMessage: resource[1] }
  const names = configurationKeys?.length ? configurationKeys : undefined
  try {
    const found = await context.broker.admin.describeConfigs(resource, names)
    const isAllBrokers = resourceType === resourceTypes.broker && resourceName === ''
    const told = isAllBrokers ? found.filter(({ source }) => source === 'broker') : found
    const isThisBroker = resource.type === 'broker' && !isAllBrokers
    return { ...answer, configs: told.map(each => configOf(each, isThisBroker, request)) }
  } catch (error) {
    return { ...answer, errorCode: codeOf(error), errorMessage: messageOf(error) }
  }
}

function configOf(
  { name, value, source, synonyms, type, readOnly, documentation }: ConfigDescription,
  isThisBroker: boolean,
  { includeSynonyms, includeDocumentation }: Request<Message>,
): Answer['configs'][number] {
  const codeOfSource = isThisBroker ? (of: typeof source) => sources[of] : sourceOf
  return {
    name,
    value,
    readOnly,
    configSource: codeOfSource(source),
    isSensitive: false,
    synonyms: includeSynonyms
      ? synonyms.map(each => ({ name: each.name, value: each.value, source: codeOfSource(each.source) }))
      : [],
    configType: configTypes[type],
    documentation: includeDocumentation ? documentation : null,
  }
}
