/** A scope as text that is equal for equal scopes. */
export function scopeKey(scope: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(scope).sort(([a], [b]) => a < b ? -1 : 1));
}
