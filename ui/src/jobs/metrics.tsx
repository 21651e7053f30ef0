/** The metrics of a training job, also while it runs: their curves, and their last values. */
import { aws, useLoaded } from '../api'
import { useTick } from '../changes'
import { number } from '../format'
import { Chart } from '../parts/chart'
import { Problem } from '../parts/page'
import { type Drawn, dimensionsOf, series } from '../parts/series'
import type { Training } from './training'

const NAMESPACE = '/aws/sagemaker/TrainingJobs'
const SHOWN = 6

/** A job that has ended names its metrics; of one that runs CloudWatch knows what it has printed. */
async function namesOf(job: Training): Promise<string[]> {
  if (job.FinalMetricDataList?.length || job.TrainingJobStatus !== 'InProgress') return (job.FinalMetricDataList ?? []).map(each => each.MetricName)
  const found = await aws<{ Metrics: { MetricName: string }[] }>('cloudwatch', 'ListMetrics', { Namespace: NAMESPACE, Dimensions: dimensionsOf({ TrainingJobName: job.TrainingJobName }) })
  return found.Metrics.map(each => each.MetricName)
}

async function curves(job: Training): Promise<Drawn> {
  const names = await namesOf(job)
  const end = (job.TrainingEndTime ? Date.parse(job.TrainingEndTime) : Date.now()) + 2000
  const lines = names.slice(0, SHOWN).map(name => ({ label: name, metric: name, statistic: 'Average' as const, dimensions: { TrainingJobName: job.TrainingJobName } }))
  return series(NAMESPACE, lines, Date.parse(job.CreationTime) - 1000, end)
}

export function Metrics({ job }: { job: Training }) {
  const runs = job.TrainingJobStatus === 'InProgress'
  const tick = useTick(2000)
  const loaded = useLoaded(() => curves(job), [job.TrainingJobName, job.TrainingJobStatus], runs ? tick : Date.parse(job.LastModifiedTime))
  const drawn = loaded.value
  const final = job.FinalMetricDataList?.map((each): [string, number] => [each.MetricName, each.Value])
  const last = final ?? drawn?.labels.map((label, at): [string, number] => [label, drawn.data[at + 1]?.findLast(value => value !== null) ?? NaN]) ?? []
  if (!last.length && loaded.waiting) return <p class="dim">Reading them…</p>
  if (!last.length)
    return <><Problem error={loaded.error} /><p class="dim">{runs ? 'No metrics yet: none of its MetricDefinitions has matched a line of its log so far.' : 'No metrics: none of its MetricDefinitions has matched a line of its log.'}</p></>
  return (
    <>
      <Problem error={loaded.error} />
      {drawn && (drawn.data[0]?.length ?? 0) > 1 && <Chart title="metrics, mean of each period" data={drawn.data} labels={drawn.labels} time />}
      <table class="metrics"><tbody>{last.map(([name, value]) => <tr key={name}><th scope="row">{name}</th><td>{number(value)}</td></tr>)}</tbody></table>
    </>
  )
}
