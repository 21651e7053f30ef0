/** What an endpoint answers, and how long it took. */
import { ApiError } from '../api'
import { bytes, duration } from '../format'
import { Problem } from '../parts/page'

export interface Body { endpoint: string; text: string; file: File | null; type: string; accept: string; variant: string }

export interface Answer {
  status: number
  milliseconds: number
  size: number
  type: string
  variant: string
  /** Null when it is no text. */
  text: string | null
  error: ApiError | null
}

const MOST = 100_000

export async function invoke({ endpoint, text, file, type, accept, variant }: Body): Promise<Answer> {
  const begin = performance.now()
  const none = { size: 0, type: '', variant: '', text: null }
  const took = () => performance.now() - begin
  try {
    const response = await fetch(`/ui/endpoints/${encodeURIComponent(endpoint)}/invocations${variant ? `?variant=${encodeURIComponent(variant)}` : ''}`, {
      method: 'POST',
      body: file ?? text,
      headers: { 'Content-Type': type || 'application/octet-stream', ...(accept ? { Accept: accept } : {}) },
    })
    const found = await response.arrayBuffer()
    const milliseconds = took()
    if (!response.ok) {
      const said = JSON.parse(new TextDecoder().decode(found)) as { code?: string; message?: string }
      return { status: response.status, milliseconds, ...none, error: new ApiError(response.status, said.code ?? String(response.status), said.message ?? response.statusText) }
    }
    return {
      status: response.status, milliseconds, size: found.byteLength, error: null,
      type: response.headers.get('Content-Type') ?? '', variant: response.headers.get('X-Invoked-Variant') ?? '',
      text: read(found),
    }
  } catch (problem) {
    return { status: 0, milliseconds: took(), ...none, error: new ApiError(0, 'Unreachable', String(problem)) }
  }
}

function read(found: ArrayBuffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(found)
  } catch {
    return null
  }
}

/** JSON is shown indented. */
function laidOut(text: string, type: string): string {
  if (!type.includes('json')) return text
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}

export function Answered({ answer }: { answer: Answer }) {
  const text = answer.text === null ? null : laidOut(answer.text, answer.type)
  const took = answer.milliseconds < 1000 ? `${answer.milliseconds.toFixed(answer.milliseconds < 10 ? 1 : 0)} ms` : duration(answer.milliseconds / 1000)
  return (
    <div class="answer" role="status" aria-label="The answer">
      <p class="dim">
        <strong class={answer.error ? 'danger' : ''}>{answer.error ? '✕' : '✓'} {answer.status || 'no answer'}</strong> in {took}
        {!answer.error && <> · {answer.type || 'no type'} · {bytes(answer.size)}{answer.variant && <> · from {answer.variant}</>}</>}
      </p>
      <Problem error={answer.error} />
      {!answer.error && (text === null
        ? <p class="dim">It is no text.</p>
        : <pre class="json" tabIndex={0} aria-label="Body of the answer">{text.length > MOST ? `${text.slice(0, MOST)}…` : text || '(empty)'}</pre>)}
    </div>
  )
}
