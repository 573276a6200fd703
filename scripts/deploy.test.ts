import { assert, assertEquals } from "@std/assert/mod.js";
import { deployFunctions } from "./supabase_cli.ts";

const REPOSITORY = new URL("../", import.meta.url);
const PROJECT = "abcdefghijklmnopqrst";
const FUNCTIONS = ["aggregate-strands", "materialize-overrides", "mine-lessons", "mine-tuning"];

interface Upload {
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Text by path. */
  readonly files: ReadonlyMap<string, string>;
}

Deno.test("a deployment uploads the files each function imports and nothing else, and they suffice", async () => {
  const uploads = await deployToStandIn();
  assertEquals([...uploads.keys()].sort(), FUNCTIONS);
  for (const [name, { metadata, files }] of uploads) {
    assertEquals([...files.keys()].sort(), await importedFiles(name), name);
    assertEquals(
      [metadata.entrypoint_path, metadata.import_map_path, metadata.verify_jwt],
      [`functions/${name}/index.ts`, "functions/deno.json", false],
      name,
    );
    await checkAlone(name, files);
  }
});

/** Deploys to a management API on this machine; what arrived, by function. */
async function deployToStandIn(): Promise<Map<string, Upload>> {
  await using cleanup = new AsyncDisposableStack();
  const uploads = new Map<string, Upload>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: (): void => {} }, async (request) => {
    const url = new URL(request.url);
    const slug = url.searchParams.get("slug") ?? "";
    if (request.method !== "POST" || url.pathname !== `/v1/projects/${PROJECT}/functions/deploy`) {
      await request.body?.cancel();
      return Response.json({});
    }
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
  });
  cleanup.defer(() => server.shutdown());
  const address = `http://127.0.0.1:${server.addr.port}`;
  const profile = await Deno.makeTempFile({ suffix: ".yaml" });
  cleanup.defer(() => Deno.remove(profile));
  await Deno.writeTextFile(
    profile,
    `name: local\napi_url: ${address}\ndashboard_url: ${address}\nproject_host: localhost\n`,
  );
  await deployFunctions({ projectRef: PROJECT, accessToken: `sbp_${"0".repeat(40)}`, profile });
  return uploads;
}

/** The local files in the function's module graph, as Deno sees it, and the import map. */
async function importedFiles(name: string): Promise<string[]> {
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", `functions/${name}/index.ts`],
    cwd: REPOSITORY,
    stderr: "piped",
  }).output();
  const graph: { modules: { specifier: string; error?: string }[] } = JSON.parse(
    new TextDecoder().decode(output.stdout),
  );
  assertEquals(graph.modules.filter((module) => module.error !== undefined), [], name);
  const local = graph.modules
    .filter(({ specifier }) => specifier.startsWith(REPOSITORY.href) && !specifier.includes("/node_modules/"))
    .map(({ specifier }) => decodeURIComponent(specifier.slice(REPOSITORY.href.length)));
  return [...local, "functions/deno.json"].sort();
}

/** Type-checks what was uploaded where nothing else of the project is around. */
async function checkAlone(name: string, files: ReadonlyMap<string, string>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    for (const [path, text] of files) {
      const file = `${directory}/${path}`;
      await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(file, text);
    }
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--no-lock", "--config", "functions/deno.json", `functions/${name}/index.ts`],
      cwd: `${directory}/`,
      stderr: "piped",
    }).output();
    assert(success, `${name}: ${new TextDecoder().decode(stderr)}`);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
