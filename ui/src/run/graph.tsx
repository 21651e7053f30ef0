/** The graph of one level, as SVG: dragged, zoomed, and walked through by keyboard. */
import { memo } from 'preact/compat'
import { useEffect, useRef } from 'preact/hooks'
import { Counts, GLYPHS, type State } from '../parts/state'
import { type Box, type Edge, HEIGHT, KINDS, type Level, WIDTH, keyOf } from './drawing'

const SMALLEST = 0.08
const LARGEST = 2
/** Below it nothing of a box can be read, so a level opens no smaller. */
const READABLE = 0.55

/** A smooth line through the points, level at both ends. */
function curve(points: [number, number][]): string {
  const [first, ...rest] = points
  if (!first) return ''
  let at = first
  let path = `M${at[0]},${at[1]}`
  for (const next of rest) {
    const middle = (at[0] + next[0]) / 2
    path += `C${middle},${at[1]} ${middle},${next[1]} ${next[0]},${next[1]}`
    at = next
  }
  return path
}

const clip = (text: string, most: number) => (text.length > most ? `${text.slice(0, most - 1)}…` : text)

function folded(counts: Box['counts']): string {
  const order: State[] = ['succeeded', 'cached', 'failed', 'running', 'cancelled', 'pending', 'skipped']
  return order.filter(state => counts?.[state]).map(state => `${counts?.[state]} ${GLYPHS[state]}`).join('  ')
}

interface BoxProps {
  box: Box
  selected: boolean
  onSelect: (box: Box) => void
  onOpen: (box: Box) => void
}

