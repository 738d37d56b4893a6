/** Over topics: each task tells those downstream how far it is, in the transaction that holds what it sent them. */
import { announceWatermark, exchangeTopic } from './exchange-partition.ts'
import type { InstanceContext } from './instance-context.ts'
import type { Outputs } from './outputs.ts'
import type { Task } from './task.ts'

export class Announcements {
  readonly #context: InstanceContext
  readonly #outputs: Outputs
  /** What each task has said last. */
  readonly #said = new WeakMap<Task, number>()

  constructor(context: InstanceContext, outputs: Outputs) {
    this.#context = context
    this.#outputs = outputs
  }

  /** Announces the watermarks that have changed. `timestamp`: wall time in ms, for the records that say so. */
  announce(tasks: Iterable<Task>, timestamp: number): void {
    const { app, plan, settings, topics } = this.#context
    if (settings.exchange === 'memory') return
    for (const task of tasks) {
      if (this.#said.get(task) === task.watermark) continue
      this.#said.set(task, task.watermark)
      for (const stage of plan.stages)
        for (const { exchange, from } of stage.incoming) {
          if (from !== task.stage) continue
          const topic = exchangeTopic(app, exchange)
          for (let partition = 0; partition < topics.partitions(topic); partition += 1)
            announceWatermark(this.#outputs, topic, partition, task, timestamp)
        }
    }
  }
}
