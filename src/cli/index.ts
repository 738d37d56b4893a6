/** cli: the command line, one file per command. */
export { runCli } from './cli.ts'
export { linesOf, terminal, type Terminal } from './terminal.ts'
