/** A user or a role by its name: its policies are behind it. */
export const principalPage = (arn: string) => `#/permissions?principal=${encodeURIComponent(arn)}`

export const Principal = ({ arn }: { arn: string }) => <a href={principalPage(arn)} title={arn}>{arn.slice(arn.lastIndexOf('/') + 1)}</a>
