/** The policies that a user or a role has. */
import { aws, useLoaded } from '../api'
import { Problem } from '../parts/page'
import { Value } from '../parts/json'

interface Held { attached: string[]; own: { name: string; document: unknown }[]; trust?: unknown }

/** IAM tells documents percent-encoded, boto3 as objects. */
const read = (document: unknown): unknown => (typeof document === 'string' ? JSON.parse(decodeURIComponent(document)) : document)

async function held(kind: 'user' | 'role', name: string): Promise<Held> {
  const word = kind === 'user' ? 'User' : 'Role'
  const whose = { [`${word}Name`]: name }
  const [attached, named] = await Promise.all([
    aws<{ AttachedPolicies: { PolicyName: string }[] }>('iam', `ListAttached${word}Policies`, whose),
    aws<{ PolicyNames: string[] }>('iam', `List${word}Policies`, whose),
  ])
  const own = await Promise.all(named.PolicyNames.map(async policy => ({
    name: policy,
    document: read((await aws<{ PolicyDocument: unknown }>('iam', `Get${word}Policy`, { ...whose, PolicyName: policy })).PolicyDocument),
  })))
  const trust = kind === 'role' ? read((await aws<{ Role: { AssumeRolePolicyDocument: unknown } }>('iam', 'GetRole', whose)).Role.AssumeRolePolicyDocument) : undefined
  return { attached: attached.AttachedPolicies.map(each => each.PolicyName), own, trust }
}

export function Holder({ kind, name }: { kind: 'user' | 'role'; name: string }) {
  const loaded = useLoaded(() => held(kind, name), [kind, name])
  const found = loaded.value
  return (
    <section class="card" aria-label={`Policies of ${name}`}>
      <h2>Policies of {name}</h2>
      <Problem error={loaded.error} />
      {found && (
        <>
          {!found.attached.length && !found.own.length && <p class="dim">None attached, none inline.</p>}
          {found.attached.length > 0 && <ul class="history">{found.attached.map(each => <li key={each}>{each} <span class="dim">attached</span></li>)}</ul>}
          {found.own.map(each => <details key={each.name}><summary>{each.name} <span class="dim">inline</span></summary><Value value={each.document} /></details>)}
          {found.trust !== undefined && <details><summary>who may assume it</summary><Value value={found.trust} /></details>}
        </>
      )}
    </section>
  )
}
