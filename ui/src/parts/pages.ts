/** Further pages of a list, behind a first one that is read anew as things change. */
import { useEffect, useState } from 'preact/hooks'

interface More<R> { of: string; rows: R[]; token?: string }

/** All rows that were read so far, and what reads the next ones. `key` says which list it is. */
export function usePages<A, R>(
  key: string, first: A | null, rowsOf: (answer: A) => R[], tokenOf: (answer: A) => string | undefined,
  load: (token: string) => Promise<A>, id: (row: R) => string,
): { rows: R[]; next: () => void; isMore: boolean } {
  const [more, setMore] = useState<More<R> | null>(null)
  const [busy, setBusy] = useState(false)
  useEffect(() => { setMore(null); setBusy(false) }, [key])
  const head = first ? rowsOf(first) : []
  const mine = more?.of === key ? more : null
  const known = new Set(head.map(id))
  const rows = mine ? [...head, ...mine.rows.filter(row => !known.has(id(row)))] : head
  const token = mine ? mine.token : first ? tokenOf(first) : undefined
  const next = () => {
    if (!token || busy) return
    setBusy(true)
    load(token).then(answer => {
      setMore(old => ({ of: key, rows: [...(old?.of === key ? old.rows : []), ...rowsOf(answer)], token: tokenOf(answer) }))
      setBusy(false)
    }, () => setBusy(false))
  }
  return { rows, next, isMore: Boolean(token) }
}
