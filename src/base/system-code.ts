/**
 * The code of a system error: `ENOENT`. Undefined for anything else that was thrown.
 *
 * Not by `instanceof Error`: a test runner may run millrace in another realm (Jest does), where the
 * errors of Node's modules are of the first one.
 */
export function systemCode(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined
  return typeof code === 'string' ? code : undefined
}
