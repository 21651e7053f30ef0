/** Parallel coordinates: one line for each trial, over its hyperparameters to its objective. */
import { number } from '../format'

export interface Trial { name: string; status: string; values: Record<string, string>; objective?: number }
interface Axis { name: string; at: (value: string) => number; low: string; high: string }

const [WIDTH, HEIGHT, TOP, SIDE] = [760, 220, 34, 60]

function axisOf(name: string, given: string[]): Axis {
  const numbers = given.map(Number)
  if (numbers.some(Number.isNaN)) {
    const words = [...new Set(given)].sort()
    return { name, at: value => words.indexOf(value) / Math.max(1, words.length - 1), low: words[0] ?? '', high: words.at(-1) ?? '' }
  }
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)]
  return { name, at: value => (high > low ? (Number(value) - low) / (high - low) : 0.5), low: number(low), high: number(high) }
}

export function Coordinates({ trials, objective, best }: { trials: Trial[]; objective: string; best?: string }) {
  const shown = trials.filter(each => each.objective !== undefined)
  const names = Object.keys(shown[0]?.values ?? {})
  if (!shown.length || !names.length) return <p class="dim">No trial has a value of the objective yet.</p>
  const value = (trial: Trial, name: string) => (name === objective ? String(trial.objective) : (trial.values[name] ?? ''))
  const axes = [...names, objective].map(name => axisOf(name, shown.map(each => value(each, name))))
  const x = (at: number) => SIDE + (at * (WIDTH - 2 * SIDE)) / (axes.length - 1)
  const y = (share: number) => TOP + (1 - share) * (HEIGHT - TOP - 20)
  // The best is drawn last, above the others.
  const order = [...shown].sort((a, b) => Number(a.name === best) - Number(b.name === best))
  return (
    <svg class="coordinates" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="group" aria-label="Hyperparameters of the trials against the objective; the table has the same values">
      {order.map(trial => {
        const said = `${trial.name}: ${axes.map(axis => `${axis.name} ${value(trial, axis.name)}`).join(', ')}`
        return (
          <path key={trial.name} class={trial.name === best ? 'best' : ''} role="img" tabIndex={0} aria-label={said}
            d={axes.map((axis, at) => `${at ? 'L' : 'M'}${x(at)},${y(axis.at(value(trial, axis.name)))}`).join('')}><title>{said}</title></path>
        )
      })}
      {axes.map((axis, at) => (
        <g key={axis.name} aria-hidden="true">
          <line x1={x(at)} x2={x(at)} y1={TOP} y2={HEIGHT - 20} />
          <text x={x(at)} y={12} class="axis">{axis.name}</text>
          <text x={x(at)} y={27}>{axis.high}</text>
          <text x={x(at)} y={HEIGHT - 6}>{axis.low}</text>
        </g>
      ))}
    </svg>
  )
}
