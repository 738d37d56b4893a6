/** What earlier runs of an app have left: whether it has finished, and how all of it is forgotten. */
import { MillraceError } from '../base/index.ts'
import type { OffsetCommit, TopicPartition } from '../port/index.ts'
import { ExchangePartition } from './exchange-partition.ts'
import type { InstanceContext } from './instance-context.ts'
import { hasEnded } from './source-partition.ts'

/**
 * Refuses to run an app that has finished: one that has closed its windows, behind every exchange, too. One that a crash kept from finishing may go on
 * with that, and nothing else.
 */
export async function refuseFinished(context: InstanceContext): Promise<void> {
  const { app, plan, port, settings } = context
  const inputs = allInputs(context)
  const committed = await port.committedOffsets(app, inputs)
  const sources = new Set(plan.stages.flatMap(stage => stage.sources.map(({ topic }) => topic.name)))
  const over = inputs.map(({ topic }, n) => {
    const metadata = committed[n]?.metadata
    return sources.has(topic) ? hasEnded(metadata) : ExchangePartition.hasEnded(metadata)
  })
  if (over.length > 0 && over.every(Boolean))
    throw new MillraceError(
      'APP_FINISHED',
      `The app '${app}' has finished: a run until 'end' closed all of its windows. Run it under another name, or start anew with { restart: true }.`,
    )
  if (over.some(Boolean) && settings.until !== 'end')
    throw new MillraceError(
      'APP_FINISHED',
      `The app '${app}' was interrupted while it finished: some of its input has been taken for all there is. Let it finish with { until: 'end' }, or start anew with { restart: true }.`,
    )
}

/** Forgets offsets, state, and what is between the stages. What was written to topics stays. */
export async function forgetEarlierRuns(context: InstanceContext): Promise<void> {
  const { app, plan, port, topics } = context
  // By the names of this app's operators: another app's name may begin with the name of this one.
  const prefixes = plan.stages.flatMap(({ nodes }) => nodes.map(({ name }) => `${app}-${name}-`))
  const own = new Set<string>()
  for (const { name } of await port.listTopics())
    if (/-(changelog|repartition)$/.test(name) && prefixes.some(prefix => name.startsWith(prefix)))
      own.add(name)
  for (const name of own) await port.deleteTopic(name)
  const offsets: OffsetCommit[] = []
  for (const { topic, partition } of allInputs(context))
    if (!own.has(topic))
      offsets.push({
        topic,
        partition,
        offset: await port.offsets(topic, partition, 'earliest'),
        metadata: '',
      })
  await port.commitOffsets({ group: app, offsets })
  await topics.prepare(plan)
}

function allInputs({ plan, topics }: InstanceContext): TopicPartition[] {
  return plan.stages.flatMap(stage =>
    topics
      .read(stage)
      .flatMap(topic =>
        Array.from({ length: topics.stagePartitions(stage) }, (_, partition) => ({ topic, partition })),
      ),
  )
}
