/** What AlterConfigs and IncrementalAlterConfigs share: each resource changes by itself, wholly or not. */
import { MillraceError } from '../../base/index.ts'
import type { ConfigResource } from '../../port/index.ts'
import { isRefusal, resourceKey, resourceOf, type NamedResource } from './config-resources.ts'
import { codeOf, errorCodes, messageOf } from './error-codes.ts'
import type { RequestContext } from './handler.ts'
import { inTurns } from './in-turns.ts'

export interface ChangedResource extends NamedResource {
  readonly errorCode: number
  readonly errorMessage: string | null
}

/** `change` makes the changes of one resource. One that is named twice is refused. */
export async function changeEach<R extends NamedResource & { readonly configs: readonly unknown[] }>(
  resources: readonly R[],
  context: Pick<RequestContext, 'nodeId' | 'clock' | 'isGone'>,
  change: (resource: ConfigResource, asked: R) => Promise<void>,
): Promise<ChangedResource[]> {
  const named = Map.groupBy(resources, resourceKey)
  return inTurns(resources, context, async asked => {
    const { resourceType, resourceName, configs } = asked
    const answer = (errorCode: number, errorMessage: string | null): ChangedResource => ({
      resourceType,
      resourceName,
      errorCode,
      errorMessage,
    })
    if (named.get(resourceKey(asked))!.length > 1)
      return answer(errorCodes.INVALID_REQUEST, 'The resource is named twice.')
    const resource = resourceOf(asked, context.nodeId)
    if (isRefusal(resource)) return answer(errorCodes[resource[0]], resource[1])
    if (resource === 'without')
      return configs.length === 0
        ? answer(errorCodes.NONE, null)
        : answer(errorCodes.INVALID_CONFIG, 'The resource has no configs here.')
    try {
      await change(resource, asked)
      return answer(errorCodes.NONE, null)
    } catch (error) {
      const exceptions = resource.type === 'broker' ? ({ INVALID_CONFIG: 'INVALID_REQUEST' } as const) : {}
      return answer(codeOf(error, exceptions), messageOf(error))
    }
  })
}

/** @throws MillraceError INVALID_ARGUMENT */
export function valueOf({ name, value }: { readonly name: string; readonly value: string | null }): string {
  if (value !== null) return value
  throw new MillraceError('INVALID_ARGUMENT', `Config '${name}' has no value.`)
}
