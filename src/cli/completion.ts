import type { Command } from 'commander'
import { DreyError } from '../base/error.ts'

/** A command as a shell completes it. */
interface Words {
  /** "name set" */
  readonly path: string
  readonly description: string
  readonly commands: readonly Words[]
  /** "--data", "-q" and the like, each with what it is for. */
  readonly options: readonly { readonly flag: string; readonly description: string }[]
}

export const shells = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof shells)[number]

/** A script that completes commands, options and files; made of what `--help` is made of. Throws 'bad-input'. */
export function completionFor(shell: string, program: Command): string {
  const scripts: Record<Shell, (words: Words) => string> = { bash, zsh, fish }
  if (!(shells as readonly string[]).includes(shell)) {
    throw new DreyError('bad-input', `not a shell: "${shell}"; choose ${shells.join(', ')}`)
  }
  return scripts[shell as Shell](wordsOf(program, ''))
}

function wordsOf(command: Command, path: string): Words {
  const help = command.createHelp()
  const visible = help.visibleCommands(command).filter((one) => one.name() !== 'help')
  return {
    path,
    description: command.description(),
    commands: visible.map((one) => wordsOf(one, `${path} ${one.name()}`.trim())),
    options: help
      .visibleOptions(command)
      .flatMap(({ short, long, description }) =>
        [short, long]
          .filter((flag) => typeof flag === 'string')
          .map((flag) => ({ flag, description })),
      ),
  }
}

function all(words: Words): Words[] {
  return [words, ...words.commands.flatMap(all)]
}

const nameOf = ({ path }: Words) => path.slice(path.lastIndexOf(' ') + 1)

function bash(words: Words): string {
  const global = words.options.map(({ flag }) => flag)
  const cases = all(words).map((one) => {
    const flags = one.options.map(({ flag }) => flag)
    const list = [...one.commands.map(nameOf), ...new Set([...flags, ...global])].join(' ')
    return `    '${one.path}') words='${list}' ;;`
  })
  const known = all(words).map(({ path }) => `'${path}'`)
  return `# drey completion bash > /etc/bash_completion.d/drey
_drey() {
  local current=\${COMP_WORDS[COMP_CWORD]} path='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
    ${known.join(' | ')}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o bashdefault -o default -F _drey drey`
}

function zsh(words: Words): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`
  const described = (name: string, description: string) =>
    quoted(`${name.replaceAll(':', '\\:')}:${description}`)
  const cases = all(words).map((one) => {
    const commands = one.commands.map((each) => described(nameOf(each), each.description))
    const options = [...one.options, ...(one === words ? [] : words.options)]
    const flags = options.map(({ flag, description }) => described(flag, description))
    return `    ${quoted(one.path)}) commands=(${commands.join(' ')}); options=(${flags.join(' ')}) ;;`
  })
  const known = all(words).map(({ path }) => quoted(path))
  return `#compdef drey
# drey completion zsh > ~/.zfunc/_drey; with "fpath+=~/.zfunc" before compinit in ~/.zshrc
_drey() {
  local place='' word
  local -a commands options
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "\${place:+$place }$word" in
    ${known.join(' | ')}) place="\${place:+$place }$word" ;;
    esac
  done
  case "$place" in
${cases.join('\n')}
  esac
  if [[ "$PREFIX" == -* ]]; then _describe option options
  elif (( \${#commands} )); then _describe command commands
  else _files
  fi
}
if [ "$funcstack[1]" = _drey ]; then _drey "$@"; else compdef _drey drey; fi`
}

function fish(words: Words): string {
  const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
  const condition = ({ path }: Words, commands: readonly Words[]) => {
    const seen = path.split(' ').map((name) => `__fish_seen_subcommand_from ${name}`)
    const none = commands.map(nameOf).join(' ')
    const not = none === '' ? [] : [`not __fish_seen_subcommand_from ${none}`]
    return quoted([...(path === '' ? [] : seen), ...not].join('; and '))
  }
  const lines = all(words).flatMap((one) => [
    ...one.commands.map(
      (each) =>
        `complete -c drey -n ${condition(one, one.commands)} -f -a ${nameOf(each)} -d ${quoted(each.description)}`,
    ),
    ...one.options.map(({ flag, description }) => {
      const form = flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`
      const where = one.path === '' ? '' : `-n ${condition(one, [])} `
      return `complete -c drey ${where}${form} -d ${quoted(description)}`
    }),
  ])
  return ['# drey completion fish > ~/.config/fish/completions/drey.fish', ...lines].join('\n')
}
