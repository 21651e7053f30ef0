/** The page of an object, or of a folder of a bucket. */
import { to } from '../route'

export function placeOf(uri: string): { bucket: string; key: string } {
  const [bucket = '', ...rest] = uri.replace(/^s3:\/\//, '').split('/')
  return { bucket, key: rest.join('/') }
}

export const folderOf = (key: string) => key.slice(0, key.lastIndexOf('/') + 1)

/** With `folder` the uri is a prefix and not an object. */
export function bucketPage(uri: string, folder = false): string {
  const { bucket, key } = placeOf(uri)
  const prefix = folder ? (key && !key.endsWith('/') ? `${key}/` : key) : folderOf(key)
  const query = new URLSearchParams({ ...(prefix ? { prefix } : {}), ...(folder || !key ? {} : { key }) }).toString()
  return `${to('buckets', bucket)}${query ? `?${query}` : ''}`
}

export const S3Link = ({ uri, folder = false }: { uri: string; folder?: boolean }) =>
  uri.startsWith('s3://') ? <a href={bucketPage(uri, folder)}>{uri}</a> : <code>{uri}</code>
