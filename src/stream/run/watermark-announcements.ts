/**
 * Over topics, an instance tells the tasks downstream how far its own tasks are, in the transaction that
 * holds the records of these tasks.
 *
 * It announces the least watermark of all its tasks of a stage, in one record to each partition. More would
 * make no difference: downstream, only the least of all counts.
 *
 * The end of time is announced once the inputs of these tasks are over: it says, too, that no record comes
 * any more. Tasks that have tables alone are at the end of time from the beginning. Until their tables are
 * over they announce {@link timeless} instead.
 *
 * At least once there is no transaction, and after a crash uncommitted records are sent again. So an instance
 * announces only what the last commit holds. Records that come again are then never late by a watermark that
 * downstream knows. Otherwise a window that has fired would fire again with a part of its records.
 */
import { announceWatermark, taskRanges } from '../task/exchange-record.ts'
import { exchangeTopic } from '../plan/own-topics.ts'
import type { InstanceContext } from './instance-context.ts'
import type { Outputs } from '../task/outputs.ts'
import type { Stage } from '../plan/plan.ts'
import type { Task } from '../task/task.ts'
import { timeless } from '../task/upstream-watermarks.ts'

interface Announcement {
  readonly tasks: string
  readonly watermark: number
}

export class WatermarkAnnouncements {
  readonly #context: InstanceContext
  readonly #outputs: Outputs
  /** The last announcement of each stage. */
  readonly #said = new Map<Stage, Announcement>()
  /** What the commit in progress holds, and what the last commit holds. */
  #now: ReadonlyMap<Stage, Announcement> = new Map()
  #committed: ReadonlyMap<Stage, Announcement> = new Map()

  constructor(context: InstanceContext, outputs: Outputs) {
    this.#context = context
    this.#outputs = outputs
  }

  /** Announces what has changed. `timestamp`: wall time in ms, for the records of the announcements. */
  announce(all: Iterable<Task>, timestamp: number): void {
    const { plan, settings } = this.#context
    if (settings.exchange === 'memory') return
    const ofStages = Map.groupBy(all, ({ stage }) => stage)
    this.#now = new Map(Array.from(ofStages, ([stage, tasks]) => [stage, announcementOf(tasks)]))
    const sayable = settings.exactlyOnce ? this.#now : this.#committed
    for (const stage of plan.stages) {
      const say = sayable.get(stage)
      if (!say) this.#said.delete(stage)
      else if (!isSame(say, this.#said.get(stage))) {
        this.#said.set(stage, say)
        for (const topic of this.#behind(stage))
          for (let partition = 0; partition < this.#context.topics.partitions(topic); partition += 1)
            announceWatermark(this.#outputs, topic, partition, say.tasks, say.watermark, timestamp)
      }
    }
  }

  /** The commit has been made. */
  committed(): void {
    this.#committed = this.#now
  }

  /** Whether the last commit holds something that the next one must announce. */
  get isBehind(): boolean {
    if (this.#context.settings.exactlyOnce) return false
    for (const [stage, announcement] of this.#committed)
      if (this.#behind(stage).length > 0 && !isSame(announcement, this.#said.get(stage))) return true
    return false
  }

  /** The topics that the stage sends to. */
  #behind(stage: Stage): string[] {
    const { app, plan } = this.#context
    const edges = plan.stages.flatMap(({ incoming }) => incoming).filter(({ from }) => from === stage)
    return edges.map(({ exchange }) => exchangeTopic(app, exchange))
  }
}

function announcementOf(tasks: readonly Task[]): Announcement {
  return {
    tasks: taskRanges(tasks.map(({ partition }) => partition)),
    watermark: tasks.reduce((least, { time }) => Math.min(least, announced(time)), Number.POSITIVE_INFINITY),
  }
}

/** The end of time also says that no record comes any more. */
function announced({ watermark, isOver }: Task['time']): number {
  return isOver ? watermark : Math.min(watermark, timeless)
}

function isSame(one: Announcement, other: Announcement | undefined): boolean {
  return one.tasks === other?.tasks && one.watermark === other.watermark
}
