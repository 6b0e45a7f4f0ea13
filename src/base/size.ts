const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** For people: "1.50 GiB". */
export function formatSize(bytes: number): string {
  let [value, unit] = [bytes, 0]
  while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1]
  return `${unit === 0 ? value : value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${units[unit]}`
}
