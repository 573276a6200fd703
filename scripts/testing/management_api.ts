/**
 * The platform's management API as far as the CLI needs it to link a project and to deploy functions, on this machine.
 *
 * @module
 */

/** The project that it knows. */
export const PROJECT_REF = "abcdefghijklmnopqrst";

/** An access token of the right form. */
export const ACCESS_TOKEN = `sbp_${"0".repeat(40)}`;

/** A function as it arrived. */
export interface Upload {
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Text by path. */
  readonly files: ReadonlyMap<string, string>;
}

export interface ManagementApi extends AsyncDisposable {
  /** File that names it to the CLI (`--profile`). */
  readonly profile: string;
  /** What was deployed, by function. */
  readonly uploads: ReadonlyMap<string, Upload>;
}

const PROJECT = {
  id: PROJECT_REF,
  ref: PROJECT_REF,
  name: "edgeloop",
  organization_id: "organization",
  organization_slug: "organization",
  region: "eu-central-1",
  status: "ACTIVE_HEALTHY",
  created_at: "2026-01-01T00:00:00Z",
  database: {
    host: `db.${PROJECT_REF}.localhost`,
    version: "17.6.1",
    postgres_engine: "17",
    release_channel: "ga",
  },
};

/** Starts it on a port that is free. */
export async function startManagementApi(): Promise<ManagementApi> {
  await using cleanup = new AsyncDisposableStack();
  const uploads = new Map<string, Upload>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: (): void => {} }, async (request) => {
    const url = new URL(request.url);
    if (request.method === "POST" && url.pathname === `/v1/projects/${PROJECT_REF}/functions/deploy`) {
      return await receive(url.searchParams.get("slug") ?? "", request, uploads);
    }
    await request.body?.cancel();
    if (url.pathname === `/v1/projects/${PROJECT_REF}`) return Response.json(PROJECT);
    if (url.pathname === `/v1/projects/${PROJECT_REF}/api-keys`) {
      return Response.json([{ name: "anon", api_key: "anon" }, { name: "service_role", api_key: "service" }]);
    }
    return Response.json({});
  });
  cleanup.defer(() => server.shutdown());
  const address = `http://127.0.0.1:${server.addr.port}`;
  const profile = await Deno.makeTempFile({ suffix: ".yaml" });
  cleanup.defer(() => Deno.remove(profile));
  await Deno.writeTextFile(
    profile,
    `name: local\napi_url: ${address}\ndashboard_url: ${address}\nproject_host: localhost\n`,
  );
  const owned = cleanup.move();
  return { profile, uploads, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function receive(slug: string, request: Request, uploads: Map<string, Upload>): Promise<Response> {
  const form = await request.formData();
  const files = new Map<string, string>();
  for (const part of form.getAll("file")) if (part instanceof File) files.set(part.name, await part.text());
  uploads.set(slug, { metadata: JSON.parse(String(form.get("metadata"))), files });
  return Response.json({
    id: slug,
    slug,
    name: slug,
    version: 1,
    status: "ACTIVE",
    verify_jwt: false,
    created_at: 0,
    updated_at: 0,
  }, { status: 201 });
}
