/** Files on their way into a bucket, one after the other. */
import { useRef, useState } from 'preact/hooks'
import { ApiError, ask, objectUrl } from '../api'
import { bytes } from '../format'

export interface Upload { name: string; size: number; state: 'waiting' | 'sending' | 'done' | 'refused'; said?: string }

export function useUploads(bucket: string, prefix: string, onDone: () => void) {
  const [list, setList] = useState<Upload[]>([])
  const last = useRef(Promise.resolve())
  const send = (files: File[]) => {
    const started: Upload[] = files.map(file => ({ name: `${prefix}${file.name}`, size: file.size, state: 'waiting' }))
    setList(old => [...old.filter(each => each.state !== 'done'), ...started])
    files.forEach((file, at) => {
      const upload = started[at]!
      const tell = (change: Partial<Upload>) => {
        setList(old => old.map(each => (each.name === upload.name && each.state !== 'refused' ? { ...each, ...change } : each)))
      }
      last.current = last.current.then(async () => {
        tell({ state: 'sending' })
        try {
          await ask(objectUrl(`s3://${bucket}/${upload.name}`), { method: 'PUT', body: file, headers: { 'Content-Type': file.type || 'application/octet-stream' } })
          tell({ state: 'done' })
        } catch (problem) {
          tell({ state: 'refused', said: problem instanceof ApiError ? problem.message : String(problem) })
        }
        onDone()
      })
    })
  }
  return { list, send }
}

const WORDS = { waiting: '○ waits', sending: '◐ is being sent', done: '✓ uploaded', refused: '✕ refused' }

export const Uploads = ({ uploads }: { uploads: Upload[] }) => (
  <ul class="uploads" role="status" aria-label="Uploads" hidden={!uploads.length}>
    {uploads.map(each => <li key={each.name} class={each.state === 'refused' ? 'danger' : 'dim'}>{WORDS[each.state]} {each.name}, {bytes(each.size)} {each.said}</li>)}
  </ul>
)
