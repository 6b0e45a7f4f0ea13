import { stripVTControlCharacters, styleText } from 'node:util'
import { messageOf } from '../base/error.ts'
import type { Log } from '../base/log.ts'

const levels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof levels)[number]

/** One thing that was said. */
export interface LogWord {
  readonly time: Date
  readonly level: LogLevel
  readonly message: string
  readonly fields: object
}

/** Takes a whole line at once, with its end. What it throws is swallowed. */
export type LogSink = (line: string) => void

export function isLogLevel(text: unknown): text is LogLevel {
  return (levels as readonly unknown[]).includes(text)
}

/** Writes what is at least so important, a line each, and at once: the last line before a crash is there. */
export function logTo(sink: LogSink, format: (word: LogWord) => string, least: LogLevel): Log {
  const at =
    (level: LogLevel) =>
    (message: string, fields: object = {}) => {
      if (levels.indexOf(level) < levels.indexOf(least)) return
      try {
        sink(`${format({ time: new Date(), level, message, fields })}\n`)
      } catch {
        // Nobody reads the log any more, or its disk is full: the node goes on without it.
      }
    }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** For programs: time, level, message, and the fields. */
export function asJson({ time, level, message, fields }: LogWord): string {
  return JSON.stringify({ time, level, message, ...fields }, withErrors)
}

/** For people, on a terminal: others' words in it have no control over that. */
export function asWords({ time, level, message, fields }: LogWord): string {
  const colour = ({ debug: 'dim', info: 'green', warn: 'yellow', error: 'red' } as const)[level]
  const mark = styleText(colour, level.padEnd(5), { stream: process.stderr })
  const rest = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${wordOf(value)}`)
  const said = plain([message, ...rest].join('  '))
  return `${time.toTimeString().slice(0, 8)} ${mark} ${said}`
}

function wordOf(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(messageOf(value))
  return typeof value === 'string' && /^[\w.:/-]+$/.test(value)
    ? value
    : JSON.stringify(value, withErrors)
}

function plain(text: string): string {
  return stripVTControlCharacters(text).replace(/\p{Cc}/gu, ' ')
}

/** Errors are no plain data: without this nothing would be left of them. */
function withErrors(_name: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value
  const { message, stack, cause } = value
  return { ...value, message, stack, cause }
}
