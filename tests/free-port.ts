import net from 'node:net'

/**
 * A port of this machine that nobody listens on, for a server that has to be told one. It is below those that the system gives to
 * whoever asks for any: nobody else gets it before the server has started.
 */
export async function freePort (): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = 15_000 + Math.floor(Math.random() * 17_000)
    if (await isFree(port)) return port
  }
  throw new Error('no port between 15000 and 32000 is free')
}

async function isFree (port: number): Promise<boolean> {
  return await new Promise(resolve => {
    const probe = net.createServer()
    probe.on('error', () => { resolve(false) })
    probe.listen(port, '127.0.0.1', () => { probe.close(() => { resolve(true) }) })
  })
}
