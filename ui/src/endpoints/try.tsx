/** An endpoint that is tried: a body goes out, and its answer, status and time are shown. */
import { useState } from 'preact/hooks'
import { aws, useLoaded } from '../api'
import { bytes } from '../format'
import { Snippet } from '../parts/copy'
import { Problem } from '../parts/page'
import { Answered, type Answer, type Body, invoke } from './answer'
import { boto3Lines, curlLine } from './snippets'

const TYPES = ['text/csv', 'application/json', 'application/jsonlines', 'text/plain', 'application/x-npy', 'application/octet-stream']
const ACCEPTS = ['', ...TYPES]

interface Described { EndpointArn: string; EndpointStatus: string; ProductionVariants?: { VariantName: string }[] }

export function TryIt({ endpoint }: { endpoint: string }) {
  const described = useLoaded(() => aws<Described>('sagemaker', 'DescribeEndpoint', { EndpointName: endpoint }), [endpoint])
  const [text, setText] = useState('')
  const [file, setFile] = useState<File | null>(null)
  const [type, setType] = useState('text/csv')
  const [accept, setAccept] = useState('')
  const [variant, setVariant] = useState('')
  const [busy, setBusy] = useState(false)
  const [answer, setAnswer] = useState<Answer | null>(null)
  const variants = described.value?.ProductionVariants?.map(each => each.VariantName) ?? []
  const region = described.value?.EndpointArn.split(':')[3] ?? 'us-east-1'
  const body: Body = { endpoint, text, file, type, accept, variant }
  const send = () => {
    if (busy) return
    setBusy(true)
    void invoke(body).then(said => { setAnswer(said); setBusy(false) })
  }
  return (
    <section class="tryit" aria-label={`Try ${endpoint}`}
      onKeyDown={event => { if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) send() }}>
      <Problem error={described.error} />
      <div class="tryfields">
        <label>Content type <input list="trytypes" size={18} value={type} onInput={event => setType(event.currentTarget.value)} /></label>
        <label>Accept <select value={accept} onChange={event => setAccept(event.currentTarget.value)}>
          {ACCEPTS.map(each => <option key={each} value={each}>{each || 'any'}</option>)}
        </select></label>
        {variants.length > 1 && (
          <label>Variant <select value={variant} onChange={event => setVariant(event.currentTarget.value)}>
            <option value="">by weight</option>
            {variants.map(each => <option key={each} value={each}>{each}</option>)}
          </select></label>
        )}
        <datalist id="trytypes">{TYPES.map(each => <option key={each} value={each} />)}</datalist>
      </div>
      {file
        ? <p class="dim">{file.name}, {bytes(file.size)} <button onClick={() => setFile(null)}>write text instead</button></p>
        : <textarea aria-label="Body of the request" rows={5} spellcheck={false} class="mono" value={text}
            placeholder={type.includes('json') ? '{"instances": [[1, 2, 3]]}' : '1,2,3'}
            onInput={event => setText(event.currentTarget.value)} />}
      <div class="tryfields">
        <button class="primary" disabled={busy || (!file && !text)} onClick={send}>{busy ? 'Waiting…' : 'Invoke'}</button>
        <span class="dim">or Ctrl+Enter</span>
        <label class="tryfile">A file <input type="file" onChange={event => {
          const chosen = event.currentTarget.files?.[0]
          event.currentTarget.value = ''
          if (!chosen) return
          setFile(chosen)
          if (chosen.type) setType(chosen.type)
        }} /></label>
      </div>
      {answer && <Answered answer={answer} />}
      <details>
        <summary>The same by curl and by boto3</summary>
        <Snippet title="curl" text={curlLine(body, region)} />
        <Snippet title="boto3" text={boto3Lines(body)} />
      </details>
    </section>
  )
}
