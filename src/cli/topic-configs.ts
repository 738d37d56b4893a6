/** The subcommands of `millrace topic` that create topics, and show and alter configs. */
import { Command, InvalidArgumentError } from 'commander'
import { MillraceError } from '../base/index.ts'
import type { ConfigChange, ConfigDescription, ConfigResource } from '../port/index.ts'
import { dataOption, withExistingLog, withLog, withLogToRead } from './data-option.ts'
import { parseCount } from './numbers.ts'
import type { Terminal } from './terminal.ts'

interface Options {
  readonly data: string
  readonly partitions: number
  readonly config?: readonly (readonly [string, string])[]
  readonly reset?: readonly string[]
  readonly defaults?: boolean
  readonly all?: boolean
  readonly json?: boolean
}

export function createTopic(terminal: Terminal): Command {
  return new Command('create')
    .description('create a topic')
    .argument('<topic>')
    .option('-p, --partitions <count>', 'how many partitions', parseCount, 1)
    .option('--config <name=value>', "one of Kafka's topic configs; may be given several times", addedConfig)
    .addOption(dataOption())
    .action((name: string, { data, partitions, config = [] }: Options) =>
      withLog(data, async log => {
        await log.createTopic(name, { partitions, configs: Object.fromEntries(config) })
        terminal.note(`Topic ${name} was created.`)
      }),
    )
}

export function alterTopic(terminal: Terminal): Command {
  return new Command('alter')
    .description('change configs of a topic, or the defaults of all topics')
    .argument('[topic]')
    .option('--config <name=value>', 'set a config; may be given several times', addedConfig)
    .option(
      '--reset <name>',
      'return a config to its default',
      (name, names: readonly string[] | undefined) => [...(names ?? []), name],
    )
    .option('--defaults', "the defaults of all topics, by Kafka's names for brokers, as log.retention.ms")
    .addOption(dataOption())
    .action((name: string | undefined, { data, config = [], reset = [], defaults }: Options) =>
      withExistingLog(data, async ({ admin }) => {
        const changes: ConfigChange[] = [
          ...config.map(([each, value]): ConfigChange => ({ name: each, op: 'set', value })),
          ...reset.map((each): ConfigChange => ({ name: each, op: 'delete' })),
        ]
        if (changes.length === 0)
          throw new MillraceError('USAGE', 'Say what to change: --config name=value, or --reset name.')
        const resource = resourceOf(name, defaults)
        await admin.alterConfigs(resource, changes)
        const names = changes.map(change => change.name)
        for (const each of await admin.describeConfigs(resource, names)) await terminal.write(inWords(each))
      }),
    )
}

export function showConfigs(terminal: Terminal): Command {
  return new Command('configs')
    .description('show the configs of a topic that are set, and where')
    .argument('[topic]')
    .option('--all', "also Kafka's defaults")
    .option('--defaults', 'the defaults of all topics')
    .option('--json', 'one JSON object per line')
    .addOption(dataOption())
    .action((name: string | undefined, { data, all, defaults, json }: Options) =>
      withLogToRead(data, async ({ admin }) => {
        for (const config of await admin.describeConfigs(resourceOf(name, defaults)))
          if (all || config.source !== 'default')
            await terminal.write(json ? `${JSON.stringify(config)}\n` : inWords(config))
      }),
    )
}

function inWords({ name, value, source }: ConfigDescription): string {
  return `${name}\t${value ?? '-'}\t${source}\n`
}

function resourceOf(name: string | undefined, defaults: boolean | undefined): ConfigResource {
  if (name !== undefined && defaults)
    throw new MillraceError('USAGE', 'Name a topic or give --defaults, not both.')
  if (name !== undefined) return { type: 'topic', name }
  if (defaults) return { type: 'broker' }
  throw new MillraceError('USAGE', 'Name a topic, or give --defaults for the defaults of all topics.')
}

/** Adds `name=value` to those that were given before. */
export function addedConfig(
  text: string,
  before: readonly (readonly [string, string])[] = [],
): readonly (readonly [string, string])[] {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError("Write a name and a value, as 'retention.ms=86400000'.")
  return [...before, [text.slice(0, at), text.slice(at + 1)]]
}
