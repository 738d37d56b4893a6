/**
 * What results of open windows have done before a program changes. Operators and topics behind `emit` have
 * them already, or have not; and a policy of another kind does not know which. It would give a result beside
 * the earlier one of the window, or take back one that nobody has. What `suppress` holds back is likewise.
 */
import type { PolicyKind } from '../operators/emit-policy.ts'
import type { SavedOperator } from './saved-plan.ts'

/** Results under another policy than before. */
export interface OtherResults {
  readonly what: string
  /** How the program keeps them as they were. */
  readonly keep: string
}

/**
 * Whether results continue what was shown under the earlier policy. Before `final` results nothing was shown;
 * but `changes` does not come back to a window that no record changes any more.
 */
function continues(was: PolicyKind, is: PolicyKind): boolean {
  return was === is || (was === 'final' && is !== 'changes')
}

/** The topic that would get other results of these windows. */
export function changeOfTopics(before: SavedOperator, now: SavedOperator): OtherResults | undefined {
  for (const [topic, policies] of Object.entries(before.shownIn ?? {}))
    for (const was of policies) {
      const is = now.shownIn?.[topic] ?? []
      if (is.length === 0 || is.some(each => continues(was, each))) continue
      return {
        what: `the topic '${topic}' had the results of '${now.name}' under emit policy '${was}', and gets those under '${is.join("', '")}' now, which do not replace what it has of open windows`,
        keep: `Keep the policy '${was}' for that topic, and write the results of another emit to another one`,
      }
    }
  return undefined
}

/** The results of windows that this operator has had, and would get under another policy. */
export function changeOfInputs(before: SavedOperator, now: SavedOperator): OtherResults | undefined {
  const later = holdersBefore(now)
  for (const { windows, name, policy } of holdersBefore(before)) {
    const same = later.filter(each => each.windows === windows && (each.name ?? name) === (name ?? each.name))
    const isKnown = same.some(
      each => each.policy === policy || (policy && each.policy && continues(policy, each.policy)),
    )
    if (isKnown || (same.length === 0 && policy === 'final')) continue
    const was = policy ? `'${windows}' under emit policy '${policy}'` : `'${windows}'`
    const is = same.map(each => `'${each.policy}'`).join(', ')
    return {
      what: `the operator '${now.name}' had results of ${was}, and now gets ${is === '' ? 'none' : `those under ${is}`}: what it has of open windows would count twice, or be taken out again without having been counted`,
      keep: policy ? `Keep the policy '${policy}' for it` : `Keep '${windows}' before it`,
    }
  }
  return undefined
}

/** What decides on the way to an operator which results it has so far: windows, and `suppress`. */
interface Holder {
  /** Their label. */
  readonly windows: string
  readonly name: string | undefined
  /** Undefined for `suppress`. */
  readonly policy?: PolicyKind
}

/** As the place says them: plans of earlier versions have that, too. */
function holdersBefore({ place }: SavedOperator): Holder[] {
  return place.split(/ › | and |[()]/).flatMap(step => {
    const [, windows = '', name, outlet] = holder.exec(step) ?? []
    if (outlet === undefined) return step.startsWith('suppress for ') ? [{ windows: step, name }] : []
    return [{ windows, name, policy: policyOf(outlet) }]
  })
}

/** `count, tumbling 1h 'hourly'.early every 1s` */
const holder = /^(.+?, .+?)(?: '([\w.-]+)')?\.(final|changes|early every .+)$/

function policyOf(outlet: string): PolicyKind {
  if (outlet === 'final' || outlet === 'changes') return outlet
  return outlet.includes(' records') ? 'everyRecords' : 'early'
}
