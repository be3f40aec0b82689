/**
 * Sessile: in-process, encrypted sessions for pipelines and products. Local, Scoped and Global.
 *
 * Every call that may wait gives a promise and has a `Sync` twin. What goes wrong is a {@link SessileError}.
 */
export type { CheckReport, Problem } from './check.js'
export { Clock } from './clock.js'
export { Configs, selectorOptions } from './configs.js'
export type {
  Config, ConfigChanges, ConfigDefinition, ConfigExport, Duration, Imported, Period, SelectorOption,
} from './definition.js'
export { errorCodes, SessileError, type ErrorCode, type ErrorKind } from './error.js'
export type { AuditEvent, OnEvent } from './events.js'
export { Execution } from './execution.js'
export type { Health, HealthFailure } from './health.js'
export type { Fields } from './json.js'
export type { Issuer } from './issuer.js'
export { Keyring, type DataKey, type KeyringDescription, type KeyState, type SigningKey } from './keyring.js'
export type { Copied, DataKeyUsage, KeyringCallback, KeyUsage, Rewrapped } from './keys.js'
export { lint, type Finding, type PipelineBlock, type PipelineNode } from './lint.js'
export type { Limits, StoreOptions, Tls } from './options.js'
export type { Page, PageOptions } from './page.js'
export { DELETE, Session, type CommitOptions, type Committed, type Info, type Ttl, type Versioned } from './session.js'
export { Sessions, type ListOptions, type RevokeAllOptions, type Verification } from './sessions.js'
export type { Started } from './started.js'
export { Step, type StepObject } from './step.js'
export type { BackendStats, Connections, IssuerStats, RefusedKey, Stats, TokenCache } from './stats.js'
export { Store, type ExecutionOptions, type Trigger } from './store.js'
export { Tokens, VerifiedToken } from './token.js'
export type { Dashboard, Identifier, SessionEntry, User, UserRef, UserSessions } from './user.js'
