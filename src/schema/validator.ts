/**
 * Validates records one by one, synchronously.
 *
 * User code in a schema may fail for one record: it throws anything, runs out of stack, or gives a promise
 * after it gave values. Then that record is malformed. SCHEMA_ASYNC is for an asynchronous schema, which
 * would refuse every record.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { isMillraceError, MillraceError, thrownInWords } from '../base/index.ts'

type Result = StandardSchemaV1.Result<unknown>

/**
 * The `validate` of a schema, with promises and errors turned into issues of the value.
 *
 * @param where names the place in messages, as `key of topic 'flights'`
 * @throws MillraceError SCHEMA_ASYNC from the returned function
 */
export function validatorOf(schema: StandardSchemaV1, where: string): (value: unknown) => Result {
  const { validate } = schema['~standard']
  /**
   * Whether the schema has accepted a value without a promise. Null proves nothing: `.nullable()` accepts it
   * before any asynchronous part.
   */
  let isSynchronous = false
  return value => {
    try {
      const result = validate(value)
      if (!isPromise(result)) {
        if (value !== null && !result.issues) isSynchronous = true
        return result
      }
      result.then(undefined, () => {})
      const faults = faultsOf(schema, value)
      if (faults !== 'asynchronous') return faults
      if (isSynchronous) return failed('its schema gave a promise, as it did not for records before')
    } catch (error) {
      if (isMillraceError(error, 'SCHEMA_ASYNC')) throw error
      return threw(error)
    }
    throw new MillraceError(
      'SCHEMA_ASYNC',
      `The schema of the ${where} validates asynchronously. Records are validated one by one, and cannot wait. Remove the asynchronous check from the schema, and check where the record is made.`,
    )
  }
}

function isPromise(result: Result | Promise<Result>): result is Promise<Result> {
  return typeof (result as Partial<Promise<Result>>).then === 'function'
}

/** The part of zod's interface that validates without a promise. */
interface Synchronous {
  safeParse(value: unknown): { readonly success: boolean; readonly error?: StandardSchemaV1.FailureResult }
}

/** The errors of zod 4 and 3 for a refinement or transform that gives a promise. */
const asynchronousInZod = /synchronous parse.*parseAsync/

/**
 * Why a schema gave a promise. zod also gives one if a function of the schema threw, and calls that function
 * once more. Its synchronous form throws the error itself.
 */
function faultsOf(schema: StandardSchemaV1, value: unknown): Result | 'asynchronous' {
  if (schema['~standard'].vendor !== 'zod' || !hasSafeParse(schema)) return 'asynchronous'
  try {
    const { success, error } = schema.safeParse(value)
    return success || !error ? 'asynchronous' : { issues: error.issues }
  } catch (error) {
    return error instanceof Error && asynchronousInZod.test(error.message) ? 'asynchronous' : threw(error)
  }
}

function hasSafeParse(schema: object): schema is Synchronous {
  return typeof (schema as Partial<Synchronous>).safeParse === 'function'
}

function threw(error: unknown): Result {
  return failed(`its schema threw ${thrownInWords(error)}`)
}

function failed(message: string): Result {
  return { issues: [{ message }] }
}
