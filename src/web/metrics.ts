import type { Registry } from 'prom-client'
import { bytesReply, type Door } from '../gateway/door.ts'
import { factsOf, type Facts } from './facts.ts'
import type { Route } from './route.ts'
import type { Tally } from './tally.ts'

/** A number that is watched; `undefined` while it is not known. */
interface Watched {
  readonly name: string
  readonly help: string
  readonly of: (facts: Facts) => number | undefined
}

const gauges: readonly Watched[] = [
  { name: 'shards', help: 'Shards kept here', of: ({ status }) => status.shards ?? undefined },
  {
    name: 'bytes',
    help: 'Bytes of shards kept here',
    of: ({ status }) => status.bytes ?? undefined,
  },
  { name: 'free_bytes', help: 'Bytes of room left', of: ({ status }) => status.free ?? undefined },
  { name: 'peers', help: 'Members connected', of: ({ status }) => status.members.length },
  {
    ...{
      name: 'blocks',
      help: 'Blocks looked after: those of which this node is the first holder',
    },
    of: ({ status }) => status.mend?.census.blocks,
  },
  {
    ...{ name: 'blocks_below', help: 'Of them, those that survive fewer losses than they should' },
    of: ({ status }) => status.mend?.census.below,
  },
  {
    ...{ name: 'blocks_lost', help: 'Of them, those of which too few shards are left' },
    of: ({ status }) => status.mend?.census.lost,
  },
  {
    ...{ name: 'blocks_survive', help: 'Members that may vanish until the first of them is lost' },
    of: ({ status }) => status.mend?.census.survives,
  },
  {
    name: 'mend_waiting_blocks',
    help: 'Blocks that wait to be mended',
    of: ({ status }) => status.mend?.waiting,
  },
  {
    ...{ name: 'scrub_part', help: 'How much of everything the pass under way has read, 0 to 1' },
    of: ({ status }) => status.scrub.pass.part,
  },
  {
    ...{ name: 'scrub_ended_seconds', help: 'When the last whole pass ended, since 1970' },
    of: ({ status }) => status.scrub.last && status.scrub.last.endedAt / 1000,
  },
  {
    ...{ name: 'scrub_rotted_shards', help: 'Shards that the pass under way found rotten' },
    of: ({ status }) => status.scrub.pass.rotted,
  },
  {
    ...{ name: 'scrub_unread', help: 'What the pass under way could not read' },
    of: ({ status }) => status.scrub.pass.unread,
  },
  { name: 'leased_blobs', help: 'Blobs that this node has leases for', of: ({ kept }) => kept },
]

const counters: readonly Watched[] = [
  { name: 'mended_blocks_total', help: 'Blocks mended', of: ({ status }) => status.mend?.mended },
  {
    name: 'recoded_blocks_total',
    help: 'Blocks coded anew',
    of: ({ status }) => status.mend?.recoded,
  },
  {
    ...{ name: 'handed_over_shards_total', help: 'Shards that went to where they belong' },
    of: ({ status }) => status.mend?.handedOver,
  },
  {
    name: 'mend_failed_total',
    help: 'What could not be mended yet',
    of: ({ status }) => status.mend?.failed,
  },
  {
    name: 'mend_moved_bytes_total',
    help: 'Bytes moved for it',
    of: ({ status }) => status.mend?.movedBytes,
  },
  {
    ...{ name: 'removed_blocks_total', help: 'Blocks removed that nobody wanted' },
    of: ({ status }) => status.garbage.blocks,
  },
  {
    ...{ name: 'removed_bytes_total', help: 'Bytes removed that nobody wanted' },
    of: ({ status }) => status.garbage.bytes,
  },
]

export interface MetricsParts {
  readonly inner: Door
  readonly tally: Tally
  readonly readers: () => number
}

/** `GET /metrics`, as Prometheus reads it. The library is loaded, and begins to measure, with the first one. */
export function metricsRoutes(parts: MetricsParts): Route[] {
  let loading: Promise<Metrics> | undefined
  return [
    {
      ...{ method: 'GET', path: '/metrics', access: 'token' },
      answer: async ({ request }) => {
        const facts = await factsOf(parts.inner, request.signal)
        const { registry, set } = await (loading ??= load(parts))
        set(facts)
        const text = Buffer.from(await registry.metrics())
        return bytesReply(text, { 'content-type': registry.contentType })
      },
    },
  ]
}

interface Metrics {
  readonly registry: Registry
  /** What the node says now. */
  readonly set: (facts: Facts) => void
}

async function load({ tally, readers }: MetricsParts): Promise<Metrics> {
  const { Counter, Gauge, Registry, collectDefaultMetrics } = (await import('prom-client')).default
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const named = ({ name, help }: Omit<Watched, 'of'>) => ({ name: `drey_${name}`, help, registers })
  const shown = gauges.map((one) => ({ ...one, metric: new Gauge(named(one)) }))
  const counted = counters.map((one) => ({ ...one, metric: new Counter(named(one)) }))
  const readersNow = new Gauge(named({ name: 'http_readers', help: 'Blobs being read over HTTP' }))
  const labelNames = ['method', 'route', 'status'] as const
  const help = 'Requests answered over HTTP'
  const requests = new Counter({ ...named({ name: 'http_requests_total', help }), labelNames })
  return {
    registry,
    set: (facts) => {
      for (const { metric, of } of shown) metric.set(of(facts) ?? NaN)
      for (const { metric, of } of counted) {
        metric.reset()
        metric.inc(of(facts) ?? 0)
      }
      readersNow.set(readers())
      requests.reset()
      for (const { method, route, status, count } of tally.all()) {
        requests.inc({ method, route, status }, count)
      }
    },
  }
}
