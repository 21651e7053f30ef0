/** The last values of a training job's metrics; they are known once it has ended. */
import { number } from '../format'
import type { Training } from './training'

export function Metrics({ job }: { job: Training }) {
  const last = job.FinalMetricDataList ?? []
  if (!last.length) return <p class="dim">{job.TrainingEndTime ? 'No metrics: none of its MetricDefinitions has matched a line of its log.' : 'They are here when it has ended; the log has them already.'}</p>
  return <table class="metrics"><tbody>{last.map(each => <tr key={each.MetricName}><th scope="row">{each.MetricName}</th><td>{number(each.Value)}</td></tr>)}</tbody></table>
}
