/**
 * Delivers a topic to a sink, exactly once.
 *
 * Delivery continues at the offsets in the **target**, which move in the transaction of the rows (see
 * sink.ts). Records are read committed, decoded a batch at a time, and gathered into transactions that are
 * bounded in rows, bytes and time.
 *
 * One transaction is in flight in the target while the next one is read and decoded, so at most two are held.
 */
import { checkOptions, Outcome } from '../base/index.ts'
import { checkConnector, checkLog } from './checks.ts'
import { type Log, type LogPort, portOf } from '../port/index.ts'
import { checkPolicy, checkTopic } from '../schema/index.ts'
import { deliverOptionKinds, type DeliverOptions } from './deliver-options.ts'
import { DeliveryRun, type DeliveryProgress } from './delivery-run.ts'
import type { DeliverStats } from './sink-loader.ts'
import type { Sink, SinkTopic } from './sink.ts'

/** A running delivery. Closing the log stops it as {@link Delivery.stop} does. */
export interface Delivery {
  /**
   * Settles when the delivery has ended; rejects with the error of a failed one. A failure ends the process
   * as every unhandled rejection does, unless the program took `done`, `stop()` or `finish()` before.
   */
  readonly done: Promise<DeliverStats>
  /** The counts so far, and the state of the delivery. */
  progress(): DeliveryProgress
  /** Delivers all records up to the present end, then leaves. */
  finish(): Promise<DeliverStats>
  /** Commits the records that were read, then leaves. */
  stop(): Promise<DeliverStats>
}

/**
 * Starts to deliver a topic to a sink.
 *
 * The app that writes the topic may start before or after. A topic that declares its partition count is
 * created; the delivery waits for any other, up to 10 s. With `until: 'end'` the topic must exist.
 *
 * @example
 * const delivery = deliver(log, delaysByHour, duckdb('warehouse.duckdb', { table: 'delays_by_hour' }))
 * await app.run({ until: 'end' })
 * await delivery.finish()
 * @throws MillraceError through `done`: MALFORMED_RECORD and SINK_REFUSED under `fail`, the errors of the
 *   sink's `open`, SINK_FENCED, UNKNOWN_TOPIC, OFFSET_OUT_OF_RANGE
 */
export function deliver<K, V>(
  log: Log | LogPort,
  topic: SinkTopic<K, V>,
  sink: Sink<NoInfer<K>, NoInfer<V>>,
  options: DeliverOptions = {},
): Delivery {
  checkLog('deliver', log)
  checkTopic('deliver', topic)
  checkConnector('deliver', 'sink', sink)
  checkOptions(`the delivery of '${topic.name}' to '${sink.name}'`, options, deliverOptionKinds)
  if (options.onError !== undefined) checkPolicy(options.onError, 'the delivery')
  const run = new DeliveryRun(portOf(log), topic, sink, options)
  const work = async (): Promise<DeliverStats> => {
    if (!('port' in log)) return await run.run()
    const release = log.onClose(() => {
      run.stop()
      return outcome.ended
    })
    try {
      return await run.run()
    } finally {
      release()
    }
  }
  const outcome = new Outcome(work)
  return {
    get done() {
      return outcome.take()
    },
    progress: () => run.progress(),
    finish() {
      return run.finish(outcome.take())
    },
    stop() {
      run.stop()
      return outcome.take()
    },
  }
}
