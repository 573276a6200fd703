/** Who looks: the session of a signed-in user, or a token from a link. */

import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import * as z from "zod/mini";

export interface Place {
  /** Address of the data API. */
  readonly url: string;
  /** The publishable key. */
  readonly key: string;
}

export interface Session {
  readonly place: Place;
  readonly client: SupabaseClient;
  readonly role: string;
  readonly name: string;
  /** Milliseconds; null where it is renewed by itself. */
  readonly endsAt: number | null;
}

const claims = z.object({
  email: z.optional(z.string()),
  exp: z.optional(z.number()),
  app_metadata: z.optional(z.looseObject({ learning_role: z.optional(z.string()) })),
});

const stored = z.object({ url: z.string(), key: z.string(), token: z.nullable(z.string()) });
const STORE = "edgeloop";

/** What a token says of its bearer; undefined where it is none. */
export function readToken(token: string): z.infer<typeof claims> | undefined {
  const body = token.split(".")[1];
  if (body === undefined) return undefined;
  try {
    const bytes = Uint8Array.from(
      atob(body.replaceAll("-", "+").replaceAll("_", "/")),
      (letter) => letter.charCodeAt(0),
    );
    const parsed = claims.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** A session with a token as it is; the reason where it cannot be one. */
export function sessionOfToken(place: Place, token: string): Session | string {
  const said = readToken(token);
  if (said === undefined) return "This is no token: it has three parts with dots between them.";
  const endsAt = said.exp === undefined ? null : said.exp * 1000;
  if (endsAt !== null && endsAt <= Date.now()) {
    return "This token has expired. Take a new link from the terminal, or sign in.";
  }
  return {
    place,
    client: createClient(place.url, place.key, { accessToken: () => Promise.resolve(token) }),
    role: said.app_metadata?.learning_role ?? "none",
    name: said.email ?? "token",
    endsAt,
  };
}

/** Signs in on Supabase; the reason where that is refused. */
export async function signIn(place: Place, email: string, password: string): Promise<Session | string> {
  const client = createClient(place.url, place.key);
  const { data, error } = await client.auth.signInWithPassword({ email, password });
  return error === null ? ofUser(place, client, data.session.access_token) : `${error.message}.`;
}

/** The session that an earlier visit left in this browser. */
export async function formerSession(place: Place): Promise<Session | undefined> {
  const client = createClient(place.url, place.key);
  const { data } = await client.auth.getSession();
  return data.session === null ? undefined : ofUser(place, client, data.session.access_token);
}

function ofUser(place: Place, client: SupabaseClient, token: string): Session {
  const said = readToken(token);
  return {
    place,
    client,
    role: said?.app_metadata?.learning_role ?? "none",
    name: said?.email ?? "signed in",
    endsAt: null,
  };
}

/** What this browser keeps: the place for good, a token for as long as the tab is open. */
export function remember(place: Place, token: string | null): void {
  try {
    sessionStorage.setItem(STORE, JSON.stringify({ ...place, token }));
    localStorage.setItem(STORE, JSON.stringify({ ...place, token: null }));
  } catch {
    // A browser that keeps nothing asks again.
  }
}

export function forget(): void {
  try {
    sessionStorage.removeItem(STORE);
  } catch {
    // Nothing was kept.
  }
}

export function remembered(): z.infer<typeof stored> | undefined {
  try {
    const text = sessionStorage.getItem(STORE) ?? localStorage.getItem(STORE);
    const parsed = stored.safeParse(JSON.parse(text ?? "null"));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}
