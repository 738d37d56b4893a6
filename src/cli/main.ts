#!/usr/bin/env node
/** The command line: `millrace <command>`. One file per command. */
import module from 'node:module'
import process from 'node:process'
import { tooOld } from './node-version.ts'

const refusal = tooOld(process.versions.node)
if (refusal === undefined) {
  // The next start is quicker: V8's code is kept in the folder for temporary files.
  if ('enableCompileCache' in module) module.enableCompileCache()
  const [{ runCli }, { terminal }] = await Promise.all([import('./cli.ts'), import('./terminal.ts')])
  process.exitCode = await runCli(process.argv.slice(2), terminal())
} else {
  process.stderr.write(`${refusal}\n`)
  process.exitCode = 1
}
