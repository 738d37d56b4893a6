/**
 * What earlier runs of an app have left: whether the app has finished, and which records are between its
 * stages. Also forgets all of it.
 */
import { MillraceError } from '../../base/index.ts'
import {
  batchesUpTo,
  createIfMissing,
  type LogPort,
  type OffsetCommit,
  type TopicConfig,
  type TopicPartition,
} from '../../port/index.ts'
import type { InstanceContext } from './instance-context.ts'
import { isTimeless } from '../plan/plan.ts'
import { planTopic, topicsOfApp, exchangeTopic } from '../plan/own-topics.ts'
import { hasEnded, hasUnfired, startMetadata } from '../task/committed-metadata.ts'

/**
 * Refuses to run an app that has finished: it has closed its windows, behind every exchange, too. An app that
 * a crash kept from finishing may continue to finish, and do nothing else.
 */
export async function refuseFinished(context: InstanceContext): Promise<void> {
  const { app, plan, port, settings } = context
  const inputs = allInputs(context)
  const committed = await port.committedOffsets(app, inputs)
  const over = inputs.map((_, n) => hasEnded(committed[n]?.metadata))
  const unfired = committed.some(each => hasUnfired(each?.metadata))
  if (over.length > 0 && over.every(Boolean) && !unfired)
    throw new MillraceError(
      'APP_FINISHED',
      `The app '${app}' has finished: a run until 'end' closed all of its windows. Run it under another name, or start from scratch with { restart: true }.`,
    )
  // In commits of 0.1.0 tables without event time were at its end from the beginning.
  const timeless = plan.stages
    .flatMap(({ incoming }) => incoming)
    .filter(({ from }) => isTimeless(from))
    .map(({ exchange }) => exchangeTopic(app, exchange))
  if (inputs.some(({ topic }, n) => over[n] && !timeless.includes(topic)) && settings.until !== 'end')
    throw new MillraceError(
      'APP_FINISHED',
      `The app '${app}' was interrupted while it finished: some of its input has been taken for all there is. Let it finish with { until: 'end' }, or start from scratch with { restart: true }.`,
    )
}

/**
 * Refuses to exchange in memory while records of an earlier run are in the topics between the stages. Their
 * sources are committed, so these records would never be processed. Watermarks and markers in these topics do
 * not count: they have no use any more.
 *
 * @throws MillraceError STATE_INCOMPATIBLE
 */
export async function refuseUnreadExchanges(context: InstanceContext): Promise<void> {
  const { app, plan, port } = context
  for (const { incoming } of plan.stages)
    for (const { exchange } of incoming) {
      const topic = exchangeTopic(app, exchange)
      const { partitions = 0 } = (await port.describeTopic(topic)) ?? {}
      for (let partition = 0; partition < partitions; partition += 1)
        if (await hasUnreadRecords(context, topic, partition))
          throw new MillraceError(
            'STATE_INCOMPATIBLE',
            `The app '${app}' has run with { exchange: 'topic' }, and left records in '${topic}', partition ${partition}, that would be lost in memory. ` +
              "Run it once more with { exchange: 'topic', until: 'now' }, which processes them, or start from scratch with { restart: true }.",
          )
    }
}

/** Whether a topic between two stages holds records that were not processed. */
export async function hasUnreadRecords(
  { app, port }: InstanceContext,
  topic: string,
  partition: number,
): Promise<boolean> {
  const [committed] = await port.committedOffsets(app, [{ topic, partition }])
  const offset = committed?.offset ?? (await port.offsets(topic, partition, 'earliest'))
  const end = await port.offsets(topic, partition, 'latest', 'read_committed')
  for await (const { batch, firstOffset } of batchesUpTo(port, { topic, partition, offset }, { end }))
    for (const cursor = batch.records(); cursor.next();)
      if (cursor.offset >= firstOffset && cursor.valueStart >= 0) return true
  return false
}

/** Forgets offsets, state, and the records between the stages. Records in the output topics stay. */
export async function forgetRuns(context: InstanceContext): Promise<void> {
  const { app, plan, port } = context
  const group = (await port.listGroups()).find(each => each.group === app)
  if (group?.members)
    throw new MillraceError(
      'APP_ALREADY_RUNNING',
      `The app '${app}' runs in ${group.members} instances: { restart: true } would take its state away from them. Stop them first.`,
    )
  // Topics that 0.1.0 made have no owner. Neither have topics whose config.json and metadata.json are lost.
  // They are recognized by the names of this app's operators: another app's name may begin with the name of
  // this one. The log tells them from a user's topic of such a name: it lets the app claim them.
  const prefixes = plan.stages.flatMap(({ nodes }) => nodes.map(({ name }) => `${app}-${name}-`))
  const own = new Set(await topicsOfApp(port, app))
  for (const { name, config } of await port.listTopics({ internal: true }))
    if (
      config.app === undefined &&
      (name === planTopic(app) ||
        (/-(changelog|repartition)$/.test(name) && prefixes.some(prefix => name.startsWith(prefix)))) &&
      (await isClaimed(port, name, { ...config, app }))
    )
      own.add(name)
  for (const name of own) await port.deleteTopic(name, { app })
  const offsets: OffsetCommit[] = []
  for (const { topic, partition } of allInputs(context))
    if (!own.has(topic) && (await port.describeTopic(topic)))
      offsets.push({
        topic,
        partition,
        offset: await port.offsets(topic, partition, 'earliest'),
        metadata: startMetadata,
      })
  await port.commitOffsets({ group: app, offsets })
}

/** Makes a topic the app's, unless it is a user's. */
async function isClaimed(
  port: LogPort,
  name: string,
  { partitions, app }: TopicConfig & { readonly app: string },
): Promise<boolean> {
  await createIfMissing(port, name, { partitions, app })
  return (await port.describeTopic(name))?.config.app === app
}

/** All partitions that the app reads. */
export function allInputs({ plan, topics }: InstanceContext): TopicPartition[] {
  return plan.stages.flatMap(stage =>
    topics
      .read(stage)
      .flatMap(topic =>
        Array.from({ length: topics.stagePartitions(stage) }, (_, partition) => ({ topic, partition })),
      ),
  )
}
