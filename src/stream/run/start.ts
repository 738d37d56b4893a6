/**
 * The start of a run, before it joins its group. It checks whether the app may run over this log, and what it
 * continues from. It takes the lock, the writer and the reader that the run holds. If a later step fails,
 * everything that the earlier ones took is released.
 */
import { isMillraceError } from '../../base/index.ts'
import type { Reader, Writer } from '../../port/index.ts'
import type { UnsavedPlan } from '../plan/saved-plan.ts'
import { unusedNotice, unusedResults } from '../plan/unused-results.ts'
import type { BoundedRun } from './bounded-run.ts'
import type { InstanceContext } from './instance-context.ts'
import { PreviousRun, unclaimedNotice } from './previous-run.ts'
import { allInputs, forgetRuns, refuseFinished, refuseUnreadExchanges } from './restart.ts'

/** Everything that a started run needs. */
export interface Started {
  readonly previous: PreviousRun
  /** The plan, if the last commit was made under another one. */
  readonly unsaved: UnsavedPlan | undefined
  /** Keeps other instances out; undefined if instances share the work. */
  readonly lock: { release(): Promise<void> } | undefined
  readonly writer: Writer
  readonly reader: Reader
}

/** `bounds` are asked when topics are looked up: a run may be told to finish while it starts. */
export async function startRun(context: InstanceContext, bounds: BoundedRun): Promise<Started> {
  const { app, port, settings } = context
  const lock =
    settings.exchange === 'memory'
      ? await port.lock(
          `app ${app}`,
          `instance '${settings.instance}' of app '${app}', which exchanges in memory`,
        )
      : undefined
  try {
    const continued = await prepare(context, bounds)
    const transactional = { transactionalId: `${app}-${settings.instance}` }
    const writer = await port.openWriter(settings.exactlyOnce ? { ...transactional, app } : { app })
    try {
      return { ...continued, lock, writer, reader: await port.openReader({ isolation: 'read_committed' }) }
    } catch (error) {
      await quietly(writer.close())
      throw error
    }
  } catch (error) {
    await quietly(lock?.release())
    throw error
  }
}

async function prepare(
  context: InstanceContext,
  bounds: BoundedRun,
): Promise<Pick<Started, 'previous' | 'unsaved'>> {
  const { app, plan, settings, topics } = context
  await topics.lookUp(plan, bounds.isBounded, settings.onNotice)
  if (settings.restart) await forgetRuns(context)
  const previous = await PreviousRun.of(context, allInputs(context))
  const unused = unusedResults(plan)
  if (unused.length > 0) settings.onNotice(unusedNotice(app, unused))
  if (previous.unclaimed.length > 0) settings.onNotice(unclaimedNotice(app, previous.unclaimed))
  await topics.create(plan, operator => previous.changelogsOf(operator), previous.mayHaveUncounted)
  const unsaved = await previous.toSave()
  await refuseFinished(context)
  if (settings.exchange === 'memory') await refuseUnreadExchanges(context)
  await topics.prepareDeadLetters(plan, settings.onError)
  return { previous, unsaved }
}

/** Waits until something has ended, after a failure. Ignores its error, which is not what went wrong. */
export async function quietly(ending: Promise<void> | undefined): Promise<void> {
  try {
    await ending
  } catch (error) {
    if (!isMillraceError(error) && !(error instanceof Error)) throw error
  }
}
