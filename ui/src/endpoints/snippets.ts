/** The same request from a terminal and from Python, after `eval "$(flowmaker env)"`. */
import type { Body } from './answer'

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`

/** curl signs it itself, from version 7.75 on. */
export function curlLine({ endpoint, text, file, type, accept, variant }: Body, region: string): string {
  const headers = [
    `-H "X-Amz-Security-Token: $AWS_SESSION_TOKEN"`,
    `-H ${quoted(`Content-Type: ${type}`)}`,
    ...(accept ? [`-H ${quoted(`Accept: ${accept}`)}`] : []),
    ...(variant ? [`-H ${quoted(`X-Amzn-SageMaker-Target-Variant: ${variant}`)}`] : []),
  ]
  return [
    `curl --aws-sigv4 aws:amz:${region}:sagemaker --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"`,
    ...headers,
    `--data-binary ${quoted(file ? `@${file.name}` : text)}`,
    `"$AWS_ENDPOINT_URL/endpoints/${endpoint}/invocations"`,
  ].join(' \\\n  ')
}

export function boto3Lines({ endpoint, text, file, type, accept, variant }: Body): string {
  const given = [
    `EndpointName=${JSON.stringify(endpoint)}`,
    `ContentType=${JSON.stringify(type)}`,
    ...(accept ? [`Accept=${JSON.stringify(accept)}`] : []),
    ...(variant ? [`TargetVariant=${JSON.stringify(variant)}`] : []),
    `Body=${file ? `open(${JSON.stringify(file.name)}, "rb")` : JSON.stringify(text)}`,
  ]
  return `import boto3\n\nruntime = boto3.client("sagemaker-runtime")\nanswer = runtime.invoke_endpoint(\n${given.map(each => `    ${each},\n`).join('')})\nprint(answer["Body"].read().decode())`
}
