/** What is known of the task that is selected: error first, then log, inputs, outputs, history. */
import { useState } from 'preact/hooks'
import { ask, useLoaded } from '../api'
import { useLog } from '../changes'
import { between, moment } from '../format'
import { Values } from '../parts/json'
import { LogView, useLines } from '../parts/log'
import { Facts, Problem, Waiting } from '../parts/page'
import { Badge, type State, stateOf } from '../parts/state'
import { setQuery } from '../route'
import { Artifacts, type Artifact } from './artifacts'
import { Jobs } from './jobs'

export interface Task {
  task_id: string
  name: string
  display_name: string
  kind: 'DAG' | 'CONTAINER'
  state: string
  start_time?: string
  end_time?: string
  error?: { message: string }
  pod_name?: string
  cached_from?: { run_id: string; task_id: string }
  attempt: number
  image?: string
  state_history?: { update_time: string; state: string; error?: { message: string } }[]
  input_parameters?: Record<string, unknown>
  output_parameters?: Record<string, unknown>
  input_artifacts?: Record<string, Artifact[]>
  output_artifacts?: Record<string, Artifact[]>
}

type Tab = 'log' | 'inputs' | 'outputs' | 'history'
const TABS: Tab[] = ['log', 'inputs', 'outputs', 'history']

interface PanelProps { run: string; task: string; revision: number; onClose: () => void }

export function Panel({ run, task, revision, onClose }: PanelProps) {
  const loaded = useLoaded(() => ask<Task>(`/ui/runs/${run}/tasks/${task}`), [run, task], revision)
  const [tab, setTab] = useState<Tab>('log')
  const found = loaded.value
  const state: State = found?.cached_from && found.state === 'SUCCEEDED' ? 'cached' : stateOf(found?.state)
  return (
    <aside class="panel" aria-label="The selected task">
      <h2>
        {found?.display_name ?? '…'} {found && <Badge state={state} />}
        <button class="close" aria-label="Close" onClick={onClose}>×</button>
      </h2>
      <Problem error={loaded.error} />
      {!found && loaded.waiting && <Waiting what="task" />}
      {found && (
        <>
          {found.error && <pre class="failure" role="alert">{found.error.message}</pre>}
          <Facts rows={[
            ['took', between(found.start_time, found.end_time)],
            ['image', found.image],
            ['attempt', found.attempt > 1 ? found.attempt : ''],
            ['result of', found.cached_from && <a href={`#/runs/details/${found.cached_from.run_id}?task=${found.cached_from.task_id}`}>an earlier run</a>],
          ]} />
          <Jobs run={run} task={found} revision={revision} />
          <div role="tablist" class="tabs" aria-label="About the task">
            {TABS.map(each => <button key={each} role="tab" aria-selected={tab === each} onClick={() => setTab(each)}>{each}</button>)}
          </div>
          <div role="tabpanel" class="tab" aria-label={tab}>
            {tab === 'log' && <Log run={run} task={found} />}
            {tab === 'inputs' && <><Values values={found.input_parameters} none="No parameters." /><Artifacts of={found.input_artifacts} /></>}
            {tab === 'outputs' && <><Values values={found.output_parameters} none="No parameters." /><Artifacts of={found.output_artifacts} /></>}
            {tab === 'history' && <History task={found} />}
          </div>
        </>
      )}
    </aside>
  )
}

function Log({ run, task }: { run: string; task: Task }) {
  const { lines, dropped, add } = useLines([run, task.task_id])
  const [end, setEnd] = useState<{ of: string; error?: string } | null>(null)
  const runs = task.kind === 'CONTAINER' && !task.cached_from
  useLog(run, runs ? task.task_id : '', word => {
    if (word.text) add(word.text)
    if (word.over) setEnd({ of: word.log, error: word.error })
  })
  if (task.kind === 'DAG') return <p class="dim">A group of tasks prints nothing itself. <button onClick={() => setQuery({ in: task.task_id, task: null })}>Open it</button></p>
  if (task.cached_from) return <p class="dim">It was not executed: the result of an earlier task was taken.</p>
  const over = end?.of === task.task_id
  return (
    <>
      {over && end.error && <p class="dim">{end.error}</p>}
      <LogView lines={lines} dropped={dropped} live={!over} whole={`/apis/v1alpha1/runs/${run}/nodes/${task.task_id}/log`} label={`Log of ${task.display_name}`} />
    </>
  )
}

const History = ({ task }: { task: Task }) => (
  <ol class="history">
    {(task.state_history ?? []).map((change, at) => (
      <li key={at}><Badge state={stateOf(change.state)} /> <span class="dim">{moment(change.update_time)}</span> {change.error?.message}</li>
    ))}
  </ol>
)
