/** An endpoint in the panel of the task that made it, to be tried there. */
import { aws, useLoaded } from '../api'
import { useTick } from '../changes'
import { Problem } from '../parts/page'
import { Badge, stateOf } from '../parts/state'
import { to } from '../route'
import { TryIt } from './try'

interface Listed { EndpointName: string; EndpointStatus: string }

export function EndpointInPlace({ name }: { name: string }) {
  const tick = useTick(1000)
  // It may have been deleted since, which a list says without an error.
  const loaded = useLoaded(() => aws<{ Endpoints: Listed[] }>('sagemaker', 'ListEndpoints', { NameContains: name, MaxResults: 100 }), [name], tick)
  const found = loaded.value?.Endpoints.find(each => each.EndpointName === name)
  if (!loaded.value) return <Problem error={loaded.error} />
  return (
    <section class="artifact">
      <h3>endpoint {found ? <a href={to('endpoints', name)}>{name}</a> : name} {found && <Badge state={stateOf(found.EndpointStatus)} word={found.EndpointStatus} />}</h3>
      {!found && <p class="dim">It is not there any more, or not yet.</p>}
      {found?.EndpointStatus === 'InService' && <TryIt endpoint={name} />}
    </section>
  )
}
