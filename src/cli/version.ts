/** The version of this package. */
import { readFileSync } from 'node:fs'

/** From the package's manifest, two folders up both in src and in dist. */
export function version(): string {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { version: string }).version
}
