/** `millrace broker`: serves a log over Kafka's protocol, until it is told to stop. */
import { Command, Option } from 'commander'
import {
  MemoryDisk,
  MillraceError,
  nodeDisk,
  nodeNet,
  systemClock,
  systemRandom,
  type NetAddress,
} from '../../base/index.ts'
import { addressInWords, InProcessLog, serveLog } from '../../broker/index.ts'
import { pathOf } from '../../open-log.ts'
import { parseListenAddress } from '../broker-address.ts'
import { brokerConfigs } from '../broker-configs.ts'
import { dataOption } from '../data-option.ts'
import { counted, parseBytes } from '../numbers.ts'
import type { Terminal } from '../terminal.ts'
import { addedConfig } from '../topic-configs.ts'
import { version } from '../version.ts'

interface Options {
  readonly listen: Required<NetAddress>
  readonly data: string
  readonly memory?: number | true
  readonly advertise?: string
  readonly config?: string
  readonly set?: readonly (readonly [string, string])[]
  readonly durability?: 'sync' | 'os'
  readonly allowRemote?: boolean
}

const memoryBytesDefault = 2 ** 30
/** Where a log in memory is, in its messages. */
const memoryPath = '/memory'

export function brokerCommand(terminal: Terminal): Command {
  return new Command('broker')
    .description("serve the log over Kafka's protocol, for any Kafka client, until Ctrl-C")
    .addOption(
      new Option('-l, --listen <host:port>', 'where to listen; port 0 takes a free one')
        .argParser(parseListenAddress)
        .default(parseListenAddress('127.0.0.1:9092'), '127.0.0.1:9092'),
    )
    .addOption(dataOption())
    .option(
      '--memory [size]',
      "keep the log in memory, at most so much of it: '512MiB' (default 1GiB)",
      parseBytes,
    )
    .option('--advertise <host:port>', 'the address that clients are told, where it is another one')
    .option('--config <file>', "Kafka's configs of brokers, as a .properties file")
    .option('--set <name=value>', 'one of these configs; may be given several times', addedConfig)
    .addOption(
      new Option('--durability <when>', "acknowledge once synced to the disk, or once written: 'os'").choices(
        ['sync', 'os'],
      ),
    )
    .option('--allow-remote', 'listen on an address that other machines reach: there is no authentication')
    .action(async (options: Options, command: Command) => {
      if (options.memory !== undefined && command.getOptionValueSource('data') === 'cli')
        throw new MillraceError('USAGE', 'Keep the log in --memory or in a --data folder, not both.')
      await serve(options, terminal)
    })
}

async function serve(options: Options, terminal: Terminal): Promise<void> {
  const { listen, data, memory, advertise, allowRemote, durability } = options
  const configs = brokerConfigs(options.config, options.set ?? [])
  const { signal } = terminal
  if (signal.aborted) return
  const failed = Promise.withResolvers<never>()
  // It may fail before anybody waits.
  failed.promise.catch(() => {})
  const memoryBytes = memory === true ? memoryBytesDefault : memory
  const log = await InProcessLog.open(memoryBytes === undefined ? pathOf(data) : memoryPath, {
    disk: memoryBytes === undefined ? nodeDisk : new MemoryDisk({ capacityBytes: memoryBytes }),
    clock: systemClock,
    random: systemRandom,
    defaults: 'kafka',
    configs,
    ...(durability && { durability }),
    onFatal: error => failed.reject(error),
  })
  try {
    const server = await serveLog(
      { log, net: nodeNet, call: 'millrace broker', allowsRemoteBy: '--allow-remote' },
      {
        ...listen,
        ...(advertise !== undefined && { advertise }),
        allowRemote: allowRemote ?? false,
        onNotice: message => terminal.note(message),
      },
    )
    const topics = await log.listTopics()
    terminal.note(
      `millrace ${version()}, a broker of Kafka's protocol over ` +
        (memoryBytes === undefined
          ? `${data} (${counted(topics.length, 'topic')}).`
          : `memory (at most ${memoryBytes / 2 ** 20} MiB): the log is gone at the end.`),
    )
    terminal.note(
      "Defaults are Kafka's: records are deleted after 7 days, unless the topic, --config or --set says otherwise.",
    )
    if (advertise !== undefined) terminal.note(`Clients are told ${advertise}.`)
    await terminal.write(`listening on ${addressInWords(server.address)}\n`)
    await Promise.race([stopped(signal), failed.promise])
    terminal.note('Stopping: requests in progress are answered. A second signal ends the process at once.')
  } finally {
    await log.close()
  }
}

function stopped(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
