/** Apps that run: the processor joined to a log. */
import { MillraceError, Outcome, systemClock } from './base/index.ts'
import { openLog, pathOf } from './open-log.ts'
import type { Log } from './port/index.ts'
import { App, Instance, notBegun, type Progress, type RunOptions, settingsOf } from './stream/index.ts'

/** How an app is run, and over which log. */
export interface AppRunOptions extends RunOptions {
  /** The log to run over. Default: the one in the folder `data`, opened for this run. */
  readonly log?: Log
  /** The folder of the log, as a path or a file URL, if no log is given. Default `./data`. */
  readonly data?: string | URL
}

/** An app that is running. */
export interface RunningApp {
  /** The counts so far, and the state of the run. */
  progress(): Progress
  /**
   * Commits the work that is complete, leaves, and resolves after that. The next run continues from there.
   * Rejects as {@link done} does.
   */
  stop(): Promise<Progress>
  /**
   * Treats the current end of the input as the end of time: closes every window, and marks the app finished.
   * Rejects as {@link done} does. A run that is stopped before that end is not finished: its state is
   * `stopped`.
   */
  finish(): Promise<Progress>
  /**
   * Resolves when the run has ended; rejects with the error of a failed run. A failure ends the process as
   * every unhandled rejection does, unless the program took `done`, `stop()` or `finish()` before.
   */
  readonly done: Promise<Progress>
}

/** Warns the person at the terminal. A program that needs the notice passes `onNotice`. */
function warn(message: string): void {
  process.emitWarning(message, { type: 'MillraceWarning' })
}

/** An app, with the means to run it. */
export class RunnableApp extends App {
  /**
   * Runs the app until stopped, or as far as `until` says. Closing the log stops it as well.
   *
   * @throws MillraceError APP_FINISHED, APP_ALREADY_RUNNING, UNKNOWN_TOPIC, NOT_COPARTITIONED,
   *   PARTITION_COUNT_CHANGED, STATE_INCOMPATIBLE; MALFORMED_RECORD and USER_FUNCTION_FAILED under the policy
   *   `fail`; and the errors of openLog
   */
  async run(options: AppRunOptions = {}): Promise<Progress> {
    return await this.start(options).done
  }

  /**
   * As {@link run}, but returns a handle on the run at once.
   *
   * @throws MillraceError INVALID_ARGUMENT, INVALID_DURATION for an invalid option; later errors reject
   *   `done`
   */
  start(options: AppRunOptions = {}): RunningApp {
    if (isLog(options))
      throw new MillraceError('INVALID_ARGUMENT', 'The log is an option of a run: write app.run({ log }).')
    const settings = {
      ...settingsOf(options, {
        log: value => (isLog(value) ? undefined : 'a log, as openLog gives one'),
        data: 'any',
      }),
      onNotice: options.onNotice ?? warn,
    }
    if (options.data !== undefined) {
      pathOf(options.data)
      if (options.log) throw logAndFolder()
    }
    const plan = this.plan()
    let instance: Instance | undefined
    let failure: unknown
    let early: 'stop' | 'finish' | undefined
    const ask = (what: 'stop' | 'finish'): void => {
      if (early !== 'stop') early = what
      instance?.[what]()
    }
    const runOver = async (log: Log): Promise<Progress> => {
      const release = log.onClose(() => {
        ask('stop')
        return outcome.ended
      })
      try {
        instance = new Instance(this.name, plan, log.port, systemClock, settings)
        if (early) instance[early]()
        await instance.run()
        return instance.progress()
      } finally {
        release()
      }
    }
    const run = async (): Promise<Progress> => {
      const log = options.log ?? (await openLog(options.data))
      if (options.log) return await runOver(log)
      let progress: Progress
      try {
        progress = await runOver(log)
      } catch (error) {
        // The first error is thrown, not a later one of closing the log.
        await log.close().catch(() => {})
        throw error
      }
      await log.close()
      return progress
    }
    const outcome = new Outcome(async () => {
      try {
        return await run()
      } catch (error) {
        failure = error
        throw error
      }
    })
    return {
      get done() {
        return outcome.take()
      },
      stop() {
        ask('stop')
        return outcome.take()
      },
      finish() {
        ask('finish')
        return outcome.take()
      },
      progress() {
        const progress = instance?.progress() ?? notBegun()
        return failure === undefined ? progress : { ...progress, state: 'failed', error: failure }
      },
    }
  }
}

/**
 * An app: a program over topics. Its offsets and state are kept under its name.
 *
 * @example
 * const app = createApp('airport-delays')
 * app.stream(flights).groupByKey().windowedBy(tumbling('1h')).count().emit('final').to(delaysByHour)
 * await app.run({ until: 'end' })
 */
export function createApp(name: string): RunnableApp {
  return new RunnableApp(name)
}

function isLog(value: unknown): value is Log {
  return typeof value === 'object' && value !== null && 'port' in value && 'onClose' in value
}

function logAndFolder(): MillraceError {
  return new MillraceError('INVALID_ARGUMENT', 'The run has both the options log and data. Pass one of them.')
}
