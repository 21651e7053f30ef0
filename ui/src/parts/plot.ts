/** uPlot, and its style: in a chunk of their own. */
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'

interface Options {
  title: string
  labels: string[]
  height: number
  time: boolean
  colour: (name: string) => string
}

export function draw(box: HTMLElement, options: Options, data: (number | null)[][]): uPlot {
  const { title, labels, height, time, colour } = options
  const line = colour('--line')
  const axis = { stroke: colour('--dim'), grid: { stroke: line, width: 1 }, ticks: { stroke: line }, font: '11px system-ui' }
  return new uPlot(
    {
      width: box.clientWidth,
      height,
      title,
      cursor: { sync: { key: 'x' }, bind: { click: onName } },
      hooks: { setSeries: [tellShown] },
      scales: { x: { time, range: (self, least, most) => reach(self.data[0], least, most, time ? 60 : 1) } },
      axes: [{ ...axis, size: 30, ...(time ? { values: clock, space: 72, incrs: APART } : { incrs: WHOLE }) }, { ...axis, size: 52 }],
      series: [
        { label: time ? 'time' : 'x' },
        ...labels.map((label, index) => {
          const stroke = colour(`--c${(index % 6) + 1}`)
          return { label, stroke, width: 1.5, spanGaps: true, points: { show: (data[0]?.length ?? 0) < 3, fill: stroke } }
        }),
      ],
    },
    data as uPlot.AlignedData,
    box,
  )
}

/** Rounds and trials are counted: between two ticks lies no half of one. */
const WHOLE = [1, 2, 5].flatMap(each => [0, 1, 2, 3, 4, 5, 6].map(power => each * 10 ** power)).sort((one, other) => one - other)

/** Seconds between two times of an axis: a clock's, and no fractions, which it does not show. */
const APART = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, ...[1, 2, 5, 10, 30, 100].map(each => each * 86400)]

/** The times of a curve's ticks, as exact as they lie apart. */
function clock(_plot: uPlot, ticks: number[], _axis: number, _space: number, apart: number): string[] {
  const [from, to] = apart >= 86400 ? [5, 10] : apart < 60 ? [11, 19] : [11, 16]
  return ticks.map(at => new Date((at - new Date(at * 1000).getTimezoneOffset() * 60) * 1000).toISOString().slice(from, to))
}

/** From the least to the most; what uPlot would show for one point alone is years. */
function reach(all: ArrayLike<number>, least: number | null, most: number | null, around: number): [number, number] {
  const [only] = all.length === 1 ? Array.from(all) : []
  if (only !== undefined) return [only - around, only + around]
  return [least ?? 0, most ?? around]
}

/** A curve among several is hidden and shown by its name, which takes clicks and keys. */
const onName: uPlot.Cursor.MouseListenerFactory = (plot, cell, turn) => {
  if (plot.series.length < 3) return null
  const name = cell.querySelector<HTMLElement>('.u-label')!
  name.tabIndex = 0
  name.setAttribute('role', 'button')
  name.setAttribute('aria-pressed', 'true')
  name.addEventListener('keydown', event => {
    if (event.key !== 'Enter' && event.key !== ' ') return
    event.preventDefault()
    name.click()
  })
  name.addEventListener('click', event => turn(event))
  return null // and not by its whole cell
}

function tellShown(plot: uPlot) {
  plot.root.querySelectorAll('.u-series').forEach((row, at) => {
    row.querySelector('.u-label[role]')?.setAttribute('aria-pressed', String(plot.series[at]?.show !== false))
  })
}
