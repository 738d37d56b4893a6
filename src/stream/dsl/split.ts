/* oxlint-disable import/no-cycle -- split makes streams of a stream. */
/** split: the branches of a stream, and the checks of them. */
import { inWords, MillraceError } from '../../base/index.ts'
import type { RecordContext } from '../operators/record.ts'
import { split } from '../operators/split.ts'
import { checkCall, wrongArgument } from './arguments.ts'
import type { Named } from './options.ts'
import { streamsByOutlet } from './side-outputs.ts'
import type { Stream } from './stream.ts'

/** Options of `split`. */
export interface SplitOptions<R extends string = never> extends Named {
  /**
   * The name of the stream of records that no branch takes. Default: they are dropped, and counted as
   * `unmatched`.
   */
  readonly rest?: R
}

/** What each branch takes, by its name. */
type Branches<K, V> = Readonly<Record<string, (value: V, key: K, record: RecordContext) => boolean>>

/** The streams of the branches, and of the rest if it has a name. */
export function splitByBranch<K, V>(
  stream: Stream<K, V>,
  branches: Branches<K, V>,
  options: SplitOptions<string>,
): Readonly<Record<string, Stream<K, V>>> {
  const { graph, edge } = stream
  const operator = split(branchesOf(branches, options), options.rest)
  return streamsByOutlet(graph, graph.apply(operator, [edge], options))
}

/** The branches of split, in order. */
function branchesOf<K, V>(
  branches: Branches<K, V>,
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
