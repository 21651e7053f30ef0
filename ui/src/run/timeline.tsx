/** When the tasks of a level ran, each in a row, all on the clock of the run. */
import { useEffect, useState } from 'preact/hooks'
import { between } from '../format'
import { GLYPHS } from '../parts/state'
import { type Box, type RunBrief, keyOf } from './drawing'

/** Rows that are drawn; of a loop the iterations themselves are the better picture. */
const MOST = 200

interface TimelineProps { run: RunBrief; boxes: Box[]; selected: string; onSelect: (key: string) => void }

export function Timeline({ run, boxes, selected, onSelect }: TimelineProps) {
  const [now, setNow] = useState(Date.now())
  useEffect(() => {
    if (run.finished_at) return
    const clock = setInterval(() => setNow(Date.now()), 500)
    return () => clearInterval(clock)
  }, [run.finished_at])
  const begin = Date.parse(run.created_at)
  const end = run.finished_at ? Date.parse(run.finished_at) : now
  const share = (time: number) => `${(100 * Math.min(1, Math.max(0, (time - begin) / Math.max(1, end - begin)))).toFixed(2)}%`
  const rows = boxes.filter(box => box.started_at).sort((one, other) => Date.parse(one.started_at!) - Date.parse(other.started_at!))
  return (
    <div class="timeline" role="group" aria-label="Timeline">
      {rows.length === 0 && <p class="dim pad">Nothing has started yet.</p>}
      {rows.slice(0, MOST).map(box => {
        const [from, to] = [Date.parse(box.started_at!), box.ended_at ? Date.parse(box.ended_at) : end]
        return (
          <button key={keyOf(box)} class={`span${selected === keyOf(box) ? ' sel' : ''}`} aria-pressed={selected === keyOf(box)} onClick={() => onSelect(keyOf(box))}>
            <span class="who"><span aria-hidden="true" class={`glyph s-${box.state}`}>{GLYPHS[box.state]}</span> {box.label}</span>
            <span class="when"><i class={`s-${box.state}`} style={{ left: share(from), width: `max(2px, calc(${share(to)} - ${share(from)}))` }} /></span>
            <span class="long">{between(box.started_at, box.ended_at)}</span>
          </button>
        )
      })}
      {rows.length > MOST && <p class="dim pad">and {rows.length - MOST} more</p>}
    </div>
  )
}
