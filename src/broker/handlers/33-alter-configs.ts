/**
 * AlterConfigs (33), versions 0-2: replaces the configs of topics and of the broker. What a resource has set,
 * and the request does not name, returns to its default. The configs of the broker are those that can change
 * while it runs: the defaults of topics.
 */
import { messages } from '../../wire/index.ts'
import { changeEach, valueOf } from './config-changes.ts'
import { handler, type Handler } from './handler.ts'

export const alterConfigs: Handler = handler(
  messages.alterConfigs,
  async ({ resources, validateOnly }, context) => ({
    throttleTimeMs: 0,
    responses: await changeEach(resources, context, async (resource, { configs }) => {
      const given = configs.map(each => ({ name: each.name, value: valueOf(each) }))
      await context.broker.admin.replaceConfigs(resource, given, validateOnly)
    }),
  }),
)
