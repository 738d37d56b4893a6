/**
 * Over topics: an instance tells the tasks downstream how far its own are, in the transaction that holds what these sent.
 *
 * It says the least watermark of all its tasks of a stage, in one record to each partition: more would make no difference
 * downstream, where the least of all counts.
 */
import { announceWatermark, exchangeTopic } from './exchange-partition.ts'
import type { InstanceContext } from './instance-context.ts'
import type { Outputs } from './outputs.ts'
import type { Stage } from './plan.ts'
import type { Task } from './task.ts'

export class Announcements {
  readonly #context: InstanceContext
  readonly #outputs: Outputs
  /** What was said last of each stage. */
  readonly #said = new Map<Stage, { readonly tasks: string; readonly watermark: number }>()

  constructor(context: InstanceContext, outputs: Outputs) {
    this.#context = context
    this.#outputs = outputs
  }

  /** Announces what has changed. `timestamp`: wall time in ms, for the records that say so. */
  announce(all: Iterable<Task>, timestamp: number): void {
    const { plan, settings } = this.#context
    if (settings.exchange === 'memory') return
    const ofStages = Map.groupBy(all, ({ stage }) => stage)
    for (const stage of plan.stages) {
      const tasks = ofStages.get(stage)
      if (!tasks) {
        this.#said.delete(stage)
        continue
      }
      const now = {
        tasks: rangesOf(tasks.map(({ partition }) => partition)),
        watermark: tasks.reduce((least, task) => Math.min(least, task.watermark), Number.POSITIVE_INFINITY),
      }
      const said = this.#said.get(stage)
      if (said?.tasks === now.tasks && said.watermark === now.watermark) continue
      this.#said.set(stage, now)
      for (const topic of this.#behind(stage))
        for (let partition = 0; partition < this.#context.topics.partitions(topic); partition += 1)
          announceWatermark(this.#outputs, topic, partition, now.tasks, now.watermark, timestamp)
    }
  }

  /** The topics that the stage sends to. */
  #behind(stage: Stage): string[] {
    const { app, plan } = this.#context
    const edges = plan.stages.flatMap(({ incoming }) => incoming).filter(({ from }) => from === stage)
    return edges.map(({ exchange }) => exchangeTopic(app, exchange))
  }
}

/** `0-7,9` for 9 and 0 to 7. */
function rangesOf(partitions: readonly number[]): string {
  const sorted = partitions.toSorted((a, b) => a - b)
  const ranges: string[] = []
  for (let at = 0; at < sorted.length;) {
    let end = at
    while (sorted[end + 1] === (sorted[end] as number) + 1) end += 1
    ranges.push(end === at ? `${sorted[at]}` : `${sorted[at]}-${sorted[end]}`)
    at = end + 1
  }
  return ranges.join(',')
}
