/**
 * IncrementalAlterConfigs (44), versions 0-1: changes single configs of topics and of the broker (KIP-339),
 * per resource all of them or none.
 */
import { MillraceError } from '../../base/index.ts'
import type { ConfigChange } from '../../port/index.ts'
import { messages, type Request } from '../../wire/index.ts'
import { changeEach, valueOf } from './config-changes.ts'
import { handler, type Handler } from './handler.ts'

type Asked = Request<typeof messages.incrementalAlterConfigs>['resources'][number]['configs'][number]

/** By Kafka's codes. */
const operations = ['set', 'delete', 'append', 'subtract'] as const

export const incrementalAlterConfigs: Handler = handler(
  messages.incrementalAlterConfigs,
  async ({ resources, validateOnly }, context) => ({
    throttleTimeMs: 0,
    responses: await changeEach(resources, context, async (resource, { configs }) => {
      await context.broker.admin.alterKnownConfigs(resource, configs.map(changeOf), validateOnly)
    }),
  }),
)

/** @throws MillraceError INVALID_ARGUMENT */
function changeOf(asked: Asked): ConfigChange {
  const { name, configOperation } = asked
  const op = operations[configOperation]
  if (op === undefined)
    throw new MillraceError('INVALID_ARGUMENT', `Unknown operation ${configOperation} for config '${name}'.`)
  return op === 'delete' ? { name, op } : { name, op, value: valueOf(asked) }
}
