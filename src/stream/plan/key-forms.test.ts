/** Which topics a stream can be written to, by the form of its keys. */
import { throws } from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, json, text, topic, windowed } from '../../schema/index.ts'
import { App, tumbling } from '../index.ts'

const numbers = topic('numbers', { key: text(), value: json<number>() })
const out = topic('out', { key: text(), value: json<number>() })

const keyed = {
  none: topic('none-out', { value: json() }),
  string: topic('text-out', { key: text(), value: json() }),
  json: topic('json-out', { key: json(), value: json() }),
  bytes: topic('bytes-out', { key: bytes(), value: json() }),
  windowed: topic('windowed-out', { key: windowed(text()), value: json() }),
}
type Form = keyof typeof keyed

/** The topics to which a stream of such keys can be written. */
const writable: Readonly<Record<Form, readonly Form[]>> = {
  none: ['none', 'string', 'json', 'bytes', 'windowed'],
  string: ['string', 'json'],
  // The type of a JSON key is only known for each record.
  json: ['none', 'string', 'json', 'bytes', 'windowed'],
  bytes: ['bytes'],
  windowed: ['json', 'windowed'],
}
for (const [from, to] of Object.entries(writable) as [Form, readonly Form[]][])
  test(`keys of the form ${from} are written to topics of keys ${to.join(', ')}, and no others`, () => {
    for (const form of Object.keys(keyed) as Form[]) {
      const app = new App('app')
      const stream = app.stream({ ...keyed[from], name: 'in' })
      if (to.includes(form)) stream.to(keyed[form] as never)
      else
        throws(() => stream.to(keyed[form] as never), {
          code: 'INVALID_TOPOLOGY',
          message: /'in' cannot be written to topic '\w+-out': its keys are/,
        })
    }
  })

test('windowed results are written as the message for a text key advises', () => {
  const app = new App('app')
  const counts = app.stream(numbers).groupByKey().windowedBy(tumbling('1h')).count().emit('final')
  throws(() => counts.to(out as never), /key: windowed\(…\).*toStream\(\(\{ key \}\) => key\)/)
  counts.to(topic('by-hour', { key: windowed(text()), value: json<number>() }))
  counts.toStream(({ key }) => key).to(out)
})
