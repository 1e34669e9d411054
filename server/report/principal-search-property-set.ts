import { xmlType } from '../dav/reply.js'
import { element } from '../xml/element.js'
import { dav } from '../xml/name.js'
import { declarations, escapeText, fragment, xmlDeclaration } from '../xml/write.js'
import { demandDepth0 } from './named.js'
import type { Report } from './report.js'
import { searchable } from './searchable.js'

/** RFC 3744 9.5 */
export const principalSearchPropertySet: Report = {
  name: dav('principal-search-property-set'),
  privilege: dav('read'),
  run: async request => {
    demandDepth0(request)
    return { status: 200, headers: { 'content-type': xmlType }, body: answer }
  }
}

const answer = `${xmlDeclaration}<D:principal-search-property-set${declarations}>` + searchable.map(({ name, meaning }) =>
  `<D:principal-search-property><D:prop>${fragment(element(name))}</D:prop><D:description xml:lang="en">${escapeText(meaning)}</D:description></D:principal-search-property>`).join('') +
  '</D:principal-search-property-set>'
