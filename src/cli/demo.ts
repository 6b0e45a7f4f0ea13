import { mkdtemp, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DreyError } from '../base/error.ts'
import * as steps from './demoSteps.ts'
import { describeDemo, figuresOf, type DemoResult } from './demoResult.ts'
import { formatSize, note, parseSize, say, type Global } from './output.ts'
import { statusOf, Town, warmUp, type Citizen } from './town.ts'

export interface DemoCommand extends Global {
  readonly size: string
  readonly file?: string
  readonly nodes: string
  readonly kill: string
}

/** `drey demo`: the main job, with real processes, on this machine. Leaves nothing behind. */
export async function demoCommand(options: DemoCommand, signal: AbortSignal): Promise<void> {
  const nodes = count(options.nodes, '--nodes', 2)
  const kill = count(options.kill, '--kill', 0)
  if (kill > nodes - 2) throw new DreyError('bad-input', '--kill has to leave two nodes at least')
  await warmUp()
  await using town = new Town(await mkdtemp(join(tmpdir(), 'drey-demo-')))
  note(options, `Starting ${nodes} nodes, each a process with a data folder of its own.`)
  // The first puts and the last gets: they have the read secret. The others store what they cannot read.
  for (let at = 0; at < nodes; at++) await town.add(at % (nodes - 1) === 0 ? 'reader' : 'storage')
  await town.gathered(signal)

  const file = options.file ?? (await makeFile(town, options, signal))
  const result = await tell(town, file, kill, options, signal)
  say(options, result, describeDemo(result))
  if (!result.ok) throw new DreyError('corrupt', 'the demo did not show what it should: see above')
}

/** The story itself: put, kill, get, damage, get. */
async function tell(
  town: Town,
  file: string,
  kill: number,
  options: DemoCommand,
  signal: AbortSignal,
): Promise<DemoResult> {
  const [putter, getter] = [town.citizens[0]!, town.citizens.at(-1)!]
  const bytes = (await stat(file)).size
  note(options, `Putting ${formatSize(bytes)} at ${putter.name}.`)
  const put = await steps.putFile(file, putter, options, signal)
  const { address, code, summary } = put.reply
  note(options, `  ${address}\n  ${put.seconds.toFixed(1)} s; ${summary}.`)
  for (const citizen of town.citizens) {
    note(options, `  ${citizen.name} holds ${await steps.countShards(citizen)} shards`)
  }

  const killed = town.citizens.slice(0, kill)
  for (const citizen of killed) await town.kill(citizen)
  if (kill > 0) note(options, `Killed with SIGKILL: ${killed.map(nameOf).join(', ')}.`)

  note(options, `Getting it at ${getter.name}, which did not store it.`)
  const get = await steps.getBack(address, getter, options, signal)
  note(options, `  ${get.seconds.toFixed(1)} s; sha256 ${get.hash}: ${sameOrNot(put, get)}.`)

  for (const citizen of killed) await town.restart(citizen)
  await town.gathered(signal)
  if (kill > 0) note(options, 'Started the killed ones again: one more loss would be one too many.')
  const damaged = await steps.damageOne(town, code.k)
  const { block, index } = damaged.file
  note(
    options,
    `Flipped a bit of shard ${index} of block ${block} on the disk of ${damaged.citizen.name}.`,
  )
  const again = await steps.getBack(address, getter, options, signal)
  const culprit = (await statusOf(damaged.citizen, signal)).id
  const corruptionNamed = again.findings.some((it) => it.member === culprit && it.block === block)
  const named = corruptionNamed ? `${damaged.citizen.name} was named` : 'nobody was named'
  note(
    options,
    `  ${again.seconds.toFixed(1)} s; sha256 ${again.hash}: ${sameOrNot(put, again)}; ${named}.\n`,
  )

  await town.sample()
  const figures = await figuresOf(town, code.k)
  const same = [get, again].every(({ hash }) => hash === put.hash)
  const rate = ({ seconds }: steps.Timed) => ({ seconds, mibPerSecond: bytes / seconds / 2 ** 20 })
  return {
    ok: same && corruptionNamed && figures.every(({ readableBytes }) => readableBytes === 0),
    address,
    bytes,
    summary,
    put: rate(put),
    get: rate(get),
    getDamaged: rate(again),
    nodes: figures,
    killed: killed.map(nameOf),
    corruptionNamed,
  }
}

async function makeFile(town: Town, options: DemoCommand, signal: AbortSignal): Promise<string> {
  const size = parseSize(options.size)
  note(options, `Making a file of ${formatSize(size)}.`)
  return steps.makeFile(join(town.folder, 'file'), size, signal)
}

function nameOf({ name }: Citizen): string {
  return name
}

function sameOrNot(put: steps.Timed, get: steps.Timed): string {
  return put.hash === get.hash ? 'the same' : `NOT the same as ${put.hash}`
}

function count(text: string, option: string, least: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value <= 64) return value
  throw new DreyError('bad-input', `${option} is "${text}"; write a number from ${least} to 64`)
}
