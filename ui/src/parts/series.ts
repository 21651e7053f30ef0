/** Metrics of CloudWatch over time, put on one axis. */
import { aws } from '../api'

export interface Line { label: string; metric: string; statistic: 'Average' | 'Sum' | 'Maximum'; dimensions: Record<string, string>; scale?: number }
export interface Drawn { labels: string[]; data: (number | null)[][] }

type Point = { Timestamp: string } & Partial<Record<Line['statistic'], number>>
const PERIODS = [1, 5, 10, 20, 30, 60, 300, 900, 3600]
/** Points of one answer that CloudWatch allows. */
const MOST = 1440

export const dimensionsOf = (named: Record<string, string>) => Object.entries(named).map(([Name, Value]) => ({ Name, Value }))

/** `begin`, `end`: ms since 1970. `least`: seconds that a point stands for at least. */
export async function series(namespace: string, lines: Line[], begin: number, end: number, least = 1): Promise<Drawn> {
  const period = PERIODS.find(each => each >= least && (end - begin) / 1000 / each < MOST) ?? 86400
  const span = { Namespace: namespace, StartTime: new Date(begin).toISOString(), EndTime: new Date(end).toISOString(), Period: period }
  const found = await Promise.all(lines.map(async line => {
    const asked = { ...span, MetricName: line.metric, Dimensions: dimensionsOf(line.dimensions), Statistics: [line.statistic] }
    const { Datapoints } = await aws<{ Datapoints: Point[] }>('cloudwatch', 'GetMetricStatistics', asked)
    return new Map(Datapoints.map(point => [Date.parse(point.Timestamp) / 1000, (point[line.statistic] ?? 0) * (line.scale ?? 1)]))
  }))
  const times = [...new Set(found.flatMap(line => [...line.keys()]))].sort((a, b) => a - b)
  return { labels: lines.map(line => line.label), data: [times, ...found.map(line => times.map(time => line.get(time) ?? null))] }
}
