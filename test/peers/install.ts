/**
 * Installs the JVM peers into the ignored folder `.peers/`, where they stay between runs: Apache Kafka and
 * its tools, as the pom.xml beside this file names them, from Maven Central. A user of millrace never needs
 * any of it.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')
const pom = join(import.meta.dirname, 'pom.xml')

/** Where peers are kept, and where their runs put data. */
export const peersFolder: string = join(root, '.peers')

/** The class path of Apache Kafka's broker, clients and tools; installs them when they are not there yet. */
export function kafkaClassPath(): string {
  requireProgram('java', '-version', 'openjdk-17-jdk-headless')
  // Named by what it was made from: another version in the pom is another folder.
  const digest = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 12)
  const libraries = join(peersFolder, `kafka-${digest}`)
  if (!existsSync(libraries)) {
    requireProgram('mvn', '-version', 'maven')
    const unfinished = `${libraries}-${process.pid}`
    mkdirSync(peersFolder, { recursive: true })
    run('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${unfinished}`])
    // Renamed when complete, so that an interrupted installation is never taken for a whole one.
    try {
      renameSync(unfinished, libraries)
    } catch (error) {
      rmSync(unfinished, { recursive: true, force: true })
      if (!existsSync(libraries)) throw error
    }
  }
  return join(libraries, '*')
}

/**
 * On a Debian machine where this runs as root (CI), what is missing is installed; elsewhere the error says
 * what to install.
 */
function requireProgram(program: string, versionFlag: string, debianPackage: string): void {
  if (spawnSync(program, [versionFlag]).status === 0) return
  if (process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).status === 0) {
    run('apt-get', ['update', '-q'])
    run('apt-get', ['install', '-q', '-y', '--no-install-recommends', debianPackage])
    return
  }
  throw new Error(
    `The peer tests need '${program}' (a JDK 17 or later, and Maven): install ${debianPackage} and run them again.`,
  )
}

function run(program: string, args: string[]): void {
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  })
  if (status === 0) return
  throw new Error(
    `'${program} ${args.join(' ')}' failed: ${error?.message ?? `${stdout}\n${stderr}`.trim().slice(-4000)}`,
  )
}
