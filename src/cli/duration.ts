import { DreyError } from '../base/error.ts'

const unitMs: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** "30m", "24h", "7d" */
export function parseDuration(text: string): number {
  const match = /^(\d+)\s*([smhd])$/.exec(text.trim())
  if (match !== null) return Number(match[1]) * unitMs[match[2]!]!
  throw new DreyError('bad-input', `not a time: "${text}"; write 30m, 24h or 7d`)
}
