// One copy of everything, whether it is imported or required: `instanceof SessileError` holds in both.
export {
  Clock, Configs, DELETE, errorCodes, Execution, Keyring, lint, selectorOptions, SessileError, Session, Sessions, Step,
  Store, Tokens, VerifiedToken,
} from './index.js'
export type {
  AuditEvent, BackendStats, CheckReport, CommitOptions, Committed, Config, ConfigChanges, ConfigDefinition,
  ConfigExport, Connections, Copied, Dashboard, DataKey, DataKeyUsage, Duration, ErrorCode, ErrorKind, ExecutionOptions,
  Fields, Finding, Health, HealthFailure, Identifier, Imported, Info, Issuer, IssuerStats, KeyringCallback,
  KeyringDescription, KeyState, KeyUsage, Limits, ListOptions, OnEvent, Page, PageOptions, Period, PipelineBlock,
  PipelineNode, Problem, RefusedKey, RevokeAllOptions, Rewrapped, SelectorOption, SessionEntry, SigningKey, Started,
  Stats, StepObject, StoreOptions, Tls, TokenCache, Trigger, Ttl, User, UserRef, UserSessions, Verification,
  Versioned,
} from './index.js'
