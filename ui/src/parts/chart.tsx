/** Curves over a number or over time, by uPlot, which is loaded when a first one is shown. */
import type uPlot from 'uplot'
import { useEffect, useRef } from 'preact/hooks'

const colour = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

interface ChartProps {
  title: string
  /** x first, then one list for each label; null where there is no value. */
  data: (number | null)[][]
  labels: string[]
  height?: number
  /** x is seconds since 1970. */
  time?: boolean
}

export function Chart({ title, data, labels, height = 180, time = false }: ChartProps) {
  // A page is drawn anew when the theme changes; the curves' colours are then others.
  const theme = document.documentElement.dataset.theme
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  useEffect(() => {
    let gone = false
    let observer: ResizeObserver | undefined
    void import('./plot').then(({ draw }) => {
      const element = box.current
      if (gone || !element) return
      plot.current = draw(element, { title, labels, height, time, colour }, data)
      observer = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }))
      observer.observe(element)
    })
    return () => {
      gone = true
      observer?.disconnect()
      plot.current?.destroy()
      plot.current = null
    }
  }, [theme, labels.join()])
  useEffect(() => { plot.current?.setData(data as uPlot.AlignedData) }, [data])
  const last = labels.map((label, index) => `${label} ${data[index + 1]?.at(-1) ?? ''}`).join(', ')
  // Among several, the names of the curves are buttons, which no image may have in it.
  return <div ref={box} class="chart" role={labels.length > 1 ? 'group' : 'img'} aria-label={`${title}: ${last}`} />
}
