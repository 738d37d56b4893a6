/**
 * Installs the peers into the ignored folder `.peers/`, where they stay between runs. Those of the JVM, which
 * are Apache Kafka with its tools and Apache Flink, are named by the pom.xml files here. A user of millrace
 * never needs any of it.
 */
import { spawnSync, type SpawnSyncOptions } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')

/** Where peers are kept, and where their runs put data. */
export const peersFolder: string = join(root, '.peers')

/** The class path of Apache Kafka's broker, clients and tools; installs them when they are not there yet. */
export function kafkaClassPath(): string {
  return javaClassPath('kafka', join(import.meta.dirname, 'pom.xml'))
}

/** The class path of Apache Flink, as {@link kafkaClassPath}. */
export function flinkClassPath(): string {
  return javaClassPath('flink', join(import.meta.dirname, 'flink/pom.xml'))
}

/** The class path of what a pom.xml names, as {@link kafkaClassPath}. */
export function javaClassPath(name: string, pom: string): string {
  requireProgram('java', ['-version'], 'openjdk-17-jdk-headless')
  const libraries = installed(name, [readFileSync(pom)], folder => {
    requireProgram('mvn', ['-version'], 'maven')
    run('mvn', ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', `-DoutputDirectory=${folder}`])
  })
  return join(libraries, '*')
}

/**
 * A folder that `fill` has filled, in this run or in one before. It is named by what it is made from: another
 * version is another folder.
 */
export function installed(
  name: string,
  madeFrom: readonly (string | Buffer)[],
  fill: (folder: string) => void,
): string {
  const hash = createHash('sha256')
  for (const part of madeFrom) hash.update(part)
  const folder = join(peersFolder, `${name}-${hash.digest('hex').slice(0, 12)}`)
  if (existsSync(folder)) return folder
  // Renamed when complete, so that an interrupted installation is never taken for a whole one.
  const unfinished = `${folder}-${process.pid}`
  mkdirSync(unfinished, { recursive: true })
  fill(unfinished)
  try {
    renameSync(unfinished, folder)
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true })
    if (!existsSync(folder)) throw error
  }
  return folder
}

/**
 * On a Debian machine where this runs as root (CI), what is missing is installed; elsewhere the error says
 * what to install. `args` make the program end at once, with success.
 */
export function requireProgram(program: string, args: readonly string[], debianPackage: string): void {
  if (spawnSync(program, args).status === 0) return
  if (process.getuid?.() === 0 && spawnSync('apt-get', ['--version']).status === 0) {
    run('apt-get', ['update', '-q'])
    run('apt-get', ['install', '-q', '-y', '--no-install-recommends', debianPackage])
    return
  }
  throw new Error(
    `The peer tests need '${program} ${args.join(' ')}': install ${debianPackage} and run them again.`,
  )
}

/** Runs a program to its end, and throws with what it printed if it fails. */
export function run(program: string, args: readonly string[], options: SpawnSyncOptions = {}): void {
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    ...options,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  })
  if (status === 0) return
  throw new Error(
    `'${program} ${args.join(' ')}' failed: ${error?.message ?? `${stdout}\n${stderr}`.trim().slice(-4000)}`,
  )
}
