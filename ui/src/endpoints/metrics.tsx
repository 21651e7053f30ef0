/** Invocations and latencies of an endpoint over the last hours, by CloudWatch. */
import { useState } from 'preact/hooks'
import { useLoaded } from '../api'
import { useTick } from '../changes'
import { Chart } from '../parts/chart'
import { Problem } from '../parts/page'
import { type Drawn, type Line, series } from '../parts/series'

const SPANS: Record<string, number> = { 'last hour': 1, 'last 6 hours': 6, 'last day': 24, 'last week': 168 }
/** What CloudWatch has of an endpoint is of whole minutes. */
const MINUTE = 60
const SHOWN = 3

export function EndpointMetrics({ endpoint, variants }: { endpoint: string; variants: string[] }) {
  const [span, setSpan] = useState('last hour')
  const tick = useTick(5000)
  const some = variants.slice(0, SHOWN)
  const lines = (metric: string, statistic: Line['statistic'], word: string, scale = 1): Line[] =>
    some.map(variant => ({ label: some.length > 1 ? `${variant} ${word}` : word, metric, statistic, scale, dimensions: { EndpointName: endpoint, VariantName: variant } }))
  const loaded = useLoaded(() => {
    const [begin, end] = [Date.now() - SPANS[span]! * 3_600_000, Date.now() + MINUTE * 1000]
    const draw = (which: Line[]) => series('AWS/SageMaker', which, begin, end, MINUTE)
    return Promise.all([
      draw([...lines('Invocations', 'Sum', 'invocations'), ...lines('Invocation4XXErrors', 'Sum', '4xx'), ...lines('Invocation5XXErrors', 'Sum', '5xx')]),
      // CloudWatch counts microseconds.
      draw([...lines('ModelLatency', 'Average', 'model, mean', 0.001), ...lines('ModelLatency', 'Maximum', 'model, most', 0.001), ...lines('OverheadLatency', 'Average', 'overhead, mean', 0.001)]),
    ])
  }, [endpoint, some, span], tick)
  const [calls, latency] = loaded.value ?? []
  const isThere = (drawn?: Drawn): drawn is Drawn => Boolean(drawn?.data[0]?.length)
  return (
    <>
      <div class="tryfields">
        <label class="dim">Over the <select value={span} onChange={event => setSpan(event.currentTarget.value)}>
          {Object.keys(SPANS).map(each => <option key={each} value={each}>{each}</option>)}
        </select></label>
        {variants.length > SHOWN && <span class="dim">the first {SHOWN} variants</span>}
      </div>
      <Problem error={loaded.error} />
      {loaded.value && !isThere(calls) && !isThere(latency) && <p class="dim">No request in this time.</p>}
      {isThere(calls) && <Chart title="requests a period" data={calls.data} labels={calls.labels} height={140} time />}
      {isThere(latency) && <Chart title="latency, ms" data={latency.data} labels={latency.labels} height={140} time />}
    </>
  )
}
