import { Clock } from './clock.js'
import { invalid } from './error.js'
import type { OnEvent } from './events.js'
import type { Issuer } from './issuer.js'
import { isObject, kindOf, optionalText, textOf } from './json.js'
import { textOrBytes, type KeyringCallback } from './keys.js'
import { native, type Reply, type Ticket } from './native.js'

/** How large a thing may be before it is refused with `LIMIT_EXCEEDED`. Sizes are bytes of UTF-8 JSON text. */
export interface Limits {
  /** A field's name (256). */
  fieldName?: number | undefined
  /** One field's value (1 MiB). */
  fieldValue?: number | undefined
  /** All fields of a session together (4 MiB). */
  session?: number | undefined
  /** Fields in one session (1,024). */
  fields?: number | undefined
  /** Fields named by one step (256). */
  stepFields?: number | undefined
  /** A message (16 MiB). */
  message?: number | undefined
  /** Nesting depth of JSON (128). */
  depth?: number | undefined
  /** A token (8 KiB). */
  token?: number | undefined
  /** A configuration's schema (64 KiB). */
  schema?: number | undefined
  /** Nesting of sub-processes (64). */
  nesting?: number | undefined
  /** How long one operation may take, in milliseconds (2,000). */
  deadline?: number | undefined
  /** How long a connection to a server may take, in milliseconds (1,000). */
  connect?: number | undefined
  /** How many connections a store has to a PostgreSQL (4). */
  connections?: number | undefined
  /** Audit events that wait to be fetched (4,096). */
  auditEvents?: number | undefined
}

/** The files, in PEM form, with which a store speaks TLS to its server. */
export interface Tls {
  /** The authorities to trust instead of the system's. */
  ca?: string | undefined
  /** The client's certificate; goes together with `key`. */
  cert?: string | undefined
  key?: string | undefined
}

/** How to open a store. */
export interface StoreOptions {
  /** The path of the keyring file. Every store but `memory:` needs a keyring. */
  keyring?: string | undefined
  /** The keyring itself, as JSON text. */
  keyringBytes?: string | Uint8Array | undefined
  /** The environment variable that holds the keyring's JSON text. */
  keyringEnv?: string | undefined
  /**
   * A function that gives the keyring's JSON text, or a promise of it; called by {@link Store.open} and
   * {@link Store.reloadKeys}, whose `Sync` twins want it at once. What it throws, they throw.
   */
  keyringCallback?: KeyringCallback | undefined
  /** Part of the namespace: `[A-Za-z0-9][A-Za-z0-9._-]{0,63}`; `default` by default. */
  workspace?: string | undefined
  /** Part of the namespace; `default` by default. */
  product?: string | undefined
  /** Part of the namespace; `dev` by default. */
  env?: string | undefined
  /** Whose tokens are trusted, besides the store's own. */
  issuers?: readonly Issuer[] | undefined
  /** The HMAC secret of each symmetric issuer, by its `issuer`: bytes, or text taken as UTF-8. */
  issuerSecrets?: Readonly<Record<string, string | Uint8Array>> | undefined
  /** The password of the server behind the URL. One in the URL is refused: URLs end up in logs. */
  backendPassword?: string | undefined
  /** The environment variable that holds that password. */
  passwordEnv?: string | undefined
  /** For `rediss:` and `postgresql:`. */
  tls?: Tls | undefined
  /** Takes a Redis that may forget sessions when it is full; `UNSUPPORTED` otherwise. */
  allowEviction?: boolean | undefined
  /** Where a PostgreSQL has its tables; `sessile` by default. */
  schema?: string | undefined
  /** Opens where the server cannot be reached; the first call that reaches it compares the keyring. */
  lazy?: boolean | undefined
  /** The URL of a second store, kept out of backups, for the users' secrets of configurations with `shred`. */
  secrets?: string | undefined
  limits?: Limits | undefined
  /**
   * `interval` (the default): a killed process loses nothing, a power cut may lose the last moments. `commit`: what a
   * promise confirmed is on the disk.
   */
  durability?: 'interval' | 'commit' | undefined
  /** Nothing is written, made or locked; a change is `READ_ONLY`, a missing file `NOT_FOUND`. */
  readOnly?: boolean | undefined
  /** Opens a file on a network's file system, where one machine alone does so. */
  allowNetworkFilesystem?: boolean | undefined
  /** Keeps audit events for {@link Store.drainEvents}. */
  audit?: boolean | undefined
  /**
   * Is called with each audit event instead, in their order, on the thread that the store belongs to: in a microtask after
   * the call that gave rise to it. What it throws is an uncaught exception.
   */
  onEvent?: OnEvent | undefined
  /** A clock to use instead of the system's. */
  clock?: Clock | undefined
}

/**
 * @internal Secrets and objects have arguments of their own; everything else rides in JSON, and the core knows its
 * members. `given` is the keyring that a callback gave.
 */
export function open(url: string, options: StoreOptions, ticket: Ticket, given: string | Uint8Array | undefined): Reply {
  if (!isObject(options as unknown)) throw invalid(`options: an object is expected, not ${kindOf(options)}`)
  const { clock, keyringBytes = given, keyringEnv, keyringCallback, backendPassword, issuerSecrets, onEvent, ...members } = options
  if (onEvent !== undefined && typeof onEvent !== 'function') {
    throw invalid(`onEvent: a function is expected, not ${kindOf(onEvent)}`)
  }
  const watched = onEvent === undefined ? {} : { audit: true }
  return native.storeOpen(
    textOf({ ...members, ...watched, url }, 'options'),
    ticket,
    clock === undefined ? undefined : Clock.handleOf(clock),
    optionalText(keyringEnv, 'keyringEnv'),
    keyringBytes === undefined ? undefined : textOrBytes(keyringBytes, 'keyringBytes'),
    optionalText(backendPassword, 'backendPassword'),
    ...Object.entries(issuerSecrets ?? {}).flatMap(([issuer, secret]) => [issuer, secretOf(secret)]),
  )
}

function secretOf(secret: unknown): Uint8Array {
  const given = textOrBytes(secret, 'issuerSecrets')
  return typeof given === 'string' ? Buffer.from(given) : given
}
