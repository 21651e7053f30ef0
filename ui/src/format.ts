/** Numbers and times as people read them. */

/** Seconds: `40 ms`, `1.4 s`, `12 s`, `3 m 05 s`, `2 h 04 m`. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return ''
  if (seconds < 1) return `${Math.round(1000 * seconds)} ms`
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  if (seconds < 60) return `${Math.round(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} m ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} m`
}

/** From one time to another, or to now; empty when it has not begun. */
export function between(begin?: string | null, end?: string | null): string {
  if (!begin) return ''
  return duration(Math.max(0, ((end ? Date.parse(end) : Date.now()) - Date.parse(begin)) / 1000))
}

/** `14:03:21` of today, `24 Nov 14:03` of this year, else with its year. */
export function moment(time?: string | null): string {
  if (!time) return ''
  const date = new Date(time)
  const now = new Date()
  const clock: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hour12: false }
  if (date.toDateString() === now.toDateString()) return date.toLocaleTimeString(undefined, { ...clock, second: '2-digit' })
  const day: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short', ...(date.getFullYear() === now.getFullYear() ? {} : { year: 'numeric' }) }
  return date.toLocaleString(undefined, { ...day, ...clock })
}

export function bytes(count: number): string {
  let size = count
  for (const unit of ['B', 'kB', 'MB', 'GB']) {
    if (size < 1000) return `${unit === 'B' ? size : size.toPrecision(3)} ${unit}`
    size /= 1000
  }
  return `${size.toPrecision(3)} TB`
}

/** Up to five significant digits, and no noise behind them. */
export const number = (value: number) =>
  Number.isInteger(value) ? String(value) : String(Number(value.toPrecision(5)))
