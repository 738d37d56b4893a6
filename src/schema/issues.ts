/** The issues of a schema, in one line. */
import type { StandardSchemaV1 } from '@standard-schema/spec'

/** A record with many faults is described by its first ones. */
const issuesShown = 3

export function issuesInWords(issues: readonly StandardSchemaV1.Issue[]): string {
  const shown = issues.slice(0, issuesShown).map(issue => {
    const path = pathInWords(issue.path ?? [])
    // Some libraries begin the message with the path.
    return path === '' || issue.message.startsWith(path) ? issue.message : `${path}: ${issue.message}`
  })
  const more = issues.length - shown.length
  return shown.join('; ') + (more > 0 ? `; and ${more} more` : '')
}

/** As in a program: `stops[2].airport`. */
export function pathInWords(path: readonly (PropertyKey | StandardSchemaV1.PathSegment)[]): string {
  let words = ''
  for (const segment of path) {
    const key = typeof segment === 'object' ? segment.key : segment
    words += typeof key === 'number' ? `[${key}]` : words === '' ? String(key) : `.${String(key)}`
  }
  return words
}
