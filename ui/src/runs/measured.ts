/** Parameters and metrics of runs: what is searched by, and what columns may be of. */
import { ask, useLoaded } from '../api'
import { number } from '../format'

export interface Measured { names: string[]; runs: Record<string, Record<string, number[]>> }

/** Runs that the server tells of at once. */
const MOST = 200

/** What these runs measured, and the names of all metrics there are. */
export function useMeasured(ids: string[], tick: number): Measured {
  const loaded = useLoaded(async () => {
    const pages: string[][] = [ids.slice(0, MOST)]
    for (let at = MOST; at < ids.length; at += MOST) pages.push(ids.slice(at, at + MOST))
    const told = await Promise.all(pages.map(page => ask<Measured>(`/ui/metrics?runs=${page.join()}`)))
    return { names: told[0]?.names ?? [], runs: Object.assign({}, ...told.map(each => each.runs)) as Measured['runs'] }
  }, [ids.length, ids[0], ids.at(-1)], tick)
  return loaded.value ?? { names: [], runs: {} }
}

/** One value, or the smallest and the largest of several tasks. */
export function spanOf(values?: number[]): string {
  if (!values?.length) return ''
  const [least, most] = [Math.min(...values), Math.max(...values)]
  return least === most ? number(least) : `${number(least)} … ${number(most)}`
}

const OPERATIONS: Record<string, string> = {
  '>': 'GREATER_THAN', '>=': 'GREATER_THAN_EQUALS', '<': 'LESS_THAN', '<=': 'LESS_THAN_EQUALS', '=': 'EQUALS', '==': 'EQUALS', '!=': 'NOT_EQUALS',
}

/** `accuracy > 0.9, loss < 1` as predicates of KFP's filter; null when it is (not yet) one. */
export function predicatesOf(text: string): object[] | null {
  const found: object[] = []
  for (const part of text.split(',').filter(each => each.trim())) {
    const match = /^\s*(.+?)\s*(>=|<=|==|!=|=|>|<)\s*([-+]?[0-9.]+(?:e[-+]?\d+)?)\s*$/i.exec(part)
    if (!match || Number.isNaN(Number(match[3]))) return null
    found.push({ key: `metrics.${match[1]}`, operation: OPERATIONS[match[2]!], string_value: match[3] })
  }
  return found
}
