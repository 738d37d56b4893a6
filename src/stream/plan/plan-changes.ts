/**
 * What has changed between the program that made the state and the one that is about to read it.
 *
 * A program may read state if the state is proved to come from the same operator. The kind of the operator,
 * the form of its keys and the shape of its values must be the same, too. A name that the program gives
 * proves that the operator is the same. A number that an operator gets by its place does not, so such an
 * operator must keep its place. Functions cannot be compared.
 */
import { durationInWords } from '../../base/index.ts'
import type { SavedOperator } from './saved-plan.ts'
import { changeOfInputs, changeOfTopics } from './shown-results.ts'
import { shapeInWords, shapesFit } from '../operators/value-shape.ts'

/** A difference, and the advice for it. */
export interface Change {
  readonly what: string
  /** Left out if nothing helps but a start from scratch. */
  readonly way?: string | undefined
}

/** Undefined for an operator that cannot begin with nothing. */
const anotherName = ({ name, keepsRowsOf = [] }: SavedOperator): string | undefined =>
  keepsRowsOf.length > 0
    ? undefined
    : `Give the operator another name and drop the old state with { forget: ['${name}'] }: it begins with nothing`

/**
 * The first difference that is not proved to be harmless, with advice; undefined if there is none. `topics`:
 * those that the app has read.
 */
export function changeBetween(
  before: readonly SavedOperator[],
  unclaimed: readonly SavedOperator[],
  now: readonly SavedOperator[],
  topics: readonly string[],
): Change | undefined {
  const earlier = new Map(before.map(each => [each.name, each]))
  const known = new Set([...topics, ...earlier.keys()])
  const first = (
    change: (operator: SavedOperator, found: SavedOperator | undefined) => Change | undefined,
  ): Change | undefined => {
    for (const operator of now) {
      const found = change(operator, earlier.get(operator.name))
      if (found) return found
    }
    return undefined
  }
  return (
    first((operator, found) => found && resultsOf(found, operator)) ??
    first((operator, found) => (found ? changeOf(found, operator) : leftBehind(operator, unclaimed))) ??
    renamed(before, now) ??
    ambiguous(before, now) ??
    first((operator, found) => withoutRows(found, operator, known))
  )
}

/** The operators of `before` that `now` does not have. */
export function withoutOperator(
  before: readonly SavedOperator[],
  now: readonly SavedOperator[],
): SavedOperator[] {
  const names = new Set(now.map(({ name }) => name))
  return before.filter(({ name }) => !names.has(name))
}

/** One operator, by its name, in two programs. */
function changeOf(before: SavedOperator, now: SavedOperator): Change | undefined {
  const { name } = now
  const differ = (what: string, was: string, is: string, way = anotherName(now)): Change => ({
    what: `the operator '${name}' has changed: ${what} was '${was}', and is now '${is}'`,
    way,
  })
  const sayWhich = `The program gives it no name, so nothing says that it is the same one. If it is, say { name: '${name}' }; otherwise give it another name`
  if (before.kind !== now.kind) return differ('its kind', before.kind, now.kind)
  if (before.keys !== now.keys) return differ('the form of its keys', before.keys, now.keys)
  for (const [part, was] of Object.entries(before.layout ?? {})) {
    const is = now.layout?.[part] ?? 'none'
    if (typeof was === 'number' && typeof is === 'number' ? is > was : is !== was)
      return differ(part, inWords(was), inWords(is), wayTo('Keep it as it was', now))
  }
  if (!now.isNamed && pathOf(before.place) !== pathOf(now.place))
    return differ('its place', before.place, now.place, sayWhich)
  if (before.reads[0] !== now.reads[0])
    return differ('the topic that it reads', before.reads[0] ?? '', now.reads[0] ?? '')
  if (!now.isNamed && isDisjoint(before.writes, now.writes))
    return differ('where its results go', before.writes.join(', '), now.writes.join(', '), sayWhich)
  if (before.version !== undefined && now.version !== undefined) {
    if (before.version !== now.version)
      return differ('the version of its values', `${before.version}`, `${now.version}`)
  } else if (!shapesFit(before.shape, now.shape))
    return differ('the shape of its values', shapeInWords(before.shape), shapeInWords(now.shape))
  return undefined
}

function inWords(part: string | number): string {
  return typeof part === 'number' ? durationInWords(part) : part
}

