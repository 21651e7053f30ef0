/** Who may what: the users and roles, a question that is decided without doing, and recent denials. */
import { ask, aws, useLoaded } from '../api'
import { useTick } from '../changes'
import { moment } from '../format'
import { Copy } from '../parts/copy'
import { Page, Problem } from '../parts/page'
import type { Route } from '../route'
import { Holder } from '../permissions/holder'
import { principalPage } from '../permissions/link'
import { Question } from '../permissions/question'

interface Principal { Arn: string; name: string; kind: 'user' | 'role' }
interface Denial { id: string; principal: string; holder: string; action: string; resource: string; told: string; missing: string; count: number; last_at: string }

async function principals(): Promise<Principal[]> {
  const [users, roles] = await Promise.all([
    aws<{ Users: { Arn: string; UserName: string }[] }>('iam', 'ListUsers', { MaxItems: 500 }),
    aws<{ Roles: { Arn: string; RoleName: string }[] }>('iam', 'ListRoles', { MaxItems: 500 }),
  ])
  return [
    ...users.Users.map(each => ({ Arn: each.Arn, name: each.UserName, kind: 'user' as const })),
    ...roles.Roles.map(each => ({ Arn: each.Arn, name: each.RoleName, kind: 'role' as const })),
  ]
}

export function PermissionsPage({ route }: { route: Route }) {
  const tick = useTick(2000)
  const found = useLoaded(principals, [], tick)
  const denials = useLoaded(() => ask<{ decisions: Denial[] }>('/ui/iam/decisions?denied=1&limit=50'), [], tick)
  const chosen = route.query.get('principal') ?? ''
  const shown = found.value?.find(each => each.Arn === chosen)
  return (
    <Page title="Permissions">
      <Problem error={found.error ?? denials.error} />
      {found.value && (
        <div class="cards roomy">
          <section class="card">
            <h2>Users and roles</h2>
            <ul class="history" aria-label="Users and roles">
              {found.value.map(each => (
                <li key={each.Arn}><a href={principalPage(each.Arn)} aria-current={each.Arn === chosen ? 'true' : undefined}>{each.name}</a> <span class="dim">{each.kind}</span></li>
              ))}
            </ul>
          </section>
          <div class="stack">
            {shown && <Holder key={shown.Arn} kind={shown.kind} name={shown.name} />}
            <section class="card"><h2>Who may what?</h2><Question key={chosen} principals={found.value.map(each => each.Arn)} first={chosen} /></section>
          </div>
          <section class="card wide">
            <h2>Denied lately</h2>
            {denials.value && (denials.value.decisions.length ? (
              <table class="plain" aria-label="Denied lately">
                <thead><tr><th scope="col">Last</th><th scope="col">Who</th><th scope="col">What, and on what</th><th scope="col">The statement that was missing</th></tr></thead>
                <tbody>{denials.value.decisions.map(each => (
                  <tr key={each.id}>
                    <td class="short">{moment(each.last_at)}{each.count > 1 && <span class="dim"> {each.count} times</span>}</td>
                    <td class="short" title={each.principal}>{each.holder}</td>
                    <td>{each.action}<div class="dim">{each.resource}</div></td>
                    <td>{each.missing ? <div class="copied"><code>{each.missing}</code> <Copy text={each.missing} /></div> : each.told}</td>
                  </tr>
                ))}</tbody>
              </table>
            ) : <p class="dim">Nothing was denied.</p>)}
          </section>
        </div>
      )}
    </Page>
  )
}
