/**
 * The topic in which an app keeps its plans: a record for each program that has committed, as JSON
 * (saved-plan.ts). The last one counts.
 */
import { MillraceError, utf8 } from '../../base/index.ts'
import { batchesUpTo, type LogPort } from '../../port/index.ts'
import { planFormat, type SavedPlan } from './saved-plan.ts'

/** The last plan in the topic, which holds one for each program. */
export async function lastPlan(port: LogPort, topic: string): Promise<SavedPlan | undefined> {
  const end = await port.offsets(topic, 0, 'latest', 'read_committed')
  const offset = await port.offsets(topic, 0, 'earliest')
  let text: string | undefined
  for await (const { batch } of batchesUpTo(port, { topic, partition: 0, offset }, { end }))
    for (const cursor = batch.records(); cursor.next();) {
      const value = cursor.value()
      if (value) text = utf8(value)
    }
  return text === undefined ? undefined : parsePlan(text, topic)
}

/**
 * The plan as it was written: the commit has the digest of that, so a plan of an older format must not change
 * before the two are compared.
 */
export function parsePlan(text: string, topic: string): SavedPlan {
  const plan = JSON.parse(text) as SavedPlan
  if (plan.format === planFormat) return plan
  throw new MillraceError(
    'STATE_INCOMPATIBLE',
    `The plan in '${topic}' has format ${plan.format}, and this version of millrace reads ${planFormat}: use the version that wrote it, or start from scratch with { restart: true }.`,
  )
}
