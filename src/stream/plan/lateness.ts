/** The error for an operator that allows less lateness than its input. */
import { durationInWords, MillraceError } from '../../base/index.ts'

/** `label` is the operator, `from` the name of its input. */
export function latenessShrinks(label: string, from: string, latenessMs: number): MillraceError {
  return new MillraceError(
    'LATENESS_SHRINKS',
    latenessMs === Number.POSITIVE_INFINITY
      ? `'${label}' is fed with records that may come however late ('${from}'): no allowed lateness is enough for those. ` +
          'Aggregate them without windows, or write them to a topic and read that, with its own watermark.'
      : `'${label}' allows less lateness than what feeds it ('${from}': ${durationInWords(latenessMs)}): ` +
          `whether corrections still count would depend on timing. Give it { allowedLateness: '${durationInWords(latenessMs)}' } or more.`,
  )
}
