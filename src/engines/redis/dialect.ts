// What tells the servers of this family apart.

export interface Dialect {
  /** As in `redis-server` and `redis_version`. */
  readonly name: 'redis' | 'valkey'
  readonly title: string
  readonly defaultMajor: string
  /** The name of its image. */
  readonly image: string
  /** The name of the package that holds the server. */
  readonly debian: string
  /** Those that have that package. */
  readonly systems: string
}
