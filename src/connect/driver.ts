/** Imports optional drivers where they are used. The error for a missing one names the package to install. */
import { MillraceError } from '../base/index.ts'

const missingCodes = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'])

/**
 * Imports a driver.
 *
 * @param load the import expression, written by the caller so that the types are known
 * @throws MillraceError MISSING_DRIVER if the package, or its binary for this platform, is not installed
 */
export async function loadDriver<T>(packageName: string, use: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown }
    if (!missingCodes.has(String(code))) throw error
    throw new MillraceError(
      'MISSING_DRIVER',
      `${use} needs the package ${packageName}, which could not be loaded (${String(message).split('\n')[0]}). Install it: npm install ${packageName}`,
      { cause: error },
    )
  }
}
