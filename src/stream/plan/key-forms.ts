/**
 * Checks which topics the keys of a stream can be written to, as far as their forms tell before a record
 * comes.
 */
import { MillraceError } from '../../base/index.ts'
import { isWindowedForm, type WritableTopic } from '../../schema/index.ts'

/** The node that the keys come from. */
interface Keys {
  readonly name: string
  readonly keyCodec: { readonly form: string }
}

/**
 * Checks that a topic can take keys of the form that `from` gives. Keys that the program made are JSON, which
 * may hold anything: they are checked when a record is written.
 * @throws MillraceError INVALID_TOPOLOGY
 */
export function checkKeyForm(from: Keys, { name, key }: WritableTopic<unknown, unknown>): void {
  const given = from.keyCodec.form
  const taken = key.serde.name
  const way = wayOut(given, taken)
  if (way === undefined) return
  throw new MillraceError(
    'INVALID_TOPOLOGY',
    `'${from.name}' cannot be written to topic '${name}': its keys are ${inWords(given)}, those of the topic ${inWords(taken)}. ${way}`,
  )
}

/** The advice for the user; undefined if the topic may take the keys. */
function wayOut(given: string, taken: string): string | undefined {
  const windowed =
    'Declare the topic with key: windowed(…), or write another key, as toStream(({ key }) => key) gives.'
  if (given === 'none' || given === taken) return undefined
  if (isWindowedForm(given)) return isWindowedForm(taken) || taken === 'json' ? undefined : windowed
  if (given === 'json') return undefined
  if (taken === 'none') return 'Give the topic a key, or take the keys away: selectKey(() => null).'
  if (isWindowedForm(taken)) return 'Only results of windows have such keys.'
  // Text is JSON as well; bytes are neither.
  return given === 'string' && taken === 'json' ? undefined : 'Change the key with selectKey first.'
}

function inWords(form: string): string {
  if (isWindowedForm(form)) return 'windowed'
  return { none: 'none at all', string: 'text', json: 'JSON', bytes: 'bytes' }[form] ?? form
}
