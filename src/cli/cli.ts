/**
 * Joins the commands, and turns an error into a sentence and an exit code: 0 done (also when told to stop), 1
 * failed, 2 used wrongly. Only a bug in millrace shows a stack.
 */
import { Command, CommanderError } from 'commander'
import { isMillraceError } from '../base/index.ts'
import { appCommand } from './commands/app.ts'
import { brokerCommand } from './commands/broker.ts'
import { consumeCommand } from './commands/consume.ts'
import { describeCommand } from './commands/describe.ts'
import { groupCommand } from './commands/group.ts'
import { pingCommand } from './commands/ping.ts'
import { produceCommand } from './commands/produce.ts'
import { repairCommand } from './commands/repair.ts'
import { runCommand } from './commands/run.ts'
import { topicCommand } from './commands/topic.ts'
import { transactionsCommand } from './commands/transactions.ts'
import { firstFailure } from './first-failure.ts'
import type { Terminal } from './terminal.ts'
import { version } from './version.ts'

const commands = [
  runCommand,
  describeCommand,
  topicCommand,
  appCommand,
  groupCommand,
  transactionsCommand,
  produceCommand,
  consumeCommand,
  brokerCommand,
  pingCommand,
  repairCommand,
]

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
  for (const command of commands) program.addCommand(command(terminal))
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

/** Replaces options of `app.run` in a message by those of the command line. */
function inFlags(message: string): string {
  return message
    .replaceAll('{ restart: true }', '--restart')
    .replaceAll(/\{ forget: \['([^']+)'\] \}/g, '--forget $1')
    .replaceAll(/\{ until: '(end|now)' \}/g, '--until $1')
}