const TaskBox = memo(({ box, selected, onSelect, onOpen }: BoxProps) => {
  const below = folded(box.counts) || (box.condition ? clip(box.condition.replaceAll(/inputs\.parameter_values\['pipelinechannel--([^']*)'\]/g, '$1'), 28) : KINDS[box.kind])
  return (
    <g class={`task s-${box.state}${selected ? ' sel' : ''}${box.opens ? ' opens' : ''}`} transform={`translate(${box.x},${box.y})`}
      data-task={box.id} role="button" tabindex={0} aria-pressed={selected}
      aria-label={`${box.label}, ${KINDS[box.kind]}, ${box.state}${box.opens ? ', Enter opens it' : ''}`}
      onClick={() => onSelect(box)} onDblClick={() => box.opens && onOpen(box)}
      onKeyDown={event => {
        if (event.key === 'Enter' && box.opens) onOpen(box)
        else if (event.key === 'Enter' || event.key === ' ') onSelect(box)
        else return
        event.preventDefault()
      }}>
      {box.opens && <rect class="under" x={4} y={4} width={WIDTH} height={HEIGHT} rx={7} />}
      <rect class="box" width={WIDTH} height={HEIGHT} rx={7} />
      <rect class="bar" width={5} height={HEIGHT} rx={2} />
      <text aria-hidden="true" class="name" x={14} y={19}>{clip(box.label, 23)}</text>
      <text aria-hidden="true" class="kind" x={14} y={36}>{below}</text>
      <text aria-hidden="true" class="mark" x={WIDTH - 10} y={20} text-anchor="end">{GLYPHS[box.state]}</text>
    </g>
  )
})

const Wires = memo(({ edges, live }: { edges: Edge[]; live: Set<string> }) => (
  <g class="wires">
    {edges.map(edge => <path key={`${edge.source} ${edge.target}`} d={curve(edge.points)} class={live.has(edge.target) ? 'live' : ''} />)}
  </g>
))

interface GraphProps {
  level: Level
  selected: string
  onSelect: (key: string) => void
  onOpen: (box: Box) => void
}

export function Graph({ level, selected, onSelect, onOpen }: GraphProps) {
  const frame = useRef<HTMLDivElement>(null)
  /** What is moved: an element of HTML, since an SVG that is moved lays all its texts out anew. */
  const sheet = useRef<HTMLDivElement>(null)
  const at = useRef({ x: 20, y: 20, zoom: 1 })
  /** Whether all of the level is shown, and nobody has moved it yet. */
  const whole = useRef(false)
  const nodes = level.nodes ?? []
  const width = level.width ?? 0
  const height = level.height ?? 0

  const apply = () => {
    const { x, y, zoom } = at.current
    if (sheet.current) sheet.current.style.transform = `translate(${x}px,${y}px) scale(${zoom})`
    if (frame.current) frame.current.dataset.detail = zoom < 0.3 ? 'tiles' : zoom < READABLE ? 'names' : 'all'
  }
  const fit = (least: number) => {
    const box = frame.current!.getBoundingClientRect()
    const zoom = Math.max(least, Math.min(1, (box.width - 40) / width, (box.height - 40) / height))
    at.current = { zoom, x: Math.max(20, (box.width - width * zoom) / 2), y: Math.max(20, (box.height - height * zoom) / 2) }
    apply()
  }
  const show = (node: Box) => {
    const box = frame.current!.getBoundingClientRect()
    const zoom = Math.max(at.current.zoom, 0.7)
    at.current = { zoom, x: box.width / 2 - ((node.x ?? 0) + WIDTH / 2) * zoom, y: box.height / 2 - ((node.y ?? 0) + HEIGHT / 2) * zoom }
    apply()
  }
  const zoomBy = (factor: number, x?: number, y?: number) => {
    const box = frame.current!.getBoundingClientRect()
    const [middleX, middleY] = [x ?? box.width / 2, y ?? box.height / 2]
    whole.current = false
    const now = at.current
    const zoom = Math.min(LARGEST, Math.max(SMALLEST, now.zoom * factor))
    at.current = { zoom, x: middleX - ((middleX - now.x) * zoom) / now.zoom, y: middleY - ((middleY - now.y) * zoom) / now.zoom }
    apply()
  }

  /** A level opens where something happens, at a size at which it can be read. */
  const open = () => {
    fit(SMALLEST)
    whole.current = at.current.zoom >= READABLE
    if (whole.current) return
    const hot = nodes.find(node => keyOf(node) === selected) ?? nodes.find(node => node.state === 'failed') ?? nodes.find(node => node.state === 'running')
    if (hot) show(hot)
    else fit(READABLE)
  }
  useEffect(open, [level.scope, width, height])

  // The panel of what is selected takes room away: the box itself stays in sight.
  useEffect(() => {
    const node = nodes.find(each => keyOf(each) === selected)
    if (!node) return
    const { x, y, zoom } = at.current
    const { width: across, height: down } = frame.current!.getBoundingClientRect()
    const [left, top] = [x + (node.x ?? 0) * zoom, y + (node.y ?? 0) * zoom]
    if (left < 0 || top < 0 || left + WIDTH * zoom > across || top + HEIGHT * zoom > down) show(node)
  }, [selected])

  // A graph that was whole stays so when the panel, or the window, leaves it less room.
  useEffect(() => {
    const observer = new ResizeObserver(() => { if (whole.current) open() })
    observer.observe(frame.current!)
    return () => observer.disconnect()
  }, [level.scope, width, height, selected])

  useEffect(() => {
    const element = frame.current!
    let held: [number, number] | null = null
    let moved = 0
    // While it is dragged it is a layer that is only moved; zoomed, that layer would be blurred.
    const drag = (on: boolean) => { if (sheet.current) sheet.current.style.willChange = on ? 'transform' : '' }
    const wheel = (event: WheelEvent) => {
      event.preventDefault()
      const box = element.getBoundingClientRect()
      zoomBy(Math.exp(-event.deltaY / 400), event.clientX - box.left, event.clientY - box.top)
    }
    const down = (event: PointerEvent) => { held = [event.clientX, event.clientY]; moved = 0; drag(true) }
    const move = (event: PointerEvent) => {
      if (!held) return
      const [dx, dy] = [event.clientX - held[0], event.clientY - held[1]]
      moved += Math.abs(dx) + Math.abs(dy)
      whole.current = false
      at.current.x += dx
      at.current.y += dy
      held = [event.clientX, event.clientY]
      apply()
    }
    const up = () => { held = null; drag(false) }
    const click = (event: MouseEvent) => { if (moved > 4) { event.stopPropagation(); event.preventDefault() } }
    element.addEventListener('wheel', wheel, { passive: false })
    element.addEventListener('pointerdown', down)
    element.addEventListener('click', click, true)
    addEventListener('pointermove', move)
    addEventListener('pointerup', up)
    return () => {
      element.removeEventListener('wheel', wheel)
      element.removeEventListener('pointerdown', down)
      element.removeEventListener('click', click, true)
      removeEventListener('pointermove', move)
      removeEventListener('pointerup', up)
    }
  }, [])

  const hot = nodes.filter(node => node.state === 'failed' || node.state === 'running')
  const live = new Set(nodes.filter(node => node.state === 'running').map(node => node.id))
  return (
    <div class="flow" ref={frame}>
      <div class="sheet" ref={sheet}>
        <svg width={width} height={height} role="group" aria-label="Graph of tasks">
          <Wires edges={level.edges ?? []} live={live} />
          {nodes.map(node => (
            <TaskBox key={node.id} box={node} selected={keyOf(node) === selected} onSelect={box => onSelect(keyOf(box))} onOpen={onOpen} />
          ))}
        </svg>
      </div>
      <div class="tools">
        <button aria-label="Zoom in" onClick={() => zoomBy(1.3)}>+</button>
        <button aria-label="Zoom out" onClick={() => zoomBy(0.77)}>−</button>
        <button onClick={() => fit(SMALLEST)}>Fit</button>
        {hot.slice(0, 4).map(node => (
          <button key={node.id} class={`s-${node.state}`} onClick={() => { show(node); onSelect(keyOf(node)) }}>
            <span aria-hidden="true">{GLYPHS[node.state]}</span> {node.label}
          </button>
        ))}
        {hot.length > 4 && <span class="dim">+{hot.length - 4}</span>}
      </div>
    </div>
  )
}

/** A loop's iterations: tiles, the failed ones first. */
export function Iterations({ level, selected, onSelect, onOpen }: GraphProps) {
  const shown = level.iterations ?? []
  const more = (level.iteration_count ?? 0) - shown.length
  return (
    <div class="iterations" role="group" aria-label="Iterations">
      {shown.map(box => (
        <button key={box.id} class={`tile s-${box.state}${keyOf(box) === selected ? ' sel' : ''}`} aria-pressed={keyOf(box) === selected}
          onClick={() => (box.opens ? onOpen(box) : onSelect(keyOf(box)))}>
          <span aria-hidden="true" class="glyph">{GLYPHS[box.state]}</span> {box.label}<span class="unseen"> {box.state}</span>
          {box.opens && <Counts counts={box.counts ?? {}} />}
        </button>
      ))}
      {more > 0 && <p class="dim">and {more} more, all {shown.at(-1)?.state} or less urgent</p>}
    </div>
  )
}
