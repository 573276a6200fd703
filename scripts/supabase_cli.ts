/**
 * Runs the Supabase CLI: the `supabase` on PATH when it is version 3, else the pinned npm package.
 *
 * Every call works without Docker, and never phones home.
 */

/** Version fetched with npx where no version 3 is installed. */
export const SUPABASE_CLI_VERSION = "3.1.0";

/** What a finished command left behind. */
export interface CliResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  /** Folder that holds `supabase/config.toml`; the repository by default. */
  readonly workdir?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const REPOSITORY = new URL("..", import.meta.url).pathname;
const QUIET = {
  SUPABASE_TELEMETRY_DISABLED: "1",
  DO_NOT_TRACK: "1",
  LITE_TELEMETRY: "0",
  CI: "1",
  NO_COLOR: "1",
};

let command: Promise<readonly string[]> | undefined;

/** Runs the CLI with the arguments and returns what it said, whatever its exit code. */
export async function supabase(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  command ??= findCommand();
  const [program, ...first] = await command;
  if (program === undefined) throw new Error("No command to run the Supabase CLI with.");
  const workdir = options.workdir ?? REPOSITORY;
  return await run(program, [...first, ...args, "--agent=no", "--workdir", workdir], options.env);
}

/** Runs the CLI and throws with everything it said when it fails. */
export async function supabaseOrThrow(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const result = await supabase(args, options);
  if (result.code !== 0) {
    throw new Error(
      `"supabase ${args.map(withoutPassword).join(" ")}" failed with exit code ${result.code}:\n` +
        `${result.stdout}${result.stderr}`.trim(),
    );
  }
  return result;
}

/** Applies the migrations in `supabase/migrations` that the database does not have yet. */
export async function push(databaseUrl: string, options?: CliOptions): Promise<CliResult> {
  return await supabaseOrThrow(["db", "push", "--yes", `--remote=${withoutTls(databaseUrl)}`], options);
}

/** `db lint` over the schemas; the result's `stdout` is a JSON array of findings, or empty. */
export async function lint(
  databaseUrl: string,
  schemas: readonly string[],
  options?: CliOptions,
): Promise<CliResult> {
  return await supabase(
    ["db", "lint", "--level=warning", `--schema=${schemas.join(",")}`, `--remote=${withoutTls(databaseUrl)}`],
    options,
  );
}

/** `db advisors` at level warn and above. */
export async function advisors(databaseUrl: string, options?: CliOptions): Promise<CliResult> {
  return await supabase(["db", "advisors", "--level=warn", `--remote=${withoutTls(databaseUrl)}`], options);
}

/** TypeScript types of the schema `public`. */
export async function genTypes(databaseUrl: string, options?: CliOptions): Promise<string> {
  const result = await supabaseOrThrow(
    ["gen", "types", "--lang=typescript", "--schema=public", `--remote=${withoutTls(databaseUrl)}`],
    options,
  );
  return result.stdout;
}

/**
 * The shell script by which `db dump --data-only` dumps the rows of the schemas, with the pg_dump on PATH and without the
 * container in which the CLI would run it.
 */
export async function dataDumpScript(
  databaseUrl: string,
  schemas: readonly string[],
  flags: readonly string[] = [],
): Promise<string> {
  const result = await supabaseOrThrow(
    [
      "db",
      "dump",
      "--dry-run",
      "--data-only",
      `--schema=${schemas.join(",")}`,
      `--remote=${withoutTls(databaseUrl)}`,
      ...flags,
    ],
  );
  const start = result.stdout.indexOf("#!");
  if (start < 0) throw new Error(`"supabase db dump --dry-run" printed no script:\n${result.stdout}`);
  return result.stdout.slice(start);
}

export interface DeployOptions extends CliOptions {
  /** Reference of the project, twenty letters. */
  readonly projectRef: string;
  readonly accessToken: string;
  /** File that names another management API than the hosted platform's. */
  readonly profile?: string;
}

/** Uploads every function of `supabase/config.toml`; bundling happens on the other side. */
export async function deployFunctions(options: DeployOptions): Promise<CliResult> {
  const profile = options.profile === undefined ? [] : ["--profile", options.profile];
  return await supabaseOrThrow(
    ["functions", "deploy", "--use-api", "--yes", `--remote=${options.projectRef}`, ...profile],
    { ...options, env: { ...options.env, SUPABASE_ACCESS_TOKEN: options.accessToken } },
  );
}

async function findCommand(): Promise<readonly string[]> {
  try {
    const installed = await run("supabase", ["--version"]);
    if (installed.code === 0 && /^(?:supabase\s+)?v?3\./.test(installed.stdout.trim())) return ["supabase"];
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return ["npx", "-y", `supabase@${SUPABASE_CLI_VERSION}`];
}

async function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CliResult> {
  const output = await new Deno.Command(program, {
    args: [...args],
    env: { ...QUIET, ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  return { code: output.code, stdout: decoder.decode(output.stdout), stderr: decoder.decode(output.stderr) };
}

/** A server on this machine offers no TLS, and the CLI insists on it unless told otherwise. */
function withoutTls(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  const local = url.hostname === "127.0.0.1" || url.hostname === "localhost" || url.hostname === "";
  if (local && !url.searchParams.has("sslmode")) url.searchParams.set("sslmode", "disable");
  return url.href;
}

function withoutPassword(argument: string): string {
  return argument.replace(/(\/\/[^:/@]*):[^@/]*@/, "$1:***@");
}
