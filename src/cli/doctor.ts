import { existsSync } from 'node:fs'
import { systemClock } from '../base/clock.ts'
import { DreyError, isDreyError, messageOf } from '../base/error.ts'
import { dataFolder } from '../daemon/folder.ts'
import type { DoctorReply, Diagnosis } from '../gateway/doctor.ts'
import { say, type Global } from './output.ts'
import { ask, openVisit, readReply } from './visit.ts'

/** `drey doctor` */
export async function doctorCommand(options: Global, signal: AbortSignal): Promise<void> {
  const diagnoses = await examined(options, signal)
  say(options, { diagnoses } satisfies DoctorReply, describe(diagnoses))
  judge(diagnoses)
}

/** What the node says of itself; what its folder shows, when it does not open. */
async function examined(options: Global, signal: AbortSignal): Promise<readonly Diagnosis[]> {
  try {
    await using visit = await openVisit(options)
    const reply = await ask(visit.door, 'GET', '/doctor', { signal })
    return (await readReply<DoctorReply>(reply)).diagnoses
  } catch (error) {
    signal.throwIfAborted()
    const folder = dataFolder(options.data)
    if (!existsSync(folder.config)) throw error
    const code = isDreyError(error) ? error.code : 'cannot-write'
    const todo = 'see what follows; drey start says the same'
    const node: Diagnosis = { what: 'node', state: 'bad', seen: messageOf(error), todo, code }
    const { examineFolder } = await import('../daemon/doctorFolder.ts')
    return [node, ...(await examineFolder(folder, systemClock))]
  }
}

const marks: Record<Diagnosis['state'], string> = { ok: 'ok  ', warn: 'look', bad: 'BAD ' }

function describe(diagnoses: readonly Diagnosis[]): string {
  const width = Math.max(...diagnoses.map(({ what }) => what.length))
  const indent = ' '.repeat(marks.ok.length + width + 4)
  return diagnoses
    .flatMap(({ what, state, seen, todo }) => [
      `${marks[state]}  ${what.padEnd(width)}  ${seen}`,
      ...(todo === undefined ? [] : [`${indent}→ ${todo}`]),
    ])
    .join('\n')
}

/** Throws the first bad thing's code, so that a script can tell. */
function judge(diagnoses: readonly Diagnosis[]): void {
  const bad = diagnoses.filter(({ state }) => state === 'bad')
  const [first] = bad
  if (first === undefined) return
  const what = bad.map((one) => one.what).join(', ')
  throw new DreyError(first.code ?? 'cannot-write', `not as it should be: ${what}`)
}
