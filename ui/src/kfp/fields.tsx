/** A form's fields for the parameters of a pipeline: by type, with defaults and descriptions. */
import type { Parameter } from './records'

/** What stands in the fields, as text; a parameter that is not there keeps its default. */
export type Texts = Record<string, string>

export const textOf = (value: unknown) => (value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value))

export const textsOf = (given: Record<string, unknown>): Texts =>
  Object.fromEntries(Object.entries(given).map(([name, value]) => [name, textOf(value)]))

/** What the types of parameters are called. */
export const KINDS: Record<string, string> = {
  STRING: 'text', NUMBER_INTEGER: 'whole number', NUMBER_DOUBLE: 'number', BOOLEAN: 'true or false', LIST: 'list, as JSON', STRUCT: 'object, as JSON',
}

/** The values that the texts mean. Throws an Error that names the parameter. */
export function valuesOf(parameters: Record<string, Parameter>, texts: Texts): Record<string, unknown> {
  const values: Record<string, unknown> = {}
  for (const [name, { parameterType: type, defaultValue, isOptional }] of Object.entries(parameters)) {
    const text = texts[name]
    if (type === 'STRING' && text !== undefined) values[name] = text
    else if (text?.trim()) values[name] = parsed(name, type, text)
    else if (defaultValue === undefined && !isOptional) throw new Error(`${name}: a ${KINDS[type] ?? type} is needed.`)
  }
  return values
}

function parsed(name: string, type: string, text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    if (type.startsWith('NUMBER') && (typeof value !== 'number' || (type === 'NUMBER_INTEGER' && !Number.isInteger(value)))) throw new Error()
    return value
  } catch {
    throw new Error(`${name}: ${JSON.stringify(text)} is no ${KINDS[type] ?? type}.`)
  }
}

interface FieldsProps { parameters: Record<string, Parameter>; texts: Texts; onChange: (texts: Texts) => void }

export function Fields({ parameters, texts, onChange }: FieldsProps) {
  const entries = Object.entries(parameters)
  if (!entries.length) return <p class="all dim">The pipeline takes no parameters.</p>
  return (
    <>
      {entries.map(([name, parameter]) => (
        <Field key={name} name={name} parameter={parameter} text={texts[name]} onText={text => onChange({ ...texts, [name]: text })} />
      ))}
    </>
  )
}

function Field({ name, parameter, text, onText }: { name: string; parameter: Parameter; text?: string; onText: (text: string) => void }) {
  const { parameterType: type, defaultValue, description, isOptional, literals } = parameter
  const usual = textOf(defaultValue)
  const shared = { id: `parameter-${name}`, 'aria-describedby': `about-${name}`, value: text ?? usual }
  const choices = type === 'BOOLEAN' ? ['true', 'false'] : literals?.map(textOf)
  const said = [KINDS[type] ?? type, usual ? `default ${usual.length > 60 ? `${usual.slice(0, 60)}…` : usual}` : isOptional ? 'optional' : 'needed', description]
  return (
    <>
      <label for={shared.id}>{name}</label>
      <div class="field">
        {choices
          ? <select {...shared} onChange={event => onText(event.currentTarget.value)}>
              {!choices.includes(shared.value) && <option value={shared.value}>{shared.value || 'choose…'}</option>}
              {choices.map(each => <option key={each} value={each}>{each}</option>)}
            </select>
          : type === 'LIST' || type === 'STRUCT' || shared.value.includes('\n')
            ? <textarea {...shared} class="mono" onInput={event => onText(event.currentTarget.value)} />
            : <input {...shared} inputMode={type.startsWith('NUMBER') ? 'decimal' : undefined} onInput={event => onText(event.currentTarget.value)} />}
        <small class="dim" id={`about-${name}`}>{said.filter(Boolean).join(' · ')}</small>
      </div>
    </>
  )
}
