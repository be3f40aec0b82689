import type { Config, ConfigChanges, ConfigDefinition, ConfigExport, Imported, SelectorOption } from './definition.js'
import { flagOf, jsonText, namesOf, nothing, parsed, tagOf, textOf } from './json.js'
import { fromInside, later, native, now, type Handle, type Verb } from './native.js'
import { pageOf, pageText, type Page, type PageOptions } from './page.js'
import { dated } from './time.js'

/**
 * The session configurations of a store, all within its workspace, product and env. Every verb gives a promise and has a
 * `Sync` twin. Definitions and changes are objects, or JSON text.
 *
 * Every verb may fail with `CLOSED` and the backend's errors. `CONFIG_INVALID` names what it is about in
 * `details.member` and, for an unknown member, the nearest known in `details.nearest`.
 */
export class Configs {
  readonly #store: Handle
  /** @internal The store closes when nobody holds it: its configurations hold it. */
  readonly owner: object

  private constructor(key: symbol, store: Handle, owner: object) {
    fromInside(key, 'Configs')
    this.#store = store
    this.owner = owner
  }

  /** @internal */
  static of(key: symbol, store: Handle, owner: object): Configs {
    return new Configs(key, store, owner)
  }

  /**
   * Makes a configuration.
   *
   * `CONFIG_INVALID`; `ALREADY_EXISTS` for its tag, also when another process was faster.
   */
  create(definition: ConfigDefinition | string): Promise<Config> {
    return later(this.create, ...this.#create(definition))
  }

  /** {@link create}, here and now. */
  createSync(definition: ConfigDefinition | string): Config {
    return now(this.createSync, ...this.#create(definition))
  }

  #create(definition: unknown): Verb<Config> {
    return [(ticket) => native.configsCreate(this.#store, ticket, jsonText(definition, 'definition')), config]
  }

  /** The configuration of that tag. `NOT_FOUND`. */
  get(tag: string): Promise<Config> {
    return later(this.get, ...this.#get(tag))
  }

  /** {@link get}, here and now. */
  getSync(tag: string): Config {
    return now(this.getSync, ...this.#get(tag))
  }

  #get(tag: string): Verb<Config> {
    return [(ticket) => native.configsGet(this.#store, ticket, tagOf(tag)), config]
  }

  /** The configurations by tag, the built-in `global` among them. `INVALID_ARGUMENT` for a limit or cursor. */
  list(page?: PageOptions): Promise<Page<Config>> {
    return later(this.list, ...this.#list(page))
  }

  /** {@link list}, here and now. */
  listSync(page?: PageOptions): Page<Config> {
    return now(this.listSync, ...this.#list(page))
  }

  #list(page: PageOptions | undefined): Verb<Page<Config>> {
    return [(ticket) => native.configsList(this.#store, ticket, pageText(page)), configs]
  }

  /**
   * Changes what `changes` names. Times and quota count for sessions begun afterwards, the schema for writes afterwards.
   *
   * `NOT_FOUND`; `CONFIG_INVALID`, also for tag, selector and shred, which stay.
   */
  update(tag: string, changes: ConfigChanges | string): Promise<Config> {
    return later(this.update, ...this.#update(tag, changes))
  }

  /** {@link update}, here and now. */
  updateSync(tag: string, changes: ConfigChanges | string): Config {
    return now(this.updateSync, ...this.#update(tag, changes))
  }

  #update(tag: string, changes: unknown): Verb<Config> {
    return [(ticket) => native.configsUpdate(this.#store, ticket, tagOf(tag), jsonText(changes, 'changes')), config]
  }

  /**
   * Deletes a configuration with all that is stored under it; `force` ends the sessions that live. Takes a second and
   * the operation's deadline: until then other processes may not have heard of it.
   *
   * `NOT_FOUND`; `CONFLICT` while sessions live, unless `force`; `CONFIG_INVALID` for the built-in `global`.
   */
  delete(tag: string, options?: { force?: boolean | undefined }): Promise<void> {
    return later(this.delete, ...this.#delete(tag, options))
  }

  /** {@link delete}, here and now. */
  deleteSync(tag: string, options?: { force?: boolean | undefined }): void {
    now(this.deleteSync, ...this.#delete(tag, options))
  }

  #delete(tag: string, options: { force?: boolean | undefined } | undefined): Verb<void> {
    return [(ticket) => native.configsDelete(this.#store, ticket, tagOf(tag), flagOf(options, 'force')), nothing]
  }

  /** The definitions of those tags, by default of all, for {@link import} into another store. `NOT_FOUND`. */
  export(tags?: readonly string[] | null): Promise<ConfigExport> {
    return later(this.export, ...this.#export(tags))
  }

  /** {@link export}, here and now. */
  exportSync(tags?: readonly string[] | null): ConfigExport {
    return now(this.exportSync, ...this.#export(tags))
  }

  #export(tags: readonly string[] | null | undefined): Verb<ConfigExport> {
    return [(ticket) => native.configsExport(this.#store, ticket, tagsText(tags)), parsed]
  }

  /**
   * Takes in what {@link export} gave, or its JSON text. A definition that is there and differs is refused, unless
   * `replace` lets it change what is there.
   *
   * `CONFIG_INVALID`; `ALREADY_EXISTS`.
   */
  import(document: ConfigExport | string, options?: { replace?: boolean | undefined }): Promise<Imported> {
    return later(this.import, ...this.#import(document, options))
  }

  /** {@link import}, here and now. */
  importSync(document: ConfigExport | string, options?: { replace?: boolean | undefined }): Imported {
    return now(this.importSync, ...this.#import(document, options))
  }

  #import(document: unknown, options: { replace?: boolean | undefined } | undefined): Verb<Imported> {
    return [
      (ticket) => native.configsImport(this.#store, ticket, jsonText(document, 'document'), flagOf(options, 'replace')),
      parsed,
    ]
  }
}

/**
 * The fields that a configuration with this schema (in any of its three forms; an object, or JSON text) may take as its
 * selector, in the order of the schema.
 *
 * `CONFIG_INVALID` says what is wrong with the schema and where.
 */
export function selectorOptions(schema: object | string): SelectorOption[] {
  return now(selectorOptions, () => native.selectorOptions(jsonText(schema, 'schema')), parsed)
}

function configOf(given: Record<string, unknown>): Config {
  return dated<Config>(given, 'createdAt', 'updatedAt')
}

function tagsText(tags: readonly string[] | null | undefined): string | undefined {
  return tags === undefined || tags === null ? undefined : textOf(namesOf(tags, 'tag'), 'tags')
}

const config: Verb<Config>[1] = (reply) => configOf(parsed(reply))
const configs = pageOf('configs', configOf)
