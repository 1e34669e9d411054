import { readFileSync } from 'node:fs'

/** An example of an RFC as it is printed. */
export interface Example {
  readonly method: string
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: string
  readonly response: { readonly status: number, readonly body: string }
}

/** Reads `tests/fixture/<rfc>/<section>.http`: request and response as printed, without page breaks and indentation. */
export function example (rfc: string, section: string): Example {
  const [, request = '', response = ''] = readFileSync(new URL(`../fixture/${rfc}/${section}.http`, import.meta.url), 'utf8').split(/>> (?:Request|Response) <<\n\n/)
  const [asked, told] = [halves(request), halves(response)]
  const [first = '', ...lines] = asked.head
  const [method = '', path = ''] = first.split(' ')
  const headers = Object.fromEntries(lines.map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]))
  delete headers['content-length']
  return { method, path, headers, body: asked.body.trimEnd() + '\n', response: { status: Number(told.head[0]?.split(' ')[1]), body: told.body } }
}

function halves (part: string): { head: string[], body: string } {
  const end = part.indexOf('\n\n')
  return { head: part.slice(0, end).split('\n'), body: part.slice(end + 2) }
}
