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
      cursor: { sync: { key: 'x' } },
      scales: { x: { time, range: (self, least, most) => reach(self.data[0], least, most, time ? 60 : 1) } },
      axes: [{ ...axis, size: 30 }, { ...axis, size: 52 }],
      series: [
        { label: time ? 'time' : 'x' },
        ...labels.map((label, index) => ({
          label, stroke: colour(`--c${(index % 6) + 1}`), width: 1.5, spanGaps: true, points: { show: (data[0]?.length ?? 0) < 3 },
        })),
      ],
    },
    data as uPlot.AlignedData,
    box,
  )
}

/** From the least to the most; what uPlot would show for one point alone is years. */
function reach(all: ArrayLike<number>, least: number | null, most: number | null, around: number): [number, number] {
  const [only] = all.length === 1 ? Array.from(all) : []
  if (only !== undefined) return [only - around, only + around]
  return [least ?? 0, most ?? around]
}
