/** Retry as a decorator: neither the sink inside nor its user knows of it. */
import {
  checkOptions,
  durationMs,
  isMillraceError,
  MillraceError,
  systemRandom,
  type Duration,
  type Random,
} from '../base/index.ts'
import { checkConnector } from './checks.ts'
import type { Sink, SinkContext, SinkWriter } from './sink.ts'

/** Outlasts an hour of maintenance at the target, with any jitter. */
const attemptsDefault = 250
const backoffDefault = '100ms'
const backoffMaxDefault = '30s'

/** How often a call is repeated, and after how long. */
export interface RetryOptions {
  /** Tries of one call, the first included. Default 250, which takes one to two hours. */
  readonly attempts?: number
  /** The wait after the first failure; it doubles with each one. Default 100 ms. */
  readonly backoff?: Duration
  /** The longest wait. Default 30 s. */
  readonly backoffMax?: Duration
  /**
   * The source of jitter: each wait is between half of it and all of it, so that many sinks do not retry at
   * once.
   */
  readonly random?: Random
}

const optionKinds = {
  attempts: 'count',
  backoff: 'duration',
  backoffMax: 'duration',
  random: 'object',
} as const

/**
 * A sink that repeats a call after a `retriable` error. Writing again is safe, since a sink's `write` is
 * idempotent (see sink.ts). Other errors pass through. After too many tries the last error is thrown, with
 * its code, and the number of tries in its message.
 *
 * @example deliver(log, topic, retrying(duckdb('warehouse.duckdb', { table: 'delays' })))
 */
export function retrying<K, V>(sink: Sink<K, V>, options: RetryOptions = {}): Sink<K, V> {
  checkConnector('retrying', 'sink', sink)
  checkOptions(`retrying of '${sink.name}'`, options, optionKinds)
  const { attempts = attemptsDefault, random = systemRandom } = options
  const firstMs = durationMs(options.backoff ?? backoffDefault)
  const longestMs = durationMs(options.backoffMax ?? backoffMaxDefault)

  const again = async <T>(context: SinkContext<K, V>, call: () => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await call()
      } catch (error) {
        if (!isMillraceError(error) || !error.retriable || context.signal.aborted) throw error
        if (attempt >= attempts) throw gaveUp(sink.name, attempts, error)
        const delayMs = Math.min(longestMs, firstMs * 2 ** (attempt - 1)) * (0.5 + random.next() / 2)
        context.observer.onRetry?.({ attempt, delayMs, error })
        // A stop ends the wait: the last error is the reason.
        await context.clock.sleep(delayMs, context.signal).catch(() => {
          throw error
        })
      }
    }
  }

  return {
    name: sink.name,
    async open(context) {
      const writer = await again(context, () => sink.open(context))
      const retried: SinkWriter<K, V> = {
        committed: () => again(context, () => writer.committed()),
        write: (rows, to) => again(context, () => writer.write(rows, to)),
        close: () => writer.close(),
      }
      return retried
    },
  }
}

function gaveUp(sink: string, attempts: number, error: MillraceError): MillraceError {
  return new MillraceError(
    error.code,
    `${error.message} '${sink}' was tried ${attempts} times. Start again later, or raise the option 'attempts' of retrying.`,
    { cause: error, retriable: true },
  )
}
