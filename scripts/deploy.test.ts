// deno-lint-ignore-file no-console -- how large each bundle is, is told whoever runs the tests
import { assert, assertEquals } from "@std/assert/mod.js";
import { z } from "zod";
import { deployFunctions } from "./supabase_cli.ts";
import { ACCESS_TOKEN, PROJECT_REF, startManagementApi, type Upload } from "./testing/management_api.ts";

const REPOSITORY = new URL("../", import.meta.url);
/** What the platform takes where it bundles, which is what a machine without Docker asks it for. */
const LARGEST_BUNDLE = 5_000_000;
const FUNCTIONS = ["aggregate-strands", "materialize-overrides", "mine-lessons", "mine-tuning"];

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
    await inFolderWith(files, (folder) => checkAlone(name, folder));
  }
});

Deno.test("a deployment takes every library in the version that was tested, and stays below the platform's limit", async () => {
  const tested = await testedVersions();
  for (const [name, { files }] of await deployToStandIn()) {
    await inFolderWith(files, async (folder) => {
      assertEquals((await versionsTaken(name, folder)).filter((version) => !tested.has(version)), [], name);
      const bytes = await bundleSize(name, folder);
      assert(bytes < LARGEST_BUNDLE, `${name}: ${bytes} bytes, of ${LARGEST_BUNDLE} at most`);
      console.log(`${name}: ${(bytes / 1e6).toFixed(2)} MB of ${LARGEST_BUNDLE / 1e6} MB`);
    });
  }
});

/** Deploys to a management API on this machine; what arrived, by function. */
async function deployToStandIn(): Promise<ReadonlyMap<string, Upload>> {
  await using api = await startManagementApi();
  await deployFunctions({ projectRef: PROJECT_REF, accessToken: ACCESS_TOKEN, profile: api.profile });
  return api.uploads;
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

/** Writes what was uploaded where nothing else of the project is around. */
async function inFolderWith(
  files: Upload["files"],
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [path, text] of files) {
      const file = `${folder}/${path}`;
      await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(file, text);
    }
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs Deno on what was uploaded, without a lock, as the platform does; what it printed. */
async function denoOn(folder: string, args: readonly string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: `${folder}/`,
    stdout: "piped",
    stderr: "piped",
  }).output();
  assert(success, `deno ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  return new TextDecoder().decode(stdout);
}

const ALONE = ["--no-lock", "--config", "functions/deno.json"];

async function checkAlone(name: string, folder: string): Promise<void> {
  await denoOn(folder, ["check", ...ALONE, `functions/${name}/index.ts`]);
}

/** What a bundle holds: imports of types are gone from it, and with them what they would have pinned. */
async function bundle(name: string, folder: string): Promise<string> {
  const path = `${folder}/${name}.js`;
  const entry = `functions/${name}/index.ts`;
  await denoOn(folder, ["bundle", "--quiet", ...ALONE, "--platform", "deno", "--output", path, entry]);
  return path;
}

async function bundleSize(name: string, folder: string): Promise<number> {
  return (await Deno.stat(await bundle(name, folder))).size;
}

/** Every library as `name@version` that is taken once imports of types are gone. */
async function versionsTaken(name: string, folder: string): Promise<string[]> {
  for await (const path of sourcesBelow(folder)) {
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, text.replaceAll(/^import type [^;]*;$/gm, ""));
  }
  const graph = z.object({ npmPackages: z.record(z.string(), z.unknown()) }).parse(
    JSON.parse(await denoOn(folder, ["info", "--json", ...ALONE, `functions/${name}/index.ts`])),
  );
  return Object.keys(graph.npmPackages).map(withoutPeers);
}

async function* sourcesBelow(folder: string): AsyncGenerator<string> {
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isDirectory && entry.name !== "node_modules") yield* sourcesBelow(`${folder}/${entry.name}`);
    else if (entry.name.endsWith(".ts")) yield `${folder}/${entry.name}`;
  }
}

/** The libraries of the repository's lock, as `name@version`. */
async function testedVersions(): Promise<ReadonlySet<string>> {
  const lock = z.object({ npm: z.record(z.string(), z.unknown()) }).parse(
    JSON.parse(await Deno.readTextFile(new URL("deno.lock", REPOSITORY))),
  );
  return new Set(Object.keys(lock.npm).map(withoutPeers));
}

/** `name@version` of a resolution, whose peers stand behind it. */
function withoutPeers(resolution: string): string {
  return resolution.replace(/^(@?[^@]+@[^_]+)_.*$/, "$1");
}
