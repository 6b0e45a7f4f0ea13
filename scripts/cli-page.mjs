// Writes docs/cli.md: what the commands say of themselves.
import { writeFileSync } from 'node:fs'
import { describeProgram } from '../src/cli/commands.ts'
import { helpPages } from '../src/cli/pages.ts'

const page = new URL('../docs/cli.md', import.meta.url)
writeFileSync(page, helpPages(describeProgram(() => {})))
