// The calls of the vectors as calls of this package: the verb, and its arguments in order.
import { Keyring, lint, selectorOptions } from 'sessile'

const ttlOf = ({ ttl }) => (ttl === undefined ? [] : [{ ttl }])
const namesOnly = ({ name }) => [name]
const origin = (call) => ({ trigger: call.triggerText ?? call.trigger, token: call.token })
const bytes = (checkpoint) => (typeof checkpoint === 'string' ? Buffer.from(checkpoint) : checkpoint)
const camel = (verb) => verb.replace(/_(.)/g, (_, letter) => letter.toUpperCase())

/** Verbs of a session whose arguments are not simply `name`. */
const sessionArguments = {
  get_many: ({ names }) => [names],
  all: () => [],
  keys: () => [],
  put: (call) => [call.fieldsText ?? call.fields, ...ttlOf(call)],
  put_raw: (call) => [call.name, call.value, ...ttlOf(call)],
  delete: ({ names }) => names,
  clear: () => [],
  increment: ({ name, by }) => [name, by],
  append: ({ name, values }) => [name, values],
  put_if_absent: (call) => [call.name, call.value, ...ttlOf(call)],
  put_if: (call) => [call.name, call.value, call.version, ...ttlOf(call)],
  get_path: ({ name, pointer }) => [name, pointer],
  put_path: ({ name, pointer, value }) => [name, pointer, value],
  delete_path: ({ name, pointer }) => [name, pointer],
  set_ttl: ({ name, ttl }) => [name, ttl],
  info: () => [],
  end: () => [],
  commit: ({ exclusive }) => (exclusive === undefined ? [] : [{ exclusive }]),
}

export function onSession(invoke, session, call) {
  return invoke(session, camel(call.call), ...(sessionArguments[call.call] ?? namesOnly)(call))
}

export function onExecution(invoke, run, call) {
  switch (call.call) {
    case 'step':
    case 'step_object': return invoke(run, 'step', call.stepText ?? call.step, call.message)
    case 'subprocess': return run.subprocess(call.name)
    case 'subprocess_by_id': return run.subprocessById(call.id)
    case 'commit': return invoke(run, 'commit', ...sessionArguments.commit(call))
    case 'end': return run.end()
    case 'checkpoint': return invoke(run, 'checkpoint')
    case 'renew': return invoke(run, 'renew', call.token)
    default: throw new Error(`an execution has no call ${call.call}`)
  }
}

/** Calls on `store.configs` and `store.sessions`: the verb, and its arguments. */
const configCalls = {
  config_create: ['create', (call) => [call.definitionText ?? call.definition]],
  config_get: ['get', ({ tag }) => [tag]],
  config_list: ['list', ({ page }) => [page]],
  config_update: ['update', ({ tag, changes }) => [tag, changes]],
  config_delete: ['delete', ({ tag, force }) => [tag, { force }]],
  config_export: ['export', ({ tags }) => [tags]],
  config_import: ['import', ({ document, replace }) => [document, { replace }]],
}

const sessionsCalls = {
  start: ['start', (call) => [call.tag, call.dataText ?? call.data, ...ttlOf(call)]],
  session_verify: ['verify', ({ token }) => [token]],
  refresh: ['refresh', ({ token }) => [token]],
  revoke: ['revoke', ({ session }) => [session]],
  revoke_all: ['revokeAll', ({ tag, user, except }) => [tag, user, { except }]],
  session_list: ['list', ({ tag, user, page }) => [tag, { ...page, user }]],
  session_update: ['update', ({ session, data }) => [session, data]],
  session_extend: ['extend', ({ session, ttl }) => [session, ttl]],
  users: ['users', ({ tag, page }) => [tag, page]],
  user: ['user', ({ tag, user }) => [tag, user]],
  dashboard: ['dashboard', ({ tag }) => [tag]],
  forget: ['forget', ({ tag, user }) => [tag, user]],
}

/** Calls on the store itself, on tokens and keys. */
const storeCalls = {
  verify: ['verify', ({ token }) => [token]],
  revoke_token: ['revokeToken', ({ token }) => [token]],
  revoke_token_id: ['revokeTokenId', ({ issuer, jti }) => [issuer, jti]],
  revoke_issuer: ['revokeIssuer', ({ issuer, notBefore }) => [issuer, ...(notBefore ? [new Date(notBefore)] : [])]],
  accept_logout_token: ['acceptLogoutToken', ({ token }) => [token]],
  rewrap: ['rewrap', ({ page }) => [page]],
  key_usage: ['keyUsage', () => []],
  drop_key: ['dropKey', ({ key }) => [key]],
  reload_keys: ['reloadKeys', ({ bytes }) => (bytes === undefined ? [] : [bytes])],
}

/** Calls on the keyring's file. */
const keyringCalls = {
  keyring_add: ['add', ({ kind }) => [kind]],
  keyring_promote: ['promote', ({ key }) => [key]],
  keyring_retire: ['retire', ({ key }) => [key]],
  keyring_revoke: ['revoke', ({ key }) => [key]],
  keyring_drop: ['drop', ({ key }) => [key]],
  keyring_describe: ['describe', () => []],
}

export function onStore(invoke, { store, clock, folder }, call) {
  if (call.call in storeCalls) {
    const [verb, args] = storeCalls[call.call]
    return invoke(store, verb, ...args(call))
  }
  if (call.call in keyringCalls) {
    const [verb, args] = keyringCalls[call.call]
    return invoke(Keyring, verb, `${folder}/keyring.json`, ...args(call))
  }
  const [verb, args] = configCalls[call.call] ?? sessionsCalls[call.call] ?? []
  if (verb) return invoke(call.call in configCalls ? store.configs : store.sessions, verb, ...args(call))
  switch (call.call) {
    case 'execution': return store.execution(origin(call))
    case 'resume': return invoke(store, 'resume', bytes(call.checkpoint), origin(call))
    case 'issue': return invoke(store.tokens, 'issue', call.claims, call.ttl)
    case 'stats': return store.stats()
    case 'set_clock': return clock.set(Date.parse(call.time))
    case 'advance': return clock.advance(call.millis)
    case 'sweep': return invoke(store, 'sweep', call.budget)
    case 'close': return invoke(store, 'close')
    case 'parse_step': return store.parseStep(call.stepText ?? call.step).toJSON()
    case 'lint': return { findings: lint(call.pipelineText ?? call.pipeline) }
    case 'selector_options': return selectorOptions(call.schemaText ?? call.schema)
    default: throw new Error(`the store has no call ${call.call}`)
  }
}
