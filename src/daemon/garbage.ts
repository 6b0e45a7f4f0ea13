import { Collector, type CollectorParts } from '../mend/collect.ts'
import { configDefaults, type Config } from './config.ts'

type Parts = CollectorParts & {
  readonly config: Config
  /** Open for one command alone: it removes nothing by itself. */
  readonly isVisit: boolean
}

/** Goes on removing what nobody wants any more. */
export function openCollector(parts: Parts): { collector: Collector } & AsyncDisposable {
  const { config, isVisit } = parts
  const { graceMs = configDefaults.graceMs } = config
  const collector = new Collector(parts, { graceMs })
  const over = new AbortController()
  const running = isVisit ? undefined : collector.run(over.signal)
  return {
    collector,
    async [Symbol.asyncDispose]() {
      over.abort(new Error('the node is closing'))
      await running
    },
  }
}
