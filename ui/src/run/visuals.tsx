/** KFP's visualisations: metrics, confusion matrix, ROC curve, HTML and Markdown. */
import { ApiError, objectUrl, useLoaded } from '../api'
import { number } from '../format'
import { Problem } from '../parts/page'
import type { Artifact } from './artifacts'

export function Visual({ kind, artifact }: { kind: string; artifact: Artifact }) {
  if (kind === 'Metrics') return <Metrics values={artifact.metadata ?? {}} />
  if (kind === 'ClassificationMetrics') {
    const { confusionMatrix, confidenceMetrics } = (artifact.metadata ?? {}) as Classified
    return (
      <>
        {confusionMatrix && <ConfusionMatrix matrix={confusionMatrix.struct ?? confusionMatrix} />}
        {confidenceMetrics && <Roc points={confidenceMetrics.list ?? confidenceMetrics} />}
      </>
    )
  }
  if (kind === 'HTML') return <iframe class="html" sandbox="allow-scripts" title="HTML" src={objectUrl(artifact.uri, '&type=text/html')} />
  if (kind === 'Markdown') return <Markdown uri={artifact.uri} />
  return null
}

function Metrics({ values }: { values: Record<string, unknown> }) {
  return (
    <table class="metrics">
      <tbody>
        {Object.entries(values).map(([name, value]) => (
          <tr key={name}><th scope="row">{name}</th><td>{typeof value === 'number' ? number(value) : String(value)}</td></tr>
        ))}
      </tbody>
    </table>
  )
}

interface Matrix { annotationSpecs: { displayName: string }[]; rows: { row: number[] }[] }
interface Confidence { confidenceThreshold: number; falsePositiveRate: number; recall: number }
interface Classified {
  confusionMatrix?: Matrix & { struct?: Matrix }
  confidenceMetrics?: Confidence[] & { list?: Confidence[] }
}

function ConfusionMatrix({ matrix }: { matrix: Matrix }) {
  const names = matrix.annotationSpecs.map(each => each.displayName)
  const rows = matrix.rows.map(each => each.row)
  const most = Math.max(1, ...rows.flat())
  return (
    <table class="confusion">
      <caption>Confusion matrix: rows are true, columns predicted</caption>
      <thead><tr><td />{names.map(name => <th key={name} scope="col">{name}</th>)}</tr></thead>
      <tbody>
        {rows.map((row, at) => (
          <tr key={at}>
            <th scope="row">{names[at]}</th>
            {row.map((count, column) => <td key={column} style={{ '--share': count / most }}>{number(count)}</td>)}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function Roc({ points }: { points: Confidence[] }) {
  const sorted = [...points].sort((one, other) => one.falsePositiveRate - other.falsePositiveRate || one.recall - other.recall)
  const path = sorted.map((point, at) => `${at ? 'L' : 'M'}${10 + 180 * point.falsePositiveRate},${190 - 180 * point.recall}`).join('')
  let area = 0
  sorted.slice(1).forEach((point, at) => { area += ((point.falsePositiveRate - sorted[at]!.falsePositiveRate) * (point.recall + sorted[at]!.recall)) / 2 })
  return (
    <figure class="roc">
      <svg viewBox="0 0 200 200" role="img" aria-label={`ROC curve, area ${area.toFixed(3)}`}>
        <path class="frame" d="M10,10V190H190" /><path class="chance" d="M10,190L190,10" /><path class="curve" d={path} />
      </svg>
      <figcaption class="dim">ROC: true over false positives; area {area.toFixed(3)}</figcaption>
    </figure>
  )
}

/** Markdown, laid out in a frame that runs nothing. */
export function Markdown({ uri }: { uri: string }) {
  const theme = document.documentElement.dataset.theme
  const loaded = useLoaded(async () => {
    const [answer, { pageOf }] = await Promise.all([fetch(objectUrl(uri)), import('../parts/markdown')])
    if (!answer.ok) throw new ApiError(answer.status, String(answer.status), answer.statusText)
    return pageOf(await answer.text())
  }, [uri, theme])
  return loaded.value === null ? <Problem error={loaded.error} /> : <iframe class="html" sandbox="" title="Markdown" srcdoc={loaded.value} />
}
