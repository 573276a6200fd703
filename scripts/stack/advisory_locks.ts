/**
 * The advisory locks that these programs hold, in one list so that no two are the same. What SQL holds by itself is a hash of a
 * word, of 64 bits, and does not meet these.
 */
export const ADVISORY_LOCKS = {
  /** Two stacks starting on one database take turns. */
  install: 720_114_001,
  /** Two test runs on one server take turns making templates. */
  template: 720_114_002,
  /** A stack holds it on its database for as long as it lives. */
  stack: 720_114_003,
  /** Adoptions of a database take turns. */
  adoption: 720_114_004,
} as const;
