/** Apps that run: the processor joined to a log. */
import { systemClock } from './base/index.ts'
import { openLog } from './open-log.ts'
import type { Log } from './port/index.ts'
import { App, Instance, Metrics, type Progress, type RunOptions, settingsOf } from './stream/index.ts'

/** How an app is run, and over which log. */
export interface AppRunOptions extends RunOptions {
  /** The log to run over. Default: the one in the folder `data`, opened for this run. */
  readonly log?: Log
  /** The folder of the log, where no log is given. Default `./data`. */
  readonly data?: string
}

/** An app that is running. */
export interface RunningApp {
  /** What has been done so far. */
  progress(): Progress
  /** Commits what is complete, and leaves; resolves when it has. The next run goes on from there. */
  stop(): Promise<Progress>
  /** Takes the input as it stands now for all there is: closes every window, and marks the app finished. */
  finish(): Promise<Progress>
  /** Resolves when the run has ended; rejects with what it failed with. */
  readonly done: Promise<Progress>
}

/** An app, with the means to run it. */
export class RunnableApp extends App {
  /**
   * Runs the app until stopped, or as far as `until` says.
   *
   * @throws MillraceError APP_FINISHED, APP_ALREADY_RUNNING, UNKNOWN_TOPIC, NOT_COPARTITIONED, PARTITION_COUNT_CHANGED, STATE_INCOMPATIBLE; MALFORMED_RECORD and
   * USER_FUNCTION_FAILED under the policy `fail`; and what opening the log throws
   */
  async run(options: AppRunOptions = {}): Promise<Progress> {
    return await this.start(options).done
  }

  /** As {@link run}, with a handle on it at once. */
  start(options: AppRunOptions = {}): RunningApp {
    const settings = settingsOf(options)
    const plan = this.plan()
    let instance: Instance | undefined
    let last: Progress = { records: 0, watermark: Number.NEGATIVE_INFINITY, lag: 0, metrics: new Metrics() }
    let early: 'stop' | 'finish' | undefined
    const run = async (): Promise<Progress> => {
      const log = options.log ?? (await openLog(options.data))
      try {
        instance = new Instance(this.name, plan, log.port, systemClock, settings)
        if (early) instance[early]()
        await instance.run()
      } catch (error) {
        // What goes wrong on the way out is not what went wrong.
        if (!options.log) await log.close().catch(() => {})
        throw error
      }
      if (!options.log) await log.close()
      return instance.progress()
    }
    const done = run()
    // Whoever wants to know awaits `done`; a handle that nobody awaits must not end the process before.
    done.catch(() => {})
    const ask = (what: 'stop' | 'finish'): Promise<Progress> => {
      early = what
      instance?.[what]()
      return done
    }
    return {
      done,
      stop: () => ask('stop'),
      finish: () => ask('finish'),
      progress: () => {
        last = instance?.progress() ?? last
        return last
      },
    }
  }
}

/**
 * An app: a program over topics, under a name that its offsets and state are kept by.
 *
 * @example
 * const app = createApp('airport-delays')
 * app.stream(flights).groupByKey().windowedBy(tumbling('1h')).count().emit('final').to(delaysByHour)
 * await app.run({ until: 'end' })
 */
export function createApp(name: string): RunnableApp {
  return new RunnableApp(name)
}
