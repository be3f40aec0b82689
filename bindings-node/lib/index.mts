// One copy of everything, whether it is imported or required: `instanceof SessileError` holds in both.
export {
  Clock, Configs, DELETE, errorCodes, Execution, Keyring, lint, selectorOptions, SessileError, Session, Sessions, Step,
  Store, Tokens, VerifiedToken,
} from './index.js'
export type {
  AuditEvent, CheckReport, CommitOptions, Committed, Config, ConfigChanges, ConfigDefinition, ConfigExport, Dashboard,
  DataKey, DataKeyUsage, Duration, ErrorCode, ErrorKind, ExecutionOptions, Fields, Finding, Identifier, Imported, Info,
  Issuer, IssuerStats, KeyringCallback, KeyringDescription, KeyState, KeyUsage, Limits, ListOptions, OnEvent, Page,
  PageOptions, Period, PipelineBlock, PipelineNode, Problem, RefusedKey, RevokeAllOptions, Rewrapped, SelectorOption,
  SessionEntry, SigningKey, Started, Stats, StepObject, StoreOptions, TokenCache, Trigger, Ttl, User, UserRef,
  UserSessions, Verification, Versioned,
} from './index.js'
