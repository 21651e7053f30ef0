/** Where we are. Addresses are after the #, as in KFP's own interface: the links that kfp.Client
 * prints (`/#/runs/details/ID`) open the right page. */
import { useEffect, useState } from 'preact/hooks'

export interface Route {
  path: string
  parts: string[]
  query: URLSearchParams
}

export function here(): Route {
  const [path = '/', query = ''] = (location.hash.slice(1) || '/').split('?', 2)
  return { path, parts: path.split('/').filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(query) }
}

export function useRoute(): Route {
  const [route, set] = useState(here)
  useEffect(() => {
    const listen = () => set(here())
    addEventListener('hashchange', listen)
    listen() // it may have changed before anybody listened
    return () => removeEventListener('hashchange', listen)
  }, [])
  return route
}

/** The address of a page: `to('runs', 'details', id)`. */
export const to = (...parts: string[]) => `#/${parts.map(encodeURIComponent).join('/')}`

export const go = (address: string) => {
  location.hash = address.replace(/^#/, '')
}

/** Changes what stands after the ? of this page, without a step in the browser's history. */
export function setQuery(changes: Record<string, string | null>) {
  const { path, query } = here()
  for (const [name, value] of Object.entries(changes)) {
    if (value) query.set(name, value)
    else query.delete(name)
  }
  const text = query.toString()
  history.replaceState(null, '', `#${path}${text ? `?${text}` : ''}`)
  dispatchEvent(new HashChangeEvent('hashchange'))
}
