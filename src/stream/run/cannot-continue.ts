/** Refuses a run whose state, offsets and program are not proved to belong together. */
import { MillraceError } from '../../base/index.ts'

/** The advice if files no longer belong together. */
export const restoreFolder = 'Restore the whole folder from one copy'

/** `way`: the advice besides starting from scratch. */
export function cannotContinue(app: string, what: string, way?: string): MillraceError {
  const ways = way === undefined ? 'Start' : `${way}, or start`
  return new MillraceError(
    'STATE_INCOMPATIBLE',
    `The app '${app}' cannot continue: ${what}. ${ways} from scratch with { restart: true }.`,
  )
}
