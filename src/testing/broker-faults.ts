/**
 * Faults of a test broker: planned failures of requests, in front of the table of handlers. Production has no
 * check for them.
 */
import { checkOptions, inWords, MillraceError, nearestName, systemClock } from '../base/index.ts'
import {
  errorCodes,
  handlerOf,
  type Handler,
  type HandlerOf,
  type KafkaError,
  type RequestContext,
} from '../broker/index.ts'
import { messages, versionsOf, type Definition } from '../wire/index.ts'
import { refusalOf } from './refusal.ts'

/** A request of Kafka's protocol, by its name. */
export type RequestName = Extract<(typeof messages)[keyof typeof messages], Definition>['name']

/** What goes wrong, and how often. */
export interface BrokerFault {
  /**
   * Only requests that name this topic. Of a request that names others as well only this topic fails.
   * Default: all requests of the name.
   */
  readonly topic?: string
  /** So many requests; Infinity: all. Default 1. */
  readonly times?: number
  /**
   * Answers with this error, and does nothing of what is asked: a name of Kafka's, or the number of any other
   * one. Fetch and Metadata are handled first, and the error takes the place of what they found.
   */
  readonly error?: KafkaError | number
  /** Waits before that: real time, also for a broker with a virtual clock. */
  readonly delayMs?: number
  /**
   * Closes the connection in place of an answer. `'before'`, or true: nothing was done. `'after'`: the
   * request took effect, and its answer is lost.
   */
  readonly disconnect?: boolean | 'before' | 'after'
}

/** A planned fault, as its test follows it. */
export interface PlannedFault {
  /** How many requests it has struck. */
  readonly strikes: number
  /** Strikes no more. */
  end(): void
}

type Values = Readonly<Record<string, unknown>>

/** Lists of a request that name topics: their items are texts, or structures that name one. */
const topicLists = ['topicData', 'topics', 'topicNames', 'topicPartitions', 'v3AndBelowTopics'] as const
/** Lists whose items have such lists. */
const outerLists = ['groups', 'markers', 'transactions'] as const
/** What they find is not known before they are handled. */
const areHandledFirst = new Set<string>(['Fetch', 'Metadata'])

export class BrokerFaults {
  readonly #faults = new Set<Fault>()

  /** The table of handlers, with the faults in front of it. */
  readonly handlerOf: HandlerOf = header => {
    const handler = handlerOf(header)
    return handler && { ...handler, handle: (request, context) => this.#handle(handler, request, context) }
  }

  /** @throws MillraceError INVALID_ARGUMENT */
  plan(request: RequestName, fault: BrokerFault): PlannedFault {
    const planned = new Fault(definitionOf(request), fault)
    this.#faults.add(planned)
    return {
      get strikes() {
        return planned.strikes
      },
      end: () => void this.#faults.delete(planned),
    }
  }

  #handle(handler: Handler, request: unknown, context: RequestContext): unknown {
    const { name } = handler.definition
    for (const fault of this.#faults) {
      if (fault.definition.name !== name || fault.strikes >= fault.times) continue
      if (areHandledFirst.has(name) || fault.names(request as Values, context))
        return fault.strike(handler, request as Values, context)
    }
    return handler.handle(request, context)
  }
}

class Fault {
  readonly definition: Definition
  readonly times: number
  strikes = 0
  readonly #fault: BrokerFault
  readonly #code: number | undefined

  constructor(definition: Definition, fault: BrokerFault) {
    check(definition, fault)
    this.definition = definition
    this.times = fault.times ?? 1
    this.#fault = fault
    this.#code = typeof fault.error === 'string' ? errorCodes[fault.error] : fault.error
  }

  /** Whether the request is meant. */
  names(request: Values, context: RequestContext): boolean {
    const { topic } = this.#fault
    return topic === undefined || topicsOf(request).some(item => nameOf(item, context) === topic)
  }

  async strike(handler: Handler, request: Values, context: RequestContext): Promise<unknown> {
    if (areHandledFirst.has(handler.definition.name)) return this.#strikeFound(handler, request, context)
    this.strikes += 1
    await this.#delay(context)
    const code = this.#code
    if (code === undefined) return this.#answer(() => handler.handle(request, context))
    // A producer that waits for no answer learns of an error only so.
    if (request['acks'] === 0) throw disconnected()
    return this.#refuse(handler, request, context, code)
  }

