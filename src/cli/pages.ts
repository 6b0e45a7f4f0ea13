import type { Command } from 'commander'

const width = 100

/** The help of every command, as one page of Markdown: docs/cli.md. */
export function helpPages(program: Command): string {
  const pages = ['# Every command', '', about, ...all(program).flatMap(pageOf)]
  return `${pages
    .join('\n')
    .replace(/\n{3,}/g, '\n\n')
    .trimEnd()}\n`
}

const about =
  'As `drey --help` and `drey COMMAND --help` print it; `npm run docs:cli` writes this page.'

function all(command: Command): Command[] {
  const visible = command.createHelp().visibleCommands(command)
  return [command, ...visible.filter((one) => one.name() !== 'help').flatMap(all)]
}

function pageOf(command: Command): string[] {
  const names: string[] = []
  for (let one: Command | null = command; one !== null; one = one.parent) names.unshift(one.name())
  let text = ''
  command.configureOutput({ writeOut: (part) => (text += part), getOutHelpWidth: () => width })
  command.outputHelp()
  return ['', `## ${names.join(' ')}`, '', '```text', text.trim(), '```']
}
