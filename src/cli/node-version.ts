/** Which Node the command line needs. Imports nothing, so that an older one gets as far as being told. */

/** As `engines` of package.json says. */
export const nodeMajorMin = 24

/** What to tell the user of a Node that is too old; undefined for one that will do. */
export function tooOld(version: string): string | undefined {
  const major = Number.parseInt(version, 10)
  return major < nodeMajorMin
    ? `millrace: This is Node ${version}; millrace needs Node ${nodeMajorMin} or later. Install one, from https://nodejs.org for example.`
    : undefined
}
