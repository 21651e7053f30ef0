/** One artifact: a look at it, the tasks that made it and those that read it. */
import { ask, useLoaded } from '../api'
import { Problem } from '../parts/page'
import { Badge } from '../parts/state'
import { setQuery, to } from '../route'
import { ArtifactView } from '../run/artifacts'
import type { Task } from '../run/panel'
import { type By, type Told, kindOf } from './told'

export function Detail({ uri, told }: { uri: string; told?: Told }) {
  // The task that did the work says most; a cached one has its result only.
  const by = told?.made_by.find(each => !each.cached_from) ?? told?.made_by[0] ?? told?.read_by[0]
  const task = useLoaded(async () => (by ? ask<Task>(`/ui/runs/${by.run_id}/tasks/${by.task_id}`) : null), [by?.task_id])
  const sides = [task.value?.output_artifacts, task.value?.input_artifacts]
  const found = sides.flatMap(side => Object.values(side ?? {}).flat()).find(each => each.uri === uri)
  return (
    <aside class="panel" aria-label="The selected artifact">
      <h2>{told?.name ?? 'Artifact'} {told && <span class="dim count">{kindOf(told)}</span>}<button class="close" aria-label="Close" onClick={() => setQuery({ uri: null })}>×</button></h2>
      {!told && <p class="dim">None of the newest runs has this artifact: <code>{uri}</code></p>}
      <Problem error={task.error} />
      {found && <div class="artifact"><ArtifactView artifact={found} /></div>}
      {told && <Tasks title="Made by" tasks={told.made_by} count={told.made_by_count} />}
      {told && <Tasks title="Read by" tasks={told.read_by} count={told.read_by_count} />}
    </aside>
  )
}

function Tasks({ title, tasks, count }: { title: string; tasks: By[]; count: number }) {
  return (
    <section>
      <h3>{title}</h3>
      {tasks.length ? (
        <ul class="history" aria-label={title}>
          {tasks.map(each => (
            <li key={each.task_id + each.as}>
              <a href={`${to('runs', 'details', each.run_id)}?task=${each.task_id}`}>{each.task_name}</a> <span class="dim">of {each.run_name}, as {each.as}</span> {each.cached_from && <Badge state="cached" />}
            </li>
          ))}
          {count > tasks.length && <li class="dim">and {count - tasks.length} more</li>}
        </ul>
      ) : <p class="dim">{title === 'Made by' ? 'None of the newest runs.' : 'Nobody.'}</p>}
    </section>
  )
}
