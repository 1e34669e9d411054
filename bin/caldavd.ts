#!/usr/bin/env node
import { main } from '../server/cli/main.js'

// whoever reads the results has seen enough: caldavd ls | head
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    if (process.argv[2] !== 'serve') process.exit()
  })
}
process.exitCode = await main(process.argv.slice(2), { stdin: process.stdin, stdout: process.stdout, stderr: process.stderr, environment: process.env })
