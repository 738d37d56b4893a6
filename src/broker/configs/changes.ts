/** Changes of configs (KIP-339): from the configs of a resource to the next ones, all changes or none. */
import { MillraceError } from '../../base/index.ts'
import type { ConfigChange } from '../../port/index.ts'
import { invalid, itemsOf, splitList, textOf, type ConfigKind, type ConfigTexts } from './values.ts'

/** The configs of one resource. */
export interface ChangeableConfigs {
  /** Those that are set. */
  readonly own: ConfigTexts
  /** Undefined for a name that cannot be changed; {@link ChangeableConfigs.check} then throws. */
  readonly kindOf: (name: string) => ConfigKind | undefined
  /** What holds where the config is not set. */
  readonly inherited: (name: string) => string
  /** Throws INVALID_CONFIG for an unknown name, and a value that the config does not take. */
  readonly check: (name: string, text: string) => void
}

/**
 * The configs after the changes.
 * @throws MillraceError INVALID_CONFIG, INVALID_ARGUMENT
 */
export function changedConfigs(
  { own, kindOf, inherited, check }: ChangeableConfigs,
  changes: readonly ConfigChange[],
): ConfigTexts {
  const next: Record<string, string> = { ...own }
  const seen = new Set<string>()
  for (const change of changes) {
    const { name, op } = change
    if (seen.has(name))
      throw new MillraceError('INVALID_ARGUMENT', `Config '${name}' has two changes in one call: keep one.`)
    seen.add(name)
    const kind = kindOf(name)
    if (op === 'delete') {
      // A config that is set may be deleted, also one that only an earlier version knew.
      if (!Object.hasOwn(own, name)) check(name, kind ? inherited(name) : '')
      delete next[name]
      continue
    }
    const text = textOf(name, change.value)
    next[name] =
      op === 'set' || !kind ? text : changedList(name, kind, own[name] ?? inherited(name), op, text)
    check(name, next[name])
  }
  return next
}

function changedList(
  name: string,
  kind: ConfigKind,
  current: string,
  op: 'append' | 'subtract',
  text: string,
): string {
  if (kind.type !== 'list') throw invalid(name, `is not a list: set it, in place of ${op}`)
  const items = itemsOf(current)
  // Empty items are kept: a check refuses them.
  const given = splitList(text)
  const next =
    op === 'append'
      ? [...items, ...given.filter(item => !items.includes(item))]
      : items.filter(item => !given.includes(item))
  return next.join(',')
}
