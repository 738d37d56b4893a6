/**
 * Validation of one record after the other, none of which can wait for a promise.
 *
 * What user code in a schema does with one record is that record's fault: it throws, throws something that is
 * no error, runs out of stack, gives a promise where it gave values before. SCHEMA_ASYNC is for a schema that
 * is asynchronous, and so would refuse every record.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { isMillraceError, MillraceError, thrownInWords } from '../base/index.ts'

type Result = StandardSchemaV1.Result<unknown>

/**
 * The `validate` of a schema, without promises and errors: both are issues of the value.
 *
 * @param where names the place in messages, as `key of topic 'flights'`
 * @throws MillraceError SCHEMA_ASYNC from the function that it gives
 */
export function validatorOf(schema: StandardSchemaV1, where: string): (value: unknown) => Result {
  const { validate } = schema['~standard']
  /**
   * Whether it has taken a value without a promise. Null tells nothing: `.nullable()` takes it before what is
   * asynchronous.
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
      `The schema of the ${where} validates asynchronously. Records are validated one by one as they pass, and cannot wait: take what is asynchronous out of it, and check that where the record is made.`,
    )
  }
}

function isPromise(result: Result | Promise<Result>): result is Promise<Result> {
  return typeof (result as Partial<Promise<Result>>).then === 'function'
}

/** As zod has them, which can validate without a promise. */
interface Synchronous {
  safeParse(value: unknown): { readonly success: boolean; readonly error?: StandardSchemaV1.FailureResult }
}

/** What zod throws where a refinement or a transform gives a promise: 4 and 3. */
const asynchronousInZod = /synchronous parse.*parseAsync/

/**
 * Why a schema gave a promise. zod gives one where a function of the schema threw, too, and calls it once
 * more for that. Without promises it says what was thrown.
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
