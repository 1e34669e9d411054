import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { freePort } from '../../free-port.js'

/** Debian's slapd on a free port of this machine, with a directory of its own; gone with the test. */
export interface Slapd {
  readonly url: string
  /** The same with TLS from the start; `ca` vouches for it as localhost. */
  readonly secureUrl: string
  readonly ca: string
  /** Password of `cn=admin,dc=example,dc=org`, who may do everything. */
  readonly password: string
  start (): Promise<void>
  stop (): Promise<void>
  /** `ldapmodify` as admin; entries without a changetype are added. */
  modify (ldif: string): void
}

const admin = 'cn=admin,dc=example,dc=org'
const password = 'admin secret'

/** Makes and starts one. The base is there and empty; who has logged in may read all but passwords, `cn=caldavd` with the password `reader` more than 500 entries. */
export async function slapd (t: Test): Promise<Slapd> {
  const root = mkdtempSync(join(tmpdir(), 'slapd-'))
  const [port, securePort] = [await freePort(), await freePort()]
  const [url, secureUrl] = [`ldap://localhost:${port}`, `ldaps://localhost:${securePort}`]
  mkdirSync(join(root, 'db'))
  const [key, ca] = [join(root, 'key.pem'), join(root, 'cert.pem')]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', ca, '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'], { stdio: 'ignore' })
  writeFileSync(join(root, 'slapd.conf'), [
    ...['core', 'cosine', 'inetorgperson', 'nis'].map(schema => `include /etc/ldap/schema/${schema}.schema`),
    // Lets in who names somebody and gives no password, as many servers do
    'allow bind_anon_dn', 'modulepath /usr/lib/ldap', 'moduleload back_mdb', `pidfile ${root}/pid`, `TLSCertificateFile ${ca}`, `TLSCertificateKeyFile ${key}`,
    'database mdb', `directory ${root}/db`, 'suffix dc=example,dc=org', `rootdn ${admin}`, `rootpw "${password}"`,
    'limits dn.exact="cn=caldavd,dc=example,dc=org" size.prtotal=unlimited',
    'access to attrs=userPassword by anonymous auth by * none', 'access to * by users read by * none', ''
  ].join('\n'))
  let child: ChildProcess | undefined
  const stop = async (): Promise<void> => {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null || running.signalCode !== null) return
    const gone = new Promise(resolve => running.once('exit', resolve))
    running.kill('SIGTERM')
    const hard = setTimeout(() => running.kill('SIGKILL'), 5000)
    await gone
    clearTimeout(hard)
  }
  const start = async (): Promise<void> => {
    const started = child = spawn('slapd', ['-h', `ldap://127.0.0.1:${port} ldaps://127.0.0.1:${securePort}`, '-f', join(root, 'slapd.conf'), '-d', '0'], { stdio: ['ignore', 'ignore', 'pipe'] })
    let printed = ''
    started.stderr?.on('data', text => { printed = (printed + String(text)).slice(-5000) })
    for (let tries = 0; !await answers(port); tries++) {
      if (started.exitCode !== null || tries > 400) throw new Error(`slapd did not come up: ${printed}`)
      await new Promise(resolve => setTimeout(resolve, 25))
    }
  }
  t.teardown(async () => {
    await stop()
    rmSync(root, { recursive: true, force: true })
  })
  await start()
  const modify = (ldif: string): void => {
    execFileSync('ldapmodify', ['-a', '-x', '-H', `ldap://127.0.0.1:${port}`, '-D', admin, '-w', password], { input: ldif, stdio: ['pipe', 'ignore', 'pipe'] })
  }
  modify(entry('dc=example,dc=org', 'dcObject organization', { dc: 'example', o: 'Example' }) +
    entry('cn=caldavd,dc=example,dc=org', 'organizationalRole simpleSecurityObject', { cn: 'caldavd', userPassword: 'reader' }))
  return { url, secureUrl, ca, password, start, stop, modify }
}

/** One entry in LDIF. */
export function entry (dn: string, classes: string, attributes: Readonly<Record<string, string | readonly string[]>>): string {
  const line = (name: string, value: string) => `${name}:: ${Buffer.from(value).toString('base64')}`
  return [
    line('dn', dn), ...classes.split(' ').map(name => `objectClass: ${name}`),
    ...Object.entries(attributes).flatMap(([name, values]) => [values].flat().map(value => line(name, value))), '', ''
  ].join('\n')
}

function answers (port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = net.connect(port, '127.0.0.1', () => { socket.destroy(); resolve(true) })
    socket.on('error', () => resolve(false))
  })
}
