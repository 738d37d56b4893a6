/**
 * Joins the commands, and turns an error into a sentence and an exit code: 0 done (also when told to stop), 1
 * failed, 2 used wrongly. Only a bug in millrace shows a stack.
 */
import { Command, CommanderError } from 'commander'
import { isMillraceError } from '../base/index.ts'
import { firstFailure } from './first-failure.ts'
import type { Terminal } from './terminal.ts'
import { version } from './version.ts'

/** Only the command that is named is loaded: `millrace broker` needs no processor. */
const commands: Readonly<Record<string, () => Promise<(terminal: Terminal) => Command>>> = {
  run: async () => (await import('./commands/run.ts')).runCommand,
  describe: async () => (await import('./commands/describe.ts')).describeCommand,
  topic: async () => (await import('./commands/topic.ts')).topicCommand,
  app: async () => (await import('./commands/app.ts')).appCommand,
  group: async () => (await import('./commands/group.ts')).groupCommand,
  transactions: async () => (await import('./commands/transactions.ts')).transactionsCommand,
  produce: async () => (await import('./commands/produce.ts')).produceCommand,
  consume: async () => (await import('./commands/consume.ts')).consumeCommand,
  broker: async () => (await import('./commands/broker.ts')).brokerCommand,
  ping: async () => (await import('./commands/ping.ts')).pingCommand,
  repair: async () => (await import('./commands/repair.ts')).repairCommand,
}

export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  const program = new Command('millrace')
    .description('A streaming data platform for TypeScript: logs, exactly-once processing, connectors.')
    .version(version(), '-v, --version')
    .showHelpAfterError('Add --help to see how it is used.')
    .exitOverride()
    .configureOutput({
      writeOut: text => void terminal.write(text).catch(() => {}),
      writeErr: text => terminal.note(text.trimEnd()),
      outputError: (text, write) => write(text.replace(/^error: /, 'millrace: ')),
    })
  for (const command of await commandsFor(args[0])) program.addCommand(command(terminal))
  // Subcommands also end by exception: ending the process would leave resources open.
  for (const command of program.commands) {
    command.exitOverride().copyInheritedSettings(program)
    for (const sub of command.commands) sub.exitOverride().copyInheritedSettings(program)
  }
  try {
    await program.parseAsync(args, { from: 'user' })
    return 0
  } catch (thrown) {
    const error = firstFailure(thrown)
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (!isMillraceError(error)) throw error
    terminal.note(`millrace: ${inFlags(error.message)} (${error.code})`)
    return isMillraceError(error, 'USAGE', 'INVALID_ARGUMENT', 'INVALID_CONFIG', 'INVALID_DURATION') ? 2 : 1
  }
}

/** The command with this name; otherwise all, for the help and for the error that names the nearest. */
function commandsFor(name = ''): Promise<((terminal: Terminal) => Command)[]> {
  const named = Object.hasOwn(commands, name) ? [commands[name]!] : Object.values(commands)
  return Promise.all(named.map(load => load()))
}

/** Replaces options of `app.run` in a message by those of the command line. */
function inFlags(message: string): string {
  return message
    .replaceAll('{ restart: true }', '--restart')
    .replaceAll(/\{ forget: \['([^']+)'\] \}/g, '--forget $1')
    .replaceAll(/\{ until: '(end|now)' \}/g, '--until $1')
}
