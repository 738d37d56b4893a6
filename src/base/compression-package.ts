/**
 * Loads the packages behind snappy and lz4. Each is a native module with one optional package per platform,
 * which npm leaves out when it is told to omit optional dependencies, or on another platform than the one it
 * installed for. So they are loaded at first use, and a missing one is an error that names it.
 */
import { arch, platform } from 'node:os'
import { MillraceError } from './errors.ts'

/** What was decompressed, or `too-large`: it would be more than the limit. */
export type Decompressed = Uint8Array | 'too-large'

/** @throws MillraceError MISSING_DRIVER */
export function loadCodec<T>(codec: string, packageName: string, platformPackage: string, load: () => T): T {
  try {
    return load()
  } catch (cause) {
    throw new MillraceError(
      'MISSING_DRIVER',
      `A batch compressed with ${codec} needs the package ${packageName} and its optional package for this platform (${platformPackage}-${platform()}-${arch()}…), one of which cannot be loaded. Install both: npm install --include=optional ${packageName}`,
      { cause },
    )
  }
}
