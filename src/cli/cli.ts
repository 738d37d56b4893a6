/** Puts the commands together, and turns what goes wrong into a sentence and an exit code: 0 done, 1 failed, 2 used wrongly. */
import { Command, CommanderError } from 'commander'
import { isMillraceError } from '../base/index.ts'
import { consumeCommand } from './commands/consume.ts'
import { describeCommand } from './commands/describe.ts'
import { produceCommand } from './commands/produce.ts'
import { repairCommand } from './commands/repair.ts'
import { runCommand } from './commands/run.ts'
import { topicCommand } from './commands/topic.ts'
import type { Terminal } from './terminal.ts'

export async function runCli(args: readonly string[], terminal: Terminal): Promise<number> {
  const program = new Command('millrace')
    .description('A streaming data platform for TypeScript: logs, exactly-once processing, connectors.')
    .showHelpAfterError()
    .exitOverride()
    .configureOutput({
      writeOut: text => void terminal.write(text),
      writeErr: text => terminal.note(text.trimEnd()),
    })
  for (const command of [
    runCommand,
    describeCommand,
    topicCommand,
    produceCommand,
    consumeCommand,
    repairCommand,
  ])
    program.addCommand(command(terminal))
  // Subcommands end by exception too, so that a test can call this.
  for (const command of program.commands) {
    command.exitOverride().copyInheritedSettings(program)
    for (const sub of command.commands) sub.exitOverride().copyInheritedSettings(program)
  }
  try {
    await program.parseAsync(args, { from: 'user' })
    return 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (!isMillraceError(error)) throw error
    terminal.note(`millrace: ${error.message} (${error.code})`)
    return error.code === 'USAGE' || error.code === 'INVALID_ARGUMENT' ? 2 : 1
  }
}
