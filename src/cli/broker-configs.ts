/** The configs that `millrace broker` is given: a .properties file, and `--set`, which wins. */
import { readFileSync } from 'node:fs'
import { isMillraceError, MillraceError } from '../base/index.ts'
import { checkBrokerConfig } from '../broker/index.ts'
import type { BrokerConfigs } from '../port/index.ts'
import { parseProperties, PropertiesFault, type Property } from './properties.ts'

/** Configs of Apache Kafka that are something else here. */
const elsewhere: readonly (readonly [RegExp, string])[] = [
  [/^listeners$/, 'is the option --listen here'],
  [/^advertised\.listeners$/, 'is the option --advertise here'],
  [/^log\.dirs?$/, 'is the option --data here'],
  [/^(node|broker)\.id$/, 'has no effect here: there is one broker, with the id 0'],
  [/^(process\.roles|controller\.|inter\.broker\.)/, 'has no effect here: there is one broker'],
  [
    /^(sasl|ssl|security)\.|^listener\.|^super\.users$|^authorizer\./,
    'is not supported: there is no authentication',
  ],
  [
    /^num\.(network|io|recovery|replica)|^socket\.(send|receive)\.buffer|\.replication\.factor$|\.min\.isr$|^replica\.|^share\.|^background\.threads$/,
    'has no effect here: remove it',
  ],
]

/**
 * Reads and checks all of them.
 * @throws MillraceError INVALID_CONFIG, which names every wrong line; SOURCE_MISSING
 */
export function brokerConfigs(
  file: string | undefined,
  set: readonly (readonly [string, string])[],
): BrokerConfigs {
  const configs: Record<string, string> = {}
  const faults: string[] = []
  const take = (name: string, value: string, where: string): void => {
    const fault = faultOf(name, value)
    if (fault === undefined) configs[name] = value
    else faults.push(`${where}: ${fault}`)
  }
  if (file !== undefined)
    for (const { name, value, line } of propertiesOf(file)) take(name, value.trim(), `${file}, line ${line}`)
  for (const [name, value] of set) take(name, value.trim(), '--set')
  if (faults.length > 0) throw new MillraceError('INVALID_CONFIG', faults.join('\n'))
  return configs
}

function propertiesOf(file: string): readonly Property[] {
  try {
    return parseProperties(readFileSync(file, 'utf8'))
  } catch (error) {
    if (error instanceof PropertiesFault)
      throw new MillraceError('INVALID_CONFIG', `${file}, line ${error.line}: ${error.message}`)
    const { code } = error as NodeJS.ErrnoException
    throw new MillraceError(
      'SOURCE_MISSING',
      `The file '${file}' cannot be read (${code}): check --config.`,
      {
        cause: error,
      },
    )
  }
}

/** What is wrong with a config; undefined: nothing. */
function faultOf(name: string, value: string): string | undefined {
  try {
    checkBrokerConfig(name, value)
    return undefined
  } catch (error) {
    if (!isMillraceError(error, 'INVALID_CONFIG')) throw error
    const other = elsewhere.find(([pattern]) => pattern.test(name))
    // A config that is known here has a value that it does not take.
    return other && / is unknown/.test(error.message) ? `Config '${name}' ${other[1]}.` : error.message
  }
}
