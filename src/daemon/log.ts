import { writeSync } from 'node:fs'
import type { Log } from '../base/log.ts'

const levels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof levels)[number]

export function isLogLevel(text: string): text is LogLevel {
  return (levels as readonly string[]).includes(text)
}

/**
 * Writes a JSON object a line to a file descriptor: time, level, message, and the fields. Written at
 * once, so that the last line before a crash is there. A library for this costs a node 2 MB of private
 * memory (measured), which is more than what it would do here is worth.
 */
export function jsonLog(fd: number, least: LogLevel): Log {
  const at = (level: LogLevel) => (message: string, fields?: object) => {
    if (levels.indexOf(level) < levels.indexOf(least)) return
    const time = new Date().toISOString()
    try {
      writeSync(fd, `${JSON.stringify({ time, level, message, ...fields })}\n`)
    } catch {
      // Nobody reads the log any more, or its disk is full: the node goes on without it.
    }
  }
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
