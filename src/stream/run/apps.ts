/** The apps of a log, for administration: their names, their progress, and how their inputs are moved. */
import { MillraceError } from '../../base/index.ts'
import {
  type GroupDescription,
  type GroupPartition,
  type LogPort,
  type OffsetCommit,
  type ResetTarget,
  resolveTarget,
  withLags,
} from '../../port/index.ts'
import { topicsOfApp } from '../plan/own-topics.ts'
import { hasEnded, hasPlanMark, startMetadata } from '../task/committed-metadata.ts'

/** An app that has committed something. */
export interface AppDescription {
  readonly app: string
  /** Instances that run now; undefined if the log is only read, which does not show it. */
  readonly instances: number | undefined
  /** Whether a run until `'end'` has closed its windows. */
  readonly finished: boolean
  /** The partitions that it reads. */
  readonly inputs: readonly GroupPartition[]
}

/** The apps of a log, by name. */
export async function listApps(port: LogPort): Promise<AppDescription[]> {
  const apps: AppDescription[] = []
  for (const group of await port.listGroups()) {
    const own = new Set(await topicsOfApp(port, group.group))
    if (own.size === 0 && !group.offsets.some(isOfApp)) continue
    apps.push(await describe(port, group, own))
  }
  return apps.toSorted((one, other) => (one.app < other.app ? -1 : 1))
}

/** Whether a group belongs to an app. */
export async function isApp(port: LogPort, group: string): Promise<boolean> {
  if ((await topicsOfApp(port, group)).length > 0) return true
  const found = (await port.listGroups()).find(each => each.group === group)
  return found?.offsets.some(isOfApp) ?? false
}

function isOfApp({ metadata }: OffsetCommit): boolean {
  return hasPlanMark(metadata)
}

async function describe(
  port: LogPort,
  { group, members, offsets }: GroupDescription,
  own: ReadonlySet<string>,
): Promise<AppDescription> {
  const read = offsets.filter(({ topic }) => !own.has(topic))
  return {
    app: group,
    instances: members,
    finished: read.length > 0 && read.every(({ metadata }) => hasEnded(metadata)),
    inputs: await withLags(port, read),
  }
}

/**
 * Moves the inputs of an app, which must not run. Deletes its state, which belongs to the old offsets, its
 * watermarks, and the records between its stages. Its output topics stay.
 *
 * @returns the app with the new offsets of its inputs
 * @throws MillraceError INVALID_ARGUMENT for an app that has committed nothing, GROUP_NOT_EMPTY while it
 *   runs, OFFSET_OUT_OF_RANGE
 */
export async function resetApp(port: LogPort, app: string, to: ResetTarget): Promise<AppDescription> {
  const group = (await port.listGroups()).find(each => each.group === app)
  const own = new Set(await topicsOfApp(port, app))
  if (!group || (own.size === 0 && !group.offsets.some(isOfApp)))
    throw new MillraceError(
      'INVALID_ARGUMENT',
      group && group.offsets.length > 0
        ? `'${app}' is a consumer group, not an app. Move its offsets with 'millrace group reset ${app} --topic <topic> --to <where>'.`
        : `There is no app '${app}' that has run over this log. See 'millrace app list'.`,
    )
  const offsets: OffsetCommit[] = []
  for (const { topic, partition } of group.offsets)
    if (!own.has(topic))
      offsets.push({
        topic,
        partition,
        offset: await resolveTarget(port, topic, partition, to),
        metadata: startMetadata,
      })
  // The offsets come first, without the plan: an app whose reset was interrupted refuses to start, and can be
  // reset again.
  await port.setOffsets(app, offsets)
  for (const topic of own) await port.deleteTopic(topic, { app })
  return describe(port, { group: app, members: 0, offsets }, new Set())
}
