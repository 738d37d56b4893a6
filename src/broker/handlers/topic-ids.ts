/** Topics that requests name by their ids. */
import { MillraceError } from '../../base/index.ts'

/** No topic has this id; a request that names topics so has UNKNOWN_TOPIC_ID for it. */
export function missingTopicId(id: string): MillraceError {
  return new MillraceError(
    'UNKNOWN_TOPIC',
    `No topic has the id ${id}: it was deleted, or is of another cluster.`,
  )
}
