/** A log group of CloudWatch Logs: its streams, and the one that is chosen, as it grows. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError, aws, useLoaded } from '../api'
import { useTick } from '../changes'
import { LogView } from './log'
import { Problem } from './page'

interface Stream { logStreamName: string; lastEventTimestamp?: number }
interface Events { events: { timestamp: number; message: string }[]; nextForwardToken?: string; nextBackwardToken?: string }

/** Lines that are read of a long log at its end. */
const TAIL = 5000

/** `prefix`: of the streams' names, where a group has those of many jobs. */
export function GroupLog({ group, prefix }: { group: string; prefix?: string }) {
  const tick = useTick(2000)
  const streams = useLoaded(
    () => aws<{ logStreams: Stream[] }>('logs', 'DescribeLogStreams', { logGroupName: group, ...(prefix ? { logStreamNamePrefix: prefix } : { orderBy: 'LastEventTime', descending: true }), limit: 50 }), [group, prefix], tick,
  )
  const [chosen, choose] = useState('')
  const found = streams.value?.logStreams ?? []
  const name = found.some(each => each.logStreamName === chosen) ? chosen : (found[0]?.logStreamName ?? '')
  if (streams.error?.code.startsWith('ResourceNotFound')) return <p class="dim">Nothing has been printed yet.</p>
  return (
    <>
      <Problem error={streams.error} />
      {found.length > 1 && (
        <label class="dim">Stream <select value={name} onChange={event => choose(event.currentTarget.value)}>
          {found.map(each => <option key={each.logStreamName} value={each.logStreamName}>{each.logStreamName}</option>)}
        </select></label>
      )}
      {name ? <StreamLog key={name} group={group} stream={name} tick={tick} /> : streams.value && <p class="dim">Nothing has been printed yet.</p>}
    </>
  )
}

function StreamLog({ group, stream, tick }: { group: string; stream: string; tick: number }) {
  const [lines, setLines] = useState<string[]>([])
  const [error, setError] = useState<ApiError | null>(null)
  const token = useRef<string | undefined>(undefined)
  const busy = useRef(false)
  useEffect(() => {
    if (busy.current) return
    busy.current = true
    const asked = token.current ? { nextToken: token.current, startFromHead: true } : { startFromHead: false, limit: TAIL }
    aws<Events>('logs', 'GetLogEvents', { logGroupName: group, logStreamName: stream, ...asked }).then(answer => {
      token.current = answer.nextForwardToken
      const more = answer.events.map(each => each.message.replace(/\n$/, ''))
      if (more.length) setLines(old => [...old, ...more].slice(-50_000))
      busy.current = false
    }, (problem: ApiError) => { setError(problem); busy.current = false })
  }, [tick])
  return <><Problem error={error} /><LogView lines={lines} live={false} label={stream} /></>
}
