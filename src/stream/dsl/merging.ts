/** Checks of the arguments of `merge` and `split`, which have another form than those of other methods. */
import { inWords, MillraceError } from '../../base/index.ts'
import { checkCall, wrongArgument } from './arguments.ts'
import type { RecordContext } from '../operators/record.ts'
import type { Named, SplitOptions } from './options.ts'

/** The streams that merge was given, and its options, which may come last. */
export function streamsOf<S>(
  given: readonly (S | Named)[],
  isStream: (one: S | Named) => one is S,
): { readonly streams: readonly S[]; readonly options: Named } {
  const last = given.at(-1)
  const options = given.length > 1 && last !== undefined && !isStream(last) ? last : undefined
  const others = options === undefined ? given : given.slice(0, -1)
  const streams = others.filter(isStream)
  const wrong = others.length === 0 ? [undefined] : others.filter(one => !isStream(one))
  if (wrong.length > 0) throw wrongArgument('merge', 'argument', 'a stream', wrong[0])
  checkCall('merge', {}, options)
  return { streams, options: options ?? {} }
}

/** The branches of split, in order. */
export function branchesOf<V, K>(
  branches: Readonly<Record<string, (value: V, key: K, record: RecordContext) => boolean>>,
  options: SplitOptions<string>,
): [name: string, takes: (value: V, key: K, record: RecordContext) => boolean][] {
  if (typeof branches !== 'object' || branches === null || Array.isArray(branches))
    throw wrongArgument('split', 'branches', 'an object of functions', branches)
  checkCall('split', branches, options)
  const named = Object.entries(branches)
  if (named.length === 0) throw wrongArgument('split', 'branches', 'one function or more', branches)
  // An object lists names that are numbers first, wherever they were written.
  for (const name of [...Object.keys(branches), ...(options.rest === undefined ? [] : [options.rest])])
    if (!/^[a-zA-Z][a-zA-Z0-9._-]{0,99}$/.test(name))
      throw new MillraceError(
        'INVALID_ARGUMENT',
        `${inWords(name)} cannot name a branch of split: use letters, digits, '.', '_' and '-', a letter first, 100 at most.`,
      )
  if (options.rest !== undefined && Object.hasOwn(branches, options.rest))
    throw new MillraceError(
      'INVALID_ARGUMENT',
      `The rest of split is named '${options.rest}', as one of its branches. Give it another name.`,
    )
  return named
}
