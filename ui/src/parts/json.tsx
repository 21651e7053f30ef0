import { Facts } from './page'

/** A value as it is in a protocol: short ones in a line, others folded out. */
export function Value({ value }: { value: unknown }) {
  if (value === null || value === undefined) return <span class="dim">null</span>
  if (typeof value === 'string') return value.includes('\n') || value.length > 160 ? <pre class="json">{value}</pre> : <span class="value">{value}</span>
  if (typeof value !== 'object') return <code>{String(value)}</code>
  const text = JSON.stringify(value, null, 2)
  return text.length < 80 ? <code>{JSON.stringify(value)}</code> : <pre class="json">{text}</pre>
}

export function Values({ values, none = 'none' }: { values?: Record<string, unknown>; none?: string }) {
  const entries = Object.entries(values ?? {})
  if (!entries.length) return <p class="dim">{none}</p>
  return <Facts listed rows={entries.map(([name, value]) => [name, <Value value={value} />])} />
}
