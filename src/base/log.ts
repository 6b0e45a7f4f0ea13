/** Where a node says what happens. Fields are plain data; secrets and links never go in. */
export interface Log {
  /** What only helps to find a mistake. */
  debug(message: string, fields?: object): void
  /** What happens when all is well. */
  info(message: string, fields?: object): void
  /** What is wrong, and was dealt with. */
  warn(message: string, fields?: object): void
  /** What is wrong, and stays so until somebody looks. */
  error(message: string, fields?: object): void
}

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }

export interface LogLine {
  level: keyof Log
  message: string
  fields: object
}

/** Keeps what was said, for tests that ask whether the log says why. */
export function memoryLog(lines: LogLine[]): Log {
  const at =
    (level: keyof Log) =>
    (message: string, fields: object = {}) =>
      void lines.push({ level, message, fields })
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