  /** The request is handled, and fails if the answer names the topic. */
  async #strikeFound(handler: Handler, request: Values, context: RequestContext): Promise<unknown> {
    const { topic } = this.#fault
    const isMeant = topic === undefined || this.names(request, context)
    if (isMeant && this.#code === undefined) {
      this.strikes += 1
      await this.#delay(context)
      return this.#answer(() => handler.handle(request, context))
    }
    const answer = (await handler.handle(request, context)) as Values
    const name = handler.definition.name === 'Fetch' ? 'responses' : 'topics'
    const found = answer[name] as readonly Values[]
    const isStruck = (item: Values): boolean => topic === undefined || nameOf(item, context) === topic
    if (!found.some(isStruck) || this.strikes >= this.times) return answer
    this.strikes += 1
    await this.#delay(context)
    const code = this.#code
    if (code === undefined) return this.#answer(() => answer)
    return { ...answer, [name]: found.map(item => (isStruck(item) ? refused(item, code) : item)) }
  }

  /** The other topics of the request are handled. */
  async #refuse(handler: Handler, request: Values, context: RequestContext, code: number): Promise<unknown> {
    const refuse = (meant: Values): Values => refusalOf(handler.definition, context.version, meant, code)
    const { topic } = this.#fault
    const list = topicLists.find(each => (request[each] as unknown[] | undefined)?.length)
    if (topic === undefined || list === undefined) return refuse(request)
    const items = request[list] as readonly unknown[]
    const [meant, others] = [true, false].map(isMeant =>
      items.filter(item => (nameOf(item, context) === topic) === isMeant),
    )
    const refusal = refuse({ ...request, [list]: meant })
    if (others!.length === 0) return refusal
    const answer = (await handler.handle({ ...request, [list]: others }, context)) as Values
    return Object.fromEntries(
      Object.entries(answer).map(([name, value]) => [
        name,
        Array.isArray(value) && Array.isArray(refusal[name])
          ? [...(value as unknown[]), ...(refusal[name] as unknown[])]
          : value,
      ]),
    )
  }

  /** The answer, or none. */
  async #answer(handle: () => unknown): Promise<unknown> {
    const { disconnect } = this.#fault
    if (disconnect === true || disconnect === 'before') throw disconnected()
    const answer = await handle()
    if (disconnect === 'after') throw disconnected()
    return answer
  }

  async #delay({ over }: RequestContext): Promise<void> {
    const { delayMs } = this.#fault
    if (delayMs === undefined) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = systemClock.schedule(delayMs, resolve)
    const withdraw = over.whenOpen(resolve)
    await promise
    timer.cancel()
    withdraw()
    // The client or the broker is gone.
    if (over.isOpen) throw disconnected()
  }
}

/** A topic of an answer that was found, with this error in place of what was found. */
function refused(item: Values, code: number): Values {
  if ('errorCode' in item) return { ...item, errorCode: code, partitions: [] }
  const partitions = item['partitions'] as readonly Values[]
  return {
    ...item,
    partitions: partitions.map(({ partitionIndex }) => ({
      partitionIndex,
      errorCode: code,
      highWatermark: -1,
      abortedTransactions: null,
      // Not null: librdkafka takes that for a broken response.
      records: new Uint8Array(0),
    })),
  }
}

function topicsOf(request: Values): unknown[] {
  const listed = (values: Values, names: readonly string[]): unknown[] =>
    names.flatMap(name => (values[name] as unknown[] | null | undefined) ?? [])
  const outer = listed(request, outerLists).filter((item): item is Values => typeof item === 'object')
  return [...listed(request, topicLists), ...outer.flatMap(item => listed(item, topicLists))]
}

function nameOf(item: unknown, { broker }: RequestContext): string | undefined {
  if (typeof item === 'string') return item
  const { name, topic, topicId } = item as { name?: string | null; topic?: string; topicId?: string }
  return name || topic || (topicId === undefined ? undefined : broker.topicName(topicId))
}

function disconnected(): MillraceError {
  return new MillraceError('CLOSED', 'A planned fault has closed the connection.')
}

function definitionOf(name: string): Definition {
  const offered = messages.messages.filter(({ key, versions }) =>
    handlerOf({ key, version: versionsOf(versions).max }),
  )
  const found = offered.find(each => each.name === name)
  if (found) return found
  const names = offered.map(each => each.name)
  const nearest = typeof name === 'string' ? nearestName(name, names) : undefined
  throw invalid(
    `This broker answers no request ${inWords(name)}. ` +
      (nearest === undefined ? `It answers: ${names.join(', ')}.` : `Did you mean '${nearest}'?`),
  )
}

function check({ name, request }: Definition, fault: BrokerFault): void {
  const what = `broker.fail('${name}')`
  checkOptions(what, fault, {
    topic: 'string',
    times: value => (value === Infinity || isCount(value) ? undefined : 'a whole number from 1, or Infinity'),
    error: expectedError,
    delayMs: 'natural',
    disconnect: value =>
      typeof value === 'boolean' || value === 'before' || value === 'after'
        ? undefined
        : "true, 'before' or 'after'",
  })
  const { topic, error, delayMs, disconnect = false } = fault ?? {}
  if (error !== undefined && disconnect !== false)
    throw invalid(`${what} answers with an error, or disconnects: give one of the two.`)
  if (error === undefined && delayMs === undefined && disconnect === false)
    throw invalid(`${what} needs what goes wrong: error, delayMs or disconnect.`)
  if (topic !== undefined && !namesTopics(request))
    throw invalid(`${what} takes no topic: the request names none.`)
}

function namesTopics(fields: Definition['request']): boolean {
  return fields.some(field => {
    if (!('array' in field)) return false
    if (topicLists.some(name => name === field.name)) return true
    return typeof field.array !== 'string' && namesTopics(field.array)
  })
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0
}

function expectedError(value: unknown): string | undefined {
  if (typeof value === 'number')
    return Number.isInteger(value) && value >= -1 && value < 32_768 && value !== 0
      ? undefined
      : 'the number of an error'
  const names = Object.keys(errorCodes).filter(name => name !== 'NONE')
  if (typeof value === 'string' && names.includes(value)) return undefined
  const nearest = typeof value === 'string' ? nearestName(value, names) : undefined
  return `an error of Kafka's, by its name or number${nearest === undefined ? '' : ` (did you mean '${nearest}'?)`}`
}

function invalid(message: string): MillraceError {
  return new MillraceError('INVALID_ARGUMENT', message)
}
