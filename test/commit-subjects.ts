/** The format of a commit's subject. Used by tidy.test.ts. */

/** The most characters of a subject. */
const subjectMax = 72

/** Imperatives that end like a past tense, a participle or a third person. */
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

/** The error in a commit's subject; undefined for `area: imperative, at most 72 characters`. */
export function subjectFault(subject: string): string | undefined {
  const verb = /^[a-z][\w./-]*(?:, [a-z][\w./-]*)*: ([a-z]+)\b/.exec(subject)?.[1]
  if (verb === undefined) return "is not 'area: imperative'"
  if (/(?:ed|ing|[^s]s)$/.test(verb) && !imperatives.has(verb))
    return `begins with '${verb}', not an imperative`
  return subject.length > subjectMax ? `is longer than ${subjectMax} characters` : undefined
}
