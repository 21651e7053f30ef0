/** A log as it grows: searched, followed, and never more of it in memory than `MOST` lines. */
import { useEffect, useLayoutEffect, useMemo, useReducer, useRef, useState } from 'preact/hooks'
import { useWindow } from './table'

const LINE = 17
const MOST = 50_000

/** Lines that are kept, and how many went before them. */
export class Lines {
  lines: string[] = []
  dropped = 0
  private rest = ''

  add(text: string) {
    const pieces = (this.rest + text).split('\n')
    this.rest = pieces.pop() ?? ''
    for (const piece of pieces) this.lines.push(piece)
    if (this.lines.length > MOST) {
      const over = this.lines.length - MOST
      this.lines.splice(0, over)
      this.dropped += over
    }
  }

  all(): string[] {
    return this.rest ? [...this.lines, this.rest] : this.lines
  }
}

const kind = (line: string) => (/\b(Error|Exception|Traceback|CRITICAL|ERROR)\b/.test(line) ? 'err' : /\bWARN/.test(line) ? 'warn' : '')

interface LogProps {
  lines: string[]
  dropped?: number
  /** Whether more may come. */
  live: boolean
  /** Where the whole of it is. */
  whole?: string
  label?: string
}

export function LogView({ lines, dropped = 0, live, whole, label = 'Log' }: LogProps) {
  const [search, setSearch] = useState('')
  const [follow, setFollow] = useState(true)
  const shown = useMemo(() => {
    const words = search.toLowerCase()
    const numbered = lines.map((line, index) => [index + dropped + 1, line] as const)
    return words ? numbered.filter(([, line]) => line.toLowerCase().includes(words)) : numbered
  }, [lines, lines.length, search, dropped])
  const sight = useWindow(shown.length, LINE)
  useLayoutEffect(() => {
    if (follow && sight.ref.current) sight.ref.current.scrollTop = sight.ref.current.scrollHeight
  }, [shown.length, follow])
  return (
    <div class="logbox">
      <div class="logbar">
        <input aria-label="Search the log" placeholder="search…" value={search} onInput={event => setSearch(event.currentTarget.value)} />
        <span class="dim">{shown.length} line{shown.length === 1 ? '' : 's'}</span>
        <label><input type="checkbox" checked={follow} onChange={event => setFollow(event.currentTarget.checked)} /> follow</label>
        {whole && <a href={whole} target="_blank" rel="noreferrer">whole log</a>}
        {live && <span class="live">live</span>}
      </div>
      <div class="log" ref={sight.ref} tabIndex={0} role="log" aria-label={label}>
        <div style={{ height: sight.total, position: 'relative' }}>
          <pre style={{ top: sight.from * LINE }}>
            {shown.slice(sight.from, sight.to).map(([at, line]) => (
              <div key={at} class={kind(line)}><em>{at}</em>{line}</div>
            ))}
          </pre>
        </div>
      </div>
    </div>
  )
}

/** Lines that arrive in pieces: the page is drawn once for all that came in a frame. */
export function useLines(inputs: unknown[]) {
  const [, draw] = useReducer((n: number) => n + 1, 0)
  const held = useRef(new Lines())
  const frame = useRef(0)
  useEffect(() => {
    held.current = new Lines()
    draw(0)
    return () => cancelAnimationFrame(frame.current)
  }, inputs)
  const add = (text: string) => {
    held.current.add(text)
    cancelAnimationFrame(frame.current)
    frame.current = requestAnimationFrame(() => draw(0))
  }
  return { lines: held.current.all(), dropped: held.current.dropped, add }
}
