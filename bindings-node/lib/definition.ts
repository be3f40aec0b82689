// What a configuration is made of, as it is given and as it is read.

/** A length of time: `{ value: 30, period: 'mins' }`. Months and years are those of the calendar, in UTC. */
export interface Duration<P extends string = string> {
  /** A whole number, at least 1. */
  value: number
  /** The unit. Any case, singular or plural: `sec second min minute hour day week month year`. */
  period: P
}

/** A unit of time, as it is printed. */
export type Period = 'secs' | 'mins' | 'hours' | 'days' | 'weeks' | 'months' | 'years'

/** What a configuration is to be. All but `name` may be left out. */
export interface ConfigDefinition {
  /** 1 to 120 characters. */
  name: string
  /** `[a-z0-9][a-z0-9._-]{0,63}`; made from the name by default. */
  tag?: string | undefined
  description?: string | null | undefined
  /** How long after its start a session ends, in units of {@link period}: a whole number. Never, by default. */
  expiry?: number | null | undefined
  /** The unit of {@link expiry}. */
  period?: string | null | undefined
  /** Ends a session that was not used for so long. */
  idle?: Duration | null | undefined
  /** What a session holds: shorthand (`{ userId: 'string' }`), sample data, or a JSON Schema. */
  schema?: object | undefined
  /** Which of the three the schema is, where that cannot be seen. */
  form?: 'shorthand' | 'sample' | 'json-schema' | undefined
  /** The schema's field that names the user: `userId`, `details.username`, `$Session{details}{username}`. */
  selector?: string | undefined
  /** The life of a session token; 24 hours by default. */
  tokenExpiry?: number | undefined
  tokenPeriod?: string | undefined
  /** The life of a refresh token; 30 days by default. */
  refreshExpiry?: number | undefined
  refreshPeriod?: string | undefined
  /** How many sessions of one user may be alive at once. */
  maxSessionsPerUser?: number | null | undefined
  /** What happens at one more: the earliest started goes (the default), or the new one is refused. */
  onLimit?: 'evict_oldest' | 'reject' | undefined
  /** Seals each user's data under a secret of their own, in stores that keep such secrets. */
  shred?: boolean | undefined
  /** Seconds, 0 to 3,600, in which the refresh token before the current one still works; 10 by default. */
  refreshGrace?: number | undefined
  /** What a session's end can be extended to at most, from its start. */
  maxLifetime?: Duration | null | undefined
  /** How long a user is remembered after the last session ended; 90 days by default, `null`: for ever. */
  retention?: Duration | null | undefined
  /** The `acr` that a login needs, or several of which it needs one. */
  acr?: string | readonly string[] | null | undefined
  /** Seconds, at least 1, since the login at most. */
  maxAuthAge?: number | null | undefined
}

/** What may change of a configuration. A member that is left out stays; `null` resets it to its default. */
export type ConfigChanges = {
  [member in Exclude<keyof ConfigDefinition, 'tag' | 'selector' | 'shred'>]?: ConfigDefinition[member] | null
}

/** A configuration. */
export interface Config {
  tag: string
  name: string
  description: string | null
  expiry: number | null
  period: Period | null
  idle: Duration<Period> | null
  /** As it was given; `null` without one, and the next five members with it. */
  schema: Record<string, any> | null
  form: 'shorthand' | 'sample' | 'json-schema' | null
  /** The JSON Schema that the schema means. */
  jsonSchema: Record<string, any> | null
  /** `separable`: a put checks its own fields; `whole`: it reads and checks the whole session. */
  schemaClass: 'separable' | 'whole' | null
  /** In the long spelling: `$Session{userId}`. */
  selector: string | null
  selectorType: SelectorOption['type'] | null
  tokenExpiry: number
  tokenPeriod: Period
  refreshExpiry: number
  refreshPeriod: Period
  maxSessionsPerUser: number | null
  onLimit: 'evict_oldest' | 'reject'
  shred: boolean
  refreshGrace: number
  maxLifetime: Duration<Period> | null
  retention: Duration<Period> | null
  acr: string | string[] | null
  maxAuthAge: number | null
  /** Counts the configuration's changes. */
  version: number
  /** `null` for the built-in `global`. */
  createdAt: Date | null
  /** `null` for the built-in `global`. */
  updatedAt: Date | null
}

/** A field that a schema offers as selector. */
export interface SelectorOption {
  /** The long spelling: `$Session{details}{username}`. */
  selector: string
  /** The short one, which does as well: `details.username`. */
  path: string
  type: 'string' | 'integer' | 'number' | 'boolean'
}

/** Definitions, to be taken to another store. */
export interface ConfigExport {
  /** The version of this format. */
  sessileConfigs: 1
  configs: ConfigDefinition[]
}

/** What an import did: tags, sorted. */
export interface Imported {
  created: string[]
  updated: string[]
  unchanged: string[]
}
