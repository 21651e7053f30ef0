/** The page of an object, or of a folder of a bucket. */
import { to } from '../route'

export function placeOf(uri: string): { bucket: string; key: string } {
  const [bucket = '', ...rest] = uri.replace(/^s3:\/\//, '').split('/')
  return { bucket, key: rest.join('/') }
}

export const folderOf = (key: string) => key.slice(0, key.lastIndexOf('/') + 1)

/** A prefix is what jobs read: all that begins with it, a folder as well as `part-` of several files. */
export type As = 'object' | 'folder' | 'prefix'

export function bucketPage(uri: string, as: As = 'object'): string {
  const { bucket, key } = placeOf(uri)
  const prefix = as === 'prefix' ? key : as === 'object' ? folderOf(key) : key && !key.endsWith('/') ? `${key}/` : key
  const query = new URLSearchParams({ ...(prefix ? { prefix } : {}), ...(as === 'object' && key ? { key } : {}) }).toString()
  return `${to('buckets', bucket)}${query ? `?${query}` : ''}`
}

export const S3Link = ({ uri, as = 'object' }: { uri: string; as?: As }) =>
  uri.startsWith('s3://') ? <a href={bucketPage(uri, as)}>{uri}</a> : <code>{uri}</code>
