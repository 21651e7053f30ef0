/** May this principal do that? It is decided by what the server decides by, and nothing is done. */
import { useState } from 'preact/hooks'
import { ApiError, ask } from '../api'
import { Copy } from '../parts/copy'
import { Problem } from '../parts/page'

interface Answer {
  allowed: boolean
  explicit: boolean
  layer: string
  policy: string
  told: string
  missing: string
  statements: { layer: string; policy: string; statement: string; fit: 'allows' | 'denies' | 'misses'; why: string }[]
}

const GLYPHS = { allows: '✓', denies: '✕', misses: '–' }

export function Question({ principals, first }: { principals: string[]; first: string }) {
  const [principal, setPrincipal] = useState(first || principals[0] || '')
  const [action, setAction] = useState('s3:GetObject')
  const [resource, setResource] = useState('*')
  const [answer, setAnswer] = useState<Answer | null>(null)
  const [error, setError] = useState<ApiError | null>(null)
  const send = () => {
    const query = new URLSearchParams({ principal, action, resource: resource || '*' })
    ask<Answer>(`/ui/iam/explanation?${query.toString()}`).then(
      said => { setAnswer(said); setError(null) }, (problem: ApiError) => { setAnswer(null); setError(problem) },
    )
  }
  return (
    <>
      <form class="form inside" onSubmit={event => { event.preventDefault(); send() }}>
        <label for="who">Principal</label>
        <select id="who" value={principal} onChange={event => setPrincipal(event.currentTarget.value)}>{principals.map(each => <option key={each} value={each}>{each}</option>)}</select>
        <label for="what">Action</label><input id="what" value={action} onInput={event => setAction(event.currentTarget.value)} />
        <label for="onwhat">Resource</label><input id="onwhat" value={resource} onInput={event => setResource(event.currentTarget.value)} />
        <span class="all"><button class="primary" disabled={!principal || !action}>Decide</button></span>
      </form>
      <Problem error={error} />
      {answer && (
        <div class="answer" role="status" aria-label="The decision">
          <p><strong class={`glyph s-${answer.allowed ? 'succeeded' : 'failed'}`}>{answer.allowed ? '✓ allowed' : answer.explicit ? '✕ denied by a statement' : '✕ not allowed'}</strong>
            {answer.policy && <> by {answer.policy} <span class="dim">({answer.layer})</span></>}</p>
          {answer.missing
            ? <p>The statement that is missing: <code>{answer.missing}</code> <Copy text={answer.missing} /></p>
            : answer.told && <p>{answer.told}</p>}
          <ul class="history" aria-label="Statements that speak of it">
            {answer.statements.map((each, at) => <li key={at}>{GLYPHS[each.fit]} {each.fit}: {each.policy} / {each.statement} <span class="dim">{each.why}</span></li>)}
          </ul>
        </div>
      )}
    </>
  )
}
