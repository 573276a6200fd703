import { parseArgs } from "@std/cli/parse_args.js";
import { z } from "zod";
import { unknownArgument } from "../command_line.ts";
import { spanOf } from "./calendar.ts";

const FLAGS = [
  "db",
  "sample",
  "freqtrade",
  "cadence",
  "embargo",
  "placebos",
  "config",
  "from",
  "until",
  "out",
  "json",
  "scratch",
  "keep",
  "help",
];

export const HELP = `deno task prove FILE | --sample | --db URL | --freqtrade FILE [options]

Replays a history through the loop in the order of time and says whether what
was learned would have paid.

  FILE             strands (ndjson, plain or gzipped), or a backtest of freqtrade
  --sample         the sample of the demo
  --db URL         the strands of a running database, which is only read
  --cadence 1w     how often the loop learns
  --embargo 0      how long after its close a trade is not known yet, such as 2d
  --placebos 1     how often the same is done with outcomes of shuffled weeks
  --config FILE    compare with this change of the PM's configuration (repeatable)
  --from, --until  leave out strands before or after a day
  --out FILE.html  write a page
  --json FILE      write every figure
  --scratch URL    work in a database of its own on this Postgres server
  --keep           with --db: keep the proof in that database (learning_proofs)

Interrupted with Ctrl-C it goes on when it is asked the same again.`;

/** What the command line asks for. */
export interface ProveOptions {
  readonly source:
    | { readonly kind: "file" | "freqtrade"; readonly path: string }
    | { readonly kind: "db"; readonly url: string }
    | { readonly kind: "sample" };
  readonly cadence: string;
  readonly cadenceMs: number;
  readonly embargo: string;
  readonly embargoMs: number;
  readonly placebos: number;
  readonly configs: readonly string[];
  readonly from: string | null;
  readonly until: string | null;
  readonly out: string | null;
  readonly json: string | null;
  readonly scratch: string | null;
  readonly keep: boolean;
}

const given = z.object({
  _: z.array(z.coerce.string()),
  db: z.string().min(1).optional(),
  freqtrade: z.string().min(1).optional(),
  sample: z.boolean(),
  cadence: z.string().default("1w"),
  embargo: z.string().default("0"),
  placebos: z.string().regex(/^\d{1,4}$/, "must be a number from 0 to 9999").default("1"),
  config: z.array(z.string().min(1)),
  from: z.iso.date().optional(),
  until: z.iso.date().optional(),
  out: z.string().min(1).optional(),
  json: z.string().min(1).optional(),
  scratch: z.string().min(1).optional(),
  keep: z.boolean(),
});

/** @throws Error that says what is wrong with the arguments. */
export function parseProveArguments(args: readonly string[]): ProveOptions | "help" {
  const unknown: string[] = [];
  const parsed = parseArgs([...args], {
    string: [
      "_",
      "db",
      "freqtrade",
      "cadence",
      "embargo",
      "placebos",
      "config",
      "from",
      "until",
      "out",
      "json",
      "scratch",
    ],
    boolean: ["sample", "keep", "help"],
    collect: ["config"],
    alias: { h: "help" },
    unknown: (argument: string, key?: string) => key === undefined || (unknown.push(argument), false),
  });
  if (parsed.help === true) return "help";
  if (unknown.length > 0) throw new Error(`${unknownArgument(unknown[0] ?? "", FLAGS)}\n\n${HELP}`);
  const read = given.safeParse(parsed);
  if (!read.success) {
    throw new Error(
      read.error.issues.map(({ path, message }) => `--${path.join(".")}: ${message}.`).join("\n"),
    );
  }
  const options = read.data;
  const sources = [
    ...options._.map((path) => ({ kind: "file" as const, path })),
    ...(options.freqtrade === undefined ? [] : [{ kind: "freqtrade" as const, path: options.freqtrade }]),
    ...(options.db === undefined ? [] : [{ kind: "db" as const, url: options.db }]),
    ...(options.sample ? [{ kind: "sample" as const }] : []),
  ];
  const [source] = sources;
  if (source === undefined || sources.length > 1) {
    throw new Error(
      `Name one history: FILE, --sample, --db URL or --freqtrade FILE; got ${sources.length}.\n\n${HELP}`,
    );
  }
  if (options.keep && source.kind !== "db") {
    throw new Error("--keep keeps a proof in the database of --db URL.");
  }
  const cadenceMs = spanOf("--cadence", options.cadence);
  if (cadenceMs === 0) throw new Error("--cadence must be longer than 0.");
  return {
    source,
    cadence: options.cadence,
    cadenceMs,
    embargo: options.embargo,
    embargoMs: spanOf("--embargo", options.embargo),
    placebos: Number(options.placebos),
    configs: options.config,
    from: options.from ?? null,
    until: options.until ?? null,
    out: options.out ?? null,
    json: options.json ?? null,
    scratch: options.scratch ?? null,
    keep: options.keep,
  };
}
