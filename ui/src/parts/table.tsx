/** A table that draws the rows in sight only; sorting is the caller's. */
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

export const ROW = 32

/** Which of `count` rows of a height are in sight of the element that scrolls them. */
export function useWindow(count: number, height: number, spare = 12) {
  const ref = useRef<HTMLDivElement>(null)
  const [view, set] = useState({ top: 0, height: 800 })
  useEffect(() => {
    const element = ref.current
    if (!element) return
    const look = () => set({ top: element.scrollTop, height: element.clientHeight })
    look()
    element.addEventListener('scroll', look, { passive: true })
    const observer = new ResizeObserver(look)
    observer.observe(element)
    return () => {
      element.removeEventListener('scroll', look)
      observer.disconnect()
    }
  }, [])
  const from = Math.max(0, Math.floor(view.top / height) - spare)
  const to = Math.min(count, Math.ceil((view.top + view.height) / height) + spare)
  return { ref, from, to, total: count * height }
}

export interface Column<T> {
  key: string
  label: string
  /** A CSS grid track, e.g. `120px` or `minmax(160px, 1fr)`. */
  width: string
  cell: (row: T) => ComponentChildren
  numeric?: boolean
  sortable?: boolean
}

interface TableProps<T> {
  label: string
  rows: T[]
  columns: Column<T>[]
  id: (row: T) => string
  sort?: { key: string; descending: boolean }
  onSort?: (key: string) => void
  selected?: string
  /** Called when the last row comes in sight. */
  onEnd?: () => void
}

export function Table<T>({ label, rows, columns, id, sort, onSort, selected, onEnd }: TableProps<T>) {
  const sight = useWindow(rows.length, ROW)
  const tracks = { gridTemplateColumns: columns.map(column => column.width).join(' ') }
  useEffect(() => { if (onEnd && rows.length && sight.to === rows.length) onEnd() }, [sight.to, rows.length])
  return (
    <div class="table" role="table" aria-label={label} aria-rowcount={rows.length + 1}>
      <div role="rowgroup">
        <div class="row thead" role="row" style={tracks}>
          {columns.map(column => (
            <span key={column.key} role="columnheader" class={column.numeric ? 'num' : ''}
              aria-sort={sort?.key === column.key ? (sort.descending ? 'descending' : 'ascending') : undefined}>
              {column.sortable && onSort
                ? <button onClick={() => onSort(column.key)}>{column.label}{sort?.key === column.key ? (sort.descending ? ' ▼' : ' ▲') : ''}</button>
                : column.label}
            </span>
          ))}
        </div>
      </div>
      <div class="rows" ref={sight.ref} role="rowgroup" tabIndex={0} aria-label={`${label}, rows`}>
        <div role="presentation" style={{ height: sight.total, position: 'relative' }}>
          <div role="presentation" style={{ position: 'absolute', top: sight.from * ROW, left: 0, right: 0 }}>
            {rows.slice(sight.from, sight.to).map(row => (
              <div key={id(row)} class={`row${selected === id(row) ? ' sel' : ''}`} role="row" style={tracks}>
                {columns.map(column => (
                  <span key={column.key} role="cell" class={column.numeric ? 'num' : ''}>{column.cell(row)}</span>
                ))}
              </div>
            ))}
          </div>
        </div>
      </div>
    </div>
  )
}
