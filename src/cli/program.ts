import { CommanderError } from 'commander'
import { describeProgram } from './commands.ts'
import { interruptedCode, tellFailure, type Global } from './output.ts'

const awakeMs = 60_000

/** Runs one command; resolves to the exit code. Ctrl-C and SIGTERM abort what is under way. */
export async function run(argv: readonly string[]): Promise<number> {
  const interruption = new AbortController()
  let interruptions = 0
  const interrupt = () => {
    interruptions += 1
    if (interruptions > 1) process.exit(interruptedCode) // Asked twice: at once.
    interruption.abort(new Interrupted())
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  // Whoever read what we say may leave (`| head`): unheard, that would be a crash.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  let exitCode = 0
  const program = describeProgram((command, action) =>
    command.action(async () => {
      const options = command.optsWithGlobals<Global>()
      try {
        await action(options as never, interruption.signal, command.args)
      } catch (error) {
        const wasInterrupted = interruption.signal.aborted
        exitCode = wasInterrupted ? interruptedCode : tellFailure(options, error)
      }
    }),
  )
  const awake = setInterval(() => {}, awakeMs) // Who only waits for others, by timers that hold up nothing, is not done.
  try {
    await program.parseAsync(argv)
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? 0 : 2 // Help and version are no failures; the rest is told already.
  } finally {
    clearInterval(awake)
  }
  return exitCode
}

class Interrupted extends Error {
  constructor() {
    super('interrupted')
  }
}
