/** What an hour of an instance costs for training, processing and batch transform: USD, on demand, us-east-1.
 *
 * Gathered in November 2026 from public pages and programs that quote https://aws.amazon.com/sagemaker/pricing/
 * (2023 to 2025), and only where several agree; AWS may have changed a price since. No request leaves the
 * machine, so it is a table; what is not in it has no price here. */
const HOURLY: Record<string, number> = {
  'ml.t3.medium': 0.05, 'ml.t3.large': 0.1, 'ml.t3.xlarge': 0.2, 'ml.t3.2xlarge': 0.399,
  'ml.m5.large': 0.115, 'ml.m5.xlarge': 0.23, 'ml.m5.2xlarge': 0.461, 'ml.m5.4xlarge': 0.922,
  'ml.c5.xlarge': 0.204, 'ml.c5.2xlarge': 0.408, 'ml.c5.4xlarge': 0.816,
  'ml.g4dn.xlarge': 0.7364, 'ml.g4dn.2xlarge': 0.94, 'ml.g4dn.4xlarge': 1.505, 'ml.g4dn.8xlarge': 2.72,
  'ml.g4dn.12xlarge': 4.89, 'ml.g4dn.16xlarge': 5.44,
  'ml.g5.xlarge': 1.408, 'ml.g5.2xlarge': 1.515, 'ml.g5.4xlarge': 2.03, 'ml.g5.12xlarge': 7.09,
  'ml.p3.2xlarge': 3.825, 'ml.p3.8xlarge': 14.688, 'ml.p3.16xlarge': 28.152,
}

export function costOf(type: string | undefined, count: number | undefined, seconds: number | undefined): string {
  if (!type || seconds === undefined) return ''
  const hourly = HOURLY[type]
  if (hourly === undefined) return 'no price known'
  const dollars = (hourly * (count ?? 1) * seconds) / 3600
  return `≈ $${dollars < 0.1 ? dollars.toFixed(5) : dollars.toFixed(2)}`
}