/** Results of windows that come under another policy: to the operator, or from it to a topic. */
function resultsOf(before: SavedOperator, now: SavedOperator): Change | undefined {
  const inputs = changeOfInputs(before, now)
  if (inputs) return { what: inputs.what, way: wayTo(inputs.keep, now) }
  const topics = changeOfTopics(before, now)
  return topics && { what: topics.what, way: topics.keep }
}

/** The advice to keep something, or else to begin with nothing. */
function wayTo(keep: string, now: SavedOperator): string {
  const way = anotherName(now)
  return way === undefined ? keep : `${keep}. Or ${way.charAt(0).toLowerCase()}${way.slice(1)}`
}

/**
 * A place without the names of outlets that another program may call otherwise: an operator with one outlet
 * has a side output tomorrow, and policies of `emit` are compared by themselves.
 */
function pathOf(place: string): string {
  return place.replaceAll(/\.(?:changes|joined|final|early every [^›)]+?)(?= › | and |\)|$)/g, '')
}

/** An operator that an earlier program had, and the last one did not. */
function leftBehind(operator: SavedOperator, unclaimed: readonly SavedOperator[]): Change | undefined {
  const { name } = operator
  if (!unclaimed.some(each => each.name === name)) return undefined
  const forget = `Drop that state with { forget: ['${name}'] }, or give the operator another name`
  return {
    what: `the operator '${name}' is back, with state of an earlier program: what came since then is not in it`,
    way: anotherName(operator) && forget,
  }
}

/** An operator that would keep the rows of a table without those that were read before. */
function withoutRows(
  before: SavedOperator | undefined,
  now: SavedOperator,
  known: ReadonlySet<string>,
): Change | undefined {
  // Earlier versions did not note it.
  const kept = before ? (before.keepsRowsOf ?? now.keepsRowsOf) : []
  const missed = now.keepsRowsOf?.find(each => known.has(each) && !kept?.includes(each))
  if (missed === undefined) return undefined
  return {
    what: `the operator '${now.name}' keeps the rows of '${missed}', which it did not before: it would begin without those that the app has read`,
    way: 'Run the program as an app of another name, which reads everything',
  }
}

/** An operator was removed and a similar one was added: it may be the same operator with a new name. */
function renamed(before: readonly SavedOperator[], now: readonly SavedOperator[]): Change | undefined {
  const come = withoutOperator(now, before)
  for (const gone of withoutOperator(before, now)) {
    const alike = come.find(
      each => each.kind === gone.kind && each.keys === gone.keys && each.reads[0] === gone.reads[0],
    )
    if (alike)
      return {
        what: `no operator claims the state of '${gone.name}' (${gone.kind} of ${gone.place}), and '${alike.name}', which is like it, has none`,
        way: `If it is the same one, give it its name back: { name: '${gone.name}' }. If not, drop that state with { forget: ['${gone.name}'] }`,
      }
  }
  return undefined
}

/**
 * Operators without names in one place are told apart only by their order: one more or one less changes it.
 */
function ambiguous(before: readonly SavedOperator[], now: readonly SavedOperator[]): Change | undefined {
  const named = new Set(now.filter(({ isNamed }) => isNamed).map(({ name }) => name))
  const earlier = Map.groupBy(
    before.filter(({ isNamed, name }) => !isNamed && !named.has(name)),
    siblingsOf,
  )
  const later = Map.groupBy(
    now.filter(({ isNamed }) => !isNamed),
    siblingsOf,
  )
  for (const [siblings, those] of earlier) {
    const these = later.get(siblings) ?? []
    if (these.length === 0 || these.length === those.length) continue
    const names = [...new Set([...those, ...these].map(({ name }) => `'${name}'`))].join(', ')
    return {
      what: `${those[0]?.place} now feeds ${these.length} operators '${those[0]?.kind}' without a name, and fed ${those.length}: ${names}. Nothing says whose state is whose`,
      way: 'Give the new one a name, { name }, that none of them has',
    }
  }
  return undefined
}

function siblingsOf({ kind, keys, place }: SavedOperator): string {
  return JSON.stringify([kind, keys, pathOf(place)])
}

function isDisjoint(one: readonly string[], other: readonly string[]): boolean {
  return one.length > 0 && other.length > 0 && !one.some(each => other.includes(each))
}
