// Completes package-lock.json with the platform packages that npm left out: node tools/lock-platforms.js
// [--check]
//
// npm writes an optional dependency into the lockfile only if the configured registry serves it. Then `npm
// ci` refuses the lockfile, since entries are missing. So a mirror with one platform makes a lockfile that
// installs nowhere else. Such packages are native binaries: their parent has the exact version, and their
// name has the platform. So the entries can be written without a registry. They carry no integrity hash,
// which only a registry could tell.
import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'

const file = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8'))
const packages = lock.packages

const systems = [
  'darwin',
  'linux',
  'win32',
  'android',
  'freebsd',
  'openbsd',
  'netbsd',
  'openharmony',
  'sunos',
  'aix',
  'wasm32',
]
const processors = ['x64', 'arm64', 'arm', 'ia32', 'riscv64', 'ppc64', 's390x', 'loong64', 'wasm32']

/** From `@duckdb/node-bindings-linux-arm64-musl`: os linux, cpu arm64, libc musl. */
function platformOf(name) {
  const words = name.slice(name.lastIndexOf('/') + 1).split('-')
  const os = systems.find(system => words.includes(system))
  const cpu =
    processors.find(processor => words.includes(processor)) ?? (words.includes('wasi') ? 'wasm32' : undefined)
  if (!os && !cpu)
    throw new Error(`cannot tell the platform of '${name}' from its name: add its entry yourself`)
  const libc = words.includes('musl') ? 'musl' : os === 'linux' && words.includes('gnu') ? 'glibc' : undefined
  return {
    ...(cpu && { cpu: [cpu] }),
    ...(libc && { libc: [libc] }),
    ...(os && os !== 'wasm32' && { os: [os] }),
  }
}

const missing = Object.entries(packages).flatMap(([, { dev, optionalDependencies = {} }]) =>
  Object.entries(optionalDependencies)
    .filter(([name]) => !(`node_modules/${name}` in packages))
    .map(([name, version]) => [
      `node_modules/${name}`,
      { version: version.replace(/^[~^]/, ''), ...platformOf(name), ...(dev && { dev }), optional: true },
    ]),
)
if (process.argv.includes('--check')) {
  for (const [path] of missing) console.error(`tools/lock-platforms: package-lock.json lacks ${path}`)
  process.exit(missing.length > 0 ? 1 : 0)
}
const inOrder = Object.entries({ ...packages, ...Object.fromEntries(missing) }).sort(([a], [b]) =>
  a < b ? -1 : 1,
)
writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(inOrder) }, null, 2)}\n`)
console.log(`tools/lock-platforms: ${missing.length} platform packages added.`)
