import { resolve, segments, type Path } from '../dav/href.js'
import { DavError } from '../dav/error.js'
import { Answers } from '../property/answer.js'
import { defaultLimits } from '../site/limits.js'
import type { DavRequest } from '../site/request.js'
import type { Resource } from '../site/resource.js'
import { element, text } from '../xml/element.js'
import type { Name } from '../xml/name.js'
import { parse } from '../xml/parse.js'

/** A DAV:href in the text of a property. */
export interface Href {
  /** Its text, decoded. */
  readonly href: string
  /** A client wrote it (dav/prefix.ts). */
  readonly isStored: boolean
}

/** A DAV:href as `fragment` writes it: empty second group = of our own making. */
const pattern = /<D:href( ?)>([^<]*)<\/D:href>/g

/** The parts of a property's text, in order: what stands between, and each DAV:href (RFC 3253 3.8: wherever it stands). */
export function splitAtHrefs (xml: string): (string | Href)[] {
  const found: (string | Href)[] = []
  let end = 0
  for (const match of xml.matchAll(pattern)) {
    found.push(xml.slice(end, match.index), { href: decoded(match[2] ?? ''), isStored: match[1] !== '' })
    end = match.index + match[0].length
  }
  return [...found, xml.slice(end)]
}

function decoded (xml: string): string {
  return (xml.includes('&') ? text(parse(`<a>${xml}</a>`, defaultLimits)) : xml).trim()
}

/** Where an href leads, for who asks; undefined when it is elsewhere, or cannot be a path of ours. */
export function pathOf ({ url, origins }: DavRequest, { href, isStored }: Href): Path | undefined {
  try {
    return !isStored && href.startsWith('/') ? segments(href) : resolve(url, href, origins)
  } catch (error) {
    if (error instanceof DavError) return undefined
    throw error
  }
}

/** What a property of a resource points to, asked for many resources. */
export class HrefsOf {
  readonly #answers: Answers

  constructor ({ site, user }: DavRequest, name: Name) {
    this.#answers = new Answers(site, user, { form: 'named', properties: [element(name)] }, false)
  }

  /** The hrefs in its value; none when the user may not read it. */
  async of (resource: Resource): Promise<Href[]> {
    await this.#answers.prepare(resource)
    const found = this.#answers.of(resource).find(({ status }) => status === 200)
    return found === undefined ? [] : splitAtHrefs(found.xml).filter(part => typeof part !== 'string')
  }
}
