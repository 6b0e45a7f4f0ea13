/** What is drawn of a swarm of this size. */
export interface Point {
  readonly nodes: number
  readonly hops: number
  readonly hopsMost: number
  readonly messages: number
}

interface Line {
  readonly name: string
  readonly kind: string
  readonly values: readonly (readonly [nodes: number, value: number])[]
}

interface Panel {
  readonly title: string
  readonly lines: readonly Line[]
  readonly ticks: readonly number[]
  /** Where a value is, from 0 at the bottom to 1 at the top. */
  readonly heightOf: (value: number) => number
}

const [width, height, left, top, plotWidth, plotHeight, gap] = [860, 330, 56, 48, 300, 210, 120]
const font = 'system-ui, sans-serif'
const style = `
  text { font: 13px ${font}; fill: #3b4252 }
  .title { font-weight: 600; font-size: 14px }
  .quiet { stroke: #8a93a5; stroke-opacity: .35; stroke-width: 1 }
  .line { fill: none; stroke-width: 2.5; stroke-linejoin: round }
  .dht { stroke: #1f7a5c } .most { stroke: #1f7a5c; stroke-dasharray: 5 5 }
  .bound { stroke: #8a93a5; stroke-dasharray: 2 4 } .broadcast { stroke: #c2571a }
  @media (prefers-color-scheme: dark) {
    text { fill: #d5dae4 }
    .dht, .most { stroke: #5cc9a0 } .broadcast { stroke: #f0935a }
  }`

/** Two panels over the number of nodes: how many hops a lookup takes, and how many messages. */
export function drawDiscovery(points: readonly Point[]): string {
  const hopsTop = Math.ceil(Math.log2(points.at(-1)!.nodes)) + 2
  const decades = Math.ceil(Math.log10(2 * points.at(-1)!.nodes))
  const line = (name: string, kind: string, valueOf: (point: Point) => number): Line => ({
    ...{ name, kind },
    values: points.map((point) => [point.nodes, valueOf(point)]),
  })
  const hops: Panel = {
    title: 'Hops to the nearest node',
    lines: [
      line('mean', 'dht', (point) => point.hops),
      line('most', 'most', (point) => point.hopsMost),
      line('log₂ N', 'bound', ({ nodes }) => Math.log2(nodes)),
    ],
    ticks: [0, 4, 8, 12, 16].filter((tick) => tick <= hopsTop),
    heightOf: (value) => value / hopsTop,
  }
  const messages: Panel = {
    title: 'Messages of a lookup',
    lines: [
      line('DHT', 'dht', (point) => point.messages),
      line('broadcast', 'broadcast', ({ nodes }) => nodes),
    ],
    ticks: Array.from({ length: decades }, (_, power) => 10 ** power),
    heightOf: (value) => Math.log10(value) / decades,
  }
  const sizes = points.map(({ nodes }) => nodes)
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img"`,
    `  aria-label="Hops and messages of a lookup in the DHT by the number of nodes">`,
    `<style>${style}\n</style>`,
    ...drawPanel(hops, sizes, left),
    ...drawPanel(messages, sizes, left + plotWidth + gap),
    text(width / 2, height - 12, 'nodes; one in ten of them is silently gone', 'middle'),
    '</svg>\n',
  ].join('\n')
}

function drawPanel({ title, lines, ticks, heightOf }: Panel, sizes: number[], x: number): string[] {
  const [low, high] = [Math.log10(sizes[0]!), Math.log10(sizes.at(-1)!)]
  const xOf = (nodes: number) => round(x + ((Math.log10(nodes) - low) / (high - low)) * plotWidth)
  const yOf = (value: number) => round(top + (1 - heightOf(value)) * plotHeight)
  const grid = ticks.flatMap((tick) => [
    `<path class="quiet" d="M${x} ${yOf(tick)}h${plotWidth}"/>`,
    text(x - 8, yOf(tick) + 4, tick.toLocaleString('en'), 'end'),
  ])
  const marks = sizes.map((size) =>
    text(xOf(size), top + plotHeight + 22, size.toLocaleString('en'), 'middle'),
  )
  const drawn = lines.flatMap(({ name, kind, values }) => {
    const path = values.map(([nodes, value]) => `${xOf(nodes)} ${yOf(value)}`).join('L')
    const end = yOf(values.at(-1)![1])
    return [`<path class="line ${kind}" d="M${path}"/>`, text(x + plotWidth + 8, end + 4, name)]
  })
  return [text(x, top - 20, title, 'start', 'title'), ...grid, ...marks, ...drawn]
}

function text(x: number, y: number, words: string, anchor = 'start', kind = ''): string {
  const className = kind === '' ? '' : ` class="${kind}"`
  return `<text x="${x}" y="${y}" text-anchor="${anchor}"${className}>${words}</text>`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
