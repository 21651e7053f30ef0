/** Where a job reads and writes: links to the pages of buckets, and in which way. */
import type { ComponentChildren } from 'preact'
import { type As, S3Link } from '../buckets/link'
import { Facts } from '../parts/page'

/** Which objects a source stands for, and which of them an instance gets. */
export interface Taken { S3DataType?: string; S3DataDistributionType?: string }
export interface Source { S3DataSource?: Taken & { S3Uri: string } }
export type Row = [string, ComponentChildren]

export const Places = ({ rows }: { rows: Row[] }) => <Facts rows={rows} listed />

export function Place({ uri = '', as, how = [] }: { uri?: string; as: As; how?: (string | false | undefined)[] }) {
  const told = how.filter(Boolean)
  return <><S3Link uri={uri} as={as} />{told.length > 0 && <div class="dim">{told.join(' · ')}</div>}</>
}

/** A manifest is an object. */
export const readAs = (type = 'S3Prefix'): As => (type === 'S3Prefix' ? 'prefix' : 'object')

export const wayOf = (taken?: Taken) => [taken?.S3DataType !== 'S3Prefix' && taken?.S3DataType, taken?.S3DataDistributionType]
