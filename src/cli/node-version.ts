/**
 * The Node version that the command line needs. Imports nothing, so that an older Node can print the message.
 */

/** As `engines` of package.json says. */
export const nodeMajorMin = 24

/** The message for a Node that is too old; undefined for one that is new enough. */
export function tooOld(version: string): string | undefined {
  const major = Number.parseInt(version, 10)
  return major < nodeMajorMin
    ? `millrace: This is Node ${version}; millrace needs Node ${nodeMajorMin} or later. Install one, from https://nodejs.org for example.`
    : undefined
}
