/** The frame of a job's page: its name and state, a button that stops it, and its log. */
import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { ApiError, aws } from '../api'
import { Confirm } from '../parts/confirm'
import { GroupLog } from '../parts/grouplog'
import { Page, Problem } from '../parts/page'
import { Badge, stateOf } from '../parts/state'
import { to } from '../route'
import type { Kind } from './course'

interface Frame { kind: Kind; name: string; status?: string; word?: string; told: object | null; children: ComponentChildren }

export function JobFrame({ kind, name, status, word, told, children }: Frame) {
  const [refused, setRefused] = useState<ApiError | null>(null)
  const stop = () => aws('sagemaker', `Stop${kind}Job`, { [`${kind}JobName`]: name }).then(() => setRefused(null), (problem: ApiError) => setRefused(problem))
  return (
    <Page title={name} above={<a href={to('jobs', kind.toLowerCase())}>{kind} jobs</a>}
      beside={status && <Badge state={stateOf(status)} word={word ?? status} />}
      actions={status === 'InProgress' && <Confirm label="Stop" question={`Stop ${name}?`} onYes={() => void stop()} />}>
      <Problem error={refused} />
      <div class="cards roomy">
        {children}
        <section class="card wide tall"><h2>Log</h2><GroupLog key={status} group={`/aws/sagemaker/${kind}Jobs`} prefix={`${name}/`} /></section>
        {told && <details class="wide told"><summary>All that Describe{kind}Job says</summary><pre class="json" tabIndex={0}>{JSON.stringify(told, null, 2)}</pre></details>}
      </div>
    </Page>
  )
}
