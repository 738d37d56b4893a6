/** The form of a commit's subject. Used by tidy.test.ts. */

/** The most characters of a subject. */
const subjectMax = 72

/** Words that end like a past or a participle, or in s, and are imperatives all the same. */
const imperatives = new Set([
  'bring',
  'embed',
  'exceed',
  'feed',
  'focus',
  'need',
  'ping',
  'seed',
  'speed',
  'string',
])

/** What is wrong with a commit's subject; undefined for `area: imperative, at most 72 characters`. */
export function subjectFault(subject: string): string | undefined {
  const verb = /^[a-z][\w./-]*(?:, [a-z][\w./-]*)*: ([a-z]+)\b/.exec(subject)?.[1]
  if (verb === undefined) return "is not 'area: imperative'"
  if (/(?:ed|ing|[^s]s)$/.test(verb) && !imperatives.has(verb))
    return `begins with '${verb}', not an imperative`
  return subject.length > subjectMax ? `is longer than ${subjectMax} characters` : undefined
}
