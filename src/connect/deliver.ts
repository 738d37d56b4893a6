/**
 * Delivers a topic to a sink, exactly once.
 *
 * Delivery goes on where the **target** stands: its offsets move in the transaction that holds the rows (see
 * sink.ts). Records are read committed, decoded a batch at a time, and gathered into transactions that are
 * bounded in rows, bytes and time.
 *
 * One transaction is under way in the target while the next one is read and decoded, so at most two are held.
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
   * Settles when the delivery has ended; rejects with what it failed on. A failure ends the process as every
   * unhandled rejection does, unless `done`, `stop()` or `finish()` was taken before.
   */
  readonly done: Promise<DeliverStats>
  /** What has been delivered so far, and in which state the delivery is. */
  progress(): DeliveryProgress
  /** Delivers everything up to the end as it is now, then leaves. */
  finish(): Promise<DeliverStats>
  /** Commits what has been read, then leaves. */
  stop(): Promise<DeliverStats>
}

/**
 * Starts to deliver a topic to a sink.
 *
 * The app that writes the topic may be started before or after: a topic that declares its partition count is
 * created, any other is waited for, up to 10 s. Only with `until: 'end'` it has to be there.
 *
 * @example
 * const delivery = deliver(log, delaysByHour, duckdb('warehouse.duckdb', { table: 'delays_by_hour' }))
 * await app.run({ until: 'end' })
 * await delivery.finish()
 * @throws MillraceError through `done`: MALFORMED_RECORD and SINK_REFUSED under `fail`, what opening the sink
 *   throws, SINK_FENCED, UNKNOWN_TOPIC, OFFSET_OUT_OF_RANGE
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
