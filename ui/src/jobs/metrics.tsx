/** The metrics of a training job: their curves from CloudWatch, and their last values. */
import { aws, useLoaded } from '../api'
import { number } from '../format'
import { Chart } from '../parts/chart'
import { Problem } from '../parts/page'
import type { Training } from './training'

interface Point { Timestamp: string; Average: number }
const PERIODS = [1, 5, 10, 20, 30, 60, 300, 900, 3600]
/** Points of one answer that CloudWatch allows. */
const MOST = 1440
const SHOWN = 6

async function curves(job: Training): Promise<{ data: (number | null)[][]; labels: string[] }> {
  const names = (job.FinalMetricDataList ?? []).map(each => each.MetricName).slice(0, SHOWN)
  const begin = Date.parse(job.CreationTime) - 1000
  const end = (job.TrainingEndTime ? Date.parse(job.TrainingEndTime) : Date.now()) + 2000
  const period = PERIODS.find(each => (end - begin) / 1000 / each < MOST) ?? 86400
  const asked = {
    Namespace: '/aws/sagemaker/TrainingJobs', Dimensions: [{ Name: 'TrainingJobName', Value: job.TrainingJobName }],
    StartTime: new Date(begin).toISOString(), EndTime: new Date(end).toISOString(), Period: period, Statistics: ['Average'],
  }
  const found = await Promise.all(names.map(name => aws<{ Datapoints: Point[] }>('cloudwatch', 'GetMetricStatistics', { ...asked, MetricName: name })))
  const lines = found.map(each => new Map(each.Datapoints.map(point => [Date.parse(point.Timestamp) / 1000, point.Average])))
  const times = [...new Set(lines.flatMap(line => [...line.keys()]))].sort((a, b) => a - b)
  return { labels: names, data: [times, ...lines.map(line => times.map(time => line.get(time) ?? null))] }
}

export function Metrics({ job }: { job: Training }) {
  const last = job.FinalMetricDataList ?? []
  const names = last.map(each => each.MetricName).join()
  const loaded = useLoaded(() => curves(job), [job.TrainingJobName, names, job.TrainingJobStatus], Date.parse(job.LastModifiedTime) + last.reduce((sum, each) => sum + each.Value, 0))
  if (!last.length) return <p class="dim">No metrics: none of its MetricDefinitions has matched a line of its log.</p>
  const drawn = loaded.value
  return (
    <>
      <Problem error={loaded.error} />
      {drawn && (drawn.data[0]?.length ?? 0) > 1 && <Chart title="metrics, mean of each period" data={drawn.data} labels={drawn.labels} time />}
      <table class="metrics"><tbody>{last.map(each => <tr key={each.MetricName}><th scope="row">{each.MetricName}</th><td>{number(each.Value)}</td></tr>)}</tbody></table>
    </>
  )
}
