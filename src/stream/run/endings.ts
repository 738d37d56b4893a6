/** Explains the errors that end a run, in sentences that name the app and say what to do next. */
import { isMillraceError, MillraceError } from '../../base/index.ts'

/** The app and the instance that have ended. */
export interface Ended {
  readonly app: string
  readonly instance: string
}

type Explanation = (ended: Ended, cause: MillraceError) => string

/** Errors that can end a run with any records and options. */
const explanations: Partial<Record<MillraceError['code'], Explanation>> = {
  MEMBER_FENCED: ({ app, instance }, { message }) =>
    `Instance '${instance}' of the app '${app}' was expelled from its group, and nothing after its last commit counts. Start it again: ` +
    `it continues with the partitions that it is given. ${message}`,
  PRODUCER_FENCED: ({ app, instance }, { message }) =>
    `Instance '${instance}' of the app '${app}' was replaced, and nothing after its last commit counts. Give each instance that runs at the same ` +
    `time its own id: { instance: 'a' }. ${message}`,
  OFFSET_OUT_OF_RANGE: ({ app }, { message }) =>
    `The app '${app}' cannot continue: ${message.split(/[.:;] /)[0]}. What it would read next was dropped, by retention perhaps, before it was processed. ` +
    'Start from scratch with { restart: true }, which reads what is left; and let the topic keep more.',
  CLOSED: ({ app }) =>
    `The log was closed under the app '${app}', which needs it to the end: stop the app first, or close the log by log.close(), which does that.`,
}

/** Explains the error that a running app has ended with. */
export function explained(ended: Ended, error: unknown): unknown {
  return said(ended, error, isMillraceError(error) ? explanations[error.code] : undefined)
}

/**
 * Explains why the group has taken the partitions away: the member was expelled, or a topic that the app
 * reads was deleted.
 */
export function explainedLoss(ended: Ended, error: unknown): unknown {
  return isMillraceError(error, 'UNKNOWN_TOPIC') ? said(ended, error, sourceDeleted) : explained(ended, error)
}

const sourceDeleted: Explanation = ({ app }, { message }) =>
  `The app '${app}' cannot continue: ${message} Nothing after its last commit counts. Its offsets and state belong to the topic that was deleted: ` +
  'start with { restart: true } once the topic exists again.'

function said(ended: Ended, error: unknown, explain: Explanation | undefined): unknown {
  if (!isMillraceError(error) || !explain) return error
  return new MillraceError(error.code, explain(ended, error), { cause: error, retriable: error.retriable })
}
