import { feed } from '../../calendar/feed.js'
import type { Form } from '../../calendar/media.js'
import type { Place } from '../place.js'

/** A file that is not in an export, or not as it lies on the disk. */
export interface NotAsIs { readonly name: string, readonly problem: string, readonly isServed: boolean }

/**
 * A calendar as one stream of iCalendar or jCal, as it is served: its name and colour, all objects, each time zone once.
 * @param told  hears of files that are not exported as they lie on the disk
 */
export async function * exported ({ home, collection, ...rest }: Place, form: Form, told: (file: NotAsIs) => void): AsyncGenerator<string> {
  await home.fresh(collection)
  const members = home.members(collection)
  const served = new Set(members.map(({ name }) => name))
  for (const { name, problem } of home.problems(collection)) told({ name, problem, isServed: served.has(name) })
  yield * feed({ ...rest, home, collection }, members, { form, zones: undefined })
}
