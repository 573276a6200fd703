/** Links that open the screen of a stack on this machine, where nobody can sign in. */

import type { Stack } from "../stack/stack.ts";

/** Who may come: what each may do says the matrix of access. */
export const ROLES = ["viewer", "pm", "operator"] as const;
export type Role = typeof ROLES[number];

/** A working day. */
const LIFETIME_SECONDS = 8 * 3600;

/** The token goes into the fragment, which no browser sends to a server. */
export async function linkFor(stack: Pick<Stack, "apiUrl" | "signJwt">, role: Role): Promise<string> {
  const token = await stack.signJwt({
    app_metadata: { learning_role: role },
    email: `${role}@this-machine`,
    exp: Math.floor(Date.now() / 1000) + LIFETIME_SECONDS,
  });
  return `${stack.apiUrl}/#token=${token}`;
}
