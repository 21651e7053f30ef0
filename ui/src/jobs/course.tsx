/** How a job went, of whatever kind: why it failed, what it took, and when what was. */
import type { ComponentChildren } from 'preact'
import { aws, useLoaded } from '../api'
import { useTick } from '../changes'
import { between, moment } from '../format'
import { Facts } from '../parts/page'
import { costOf } from './prices'

export type Kind = 'Training' | 'Processing' | 'Transform'
export interface Instances { InstanceType?: string; InstanceCount?: number }
export interface Step { Status: string; StartTime: string; EndTime?: string; StatusMessage?: string }

/** What DescribeTrainingJob and its like say, and again whenever something has changed. */
export function useJob<T>(kind: Kind, name: string) {
  const tick = useTick(1000)
  return useLoaded(() => aws<T>('sagemaker', `Describe${kind}Job`, { [`${kind}JobName`]: name }), [kind, name], tick)
}

interface Ran {
  reason?: string
  begin: string
  end?: string
  steps: Step[]
  on?: Instances
  /** What AWS would count, once it is known. */
  seconds?: number
  more?: [string, ComponentChildren][]
}

export function Course({ reason, begin, end, steps, on, seconds, more = [] }: Ran) {
  return (
    <>
      {reason && <pre class="failure" role="alert" tabIndex={0}>{reason}</pre>}
      <Facts rows={[
        ['elapsed', between(begin, end)],
        ['instance', on && `${on.InstanceCount ?? 1} × ${on.InstanceType ?? ''}`],
        ['billable', seconds !== undefined && `${seconds} s`],
        ['AWS would charge', costOf(on?.InstanceType, on?.InstanceCount, seconds)],
        ...more,
      ]} />
      <h3>Status</h3>
      <ol class="history steps">{steps.map((each, at) => (
        <li key={at}>
          <strong>{each.Status}</strong>
          <span class="dim" title={each.StartTime}>{moment(each.StartTime)}{each.EndTime !== each.StartTime && ` · ${between(each.StartTime, each.EndTime)}`}</span>
          <span>{each.StatusMessage}</span>
        </li>
      ))}</ol>
    </>
  )
}

/** Of processing and transform jobs SageMaker tells no more than when they were created, began and ended. */
export function courseOf(status: string, begin: string, started?: string, end?: string) {
  const steps: Step[] = [
    { Status: 'Created', StartTime: begin, EndTime: started ?? end },
    ...(started ? [{ Status: 'Started', StartTime: started, EndTime: end }] : []),
    ...(end ? [{ Status: status, StartTime: end, EndTime: end }] : []),
  ]
  const seconds = started && end ? Math.ceil((Date.parse(end) - Date.parse(started)) / 1000) : undefined
  return { begin, end, seconds, steps }
}
