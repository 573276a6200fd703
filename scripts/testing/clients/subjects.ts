/**
 * The clients of both languages, as one thing that tests can ask. The Python one runs in a process of its own.
 *
 * @module
 */

import { TextLineStream } from "@std/streams/text_line_stream.js";
import { createClient } from "@supabase/supabase-js";
import { z } from "zod";
import {
  type Candidate,
  Edgeloop,
  MalformedCandidateError,
  type Options,
} from "../../../supabase/clients/typescript/edgeloop.ts";

const sizeSchema = z.strictObject({
  source: z.enum(["live", "stale", "fallback"]),
  reason: z.string().min(1).nullable(),
  age_ms: z.number().min(0).nullable(),
  pm_strength: z.number(),
  exposure_skew: z.number(),
  size_frac: z.number(),
  a_final: z.number(),
  e_final: z.number(),
  row: z.record(z.string(), z.unknown()).nullable(),
});

const leverSchema = z.strictObject({
  multiplier: z.number().nullable(),
  value: z.number().nullable(),
  override_id: z.number().nullable(),
  scope_subset: z.record(z.string(), z.string()).nullable(),
});

const leversSchema = z.strictObject({
  source: z.enum(["live", "stale", "fallback"]),
  reason: z.string().min(1).nullable(),
  age_ms: z.number().min(0).nullable(),
  levers: z.record(z.string(), leverSchema),
});

/** What either client says of a candidate. */
export type AnySize = z.infer<typeof sizeSchema>;
/** What either client says of its levers. */
export type AnyLevers = z.infer<typeof leversSchema>;

/** What a client was asked that it refused. */
export interface Refusal {
  readonly malformed: readonly string[];
  readonly answers: readonly (AnySize | null)[];
}

/** What a client is opened with; times in ms, as TypeScript has them. */
export interface Settings {
  readonly url: string;
  readonly key?: string;
  readonly timeoutMs?: number;
  readonly staleAfterMs?: number;
  readonly remember?: number;
}

/** A client, in whatever language. */
export interface Subject extends AsyncDisposable {
  size(candidate: Candidate): Promise<AnySize | Refusal>;
  sizeMany(candidates: readonly Candidate[]): Promise<AnySize[] | Refusal>;
  levers(candidate: Candidate): Promise<AnyLevers | Refusal>;
  /** What it told the log, warnings and worse. */
  warnings(): Promise<string[]>;
}

/** A language, and what opens a client of it. */
export interface Language {
  readonly name: string;
  readonly isHere: boolean;
  open(settings: Settings): Promise<Subject>;
}

/** What is no candidate, to be asked all the same. */
export function noCandidate(given: unknown): Candidate {
  return JSON.parse(JSON.stringify(given));
}

function isRefusal(answer: object): answer is Refusal {
  return "malformed" in answer;
}

/** The answer, which must be one. */
export function answered<T extends object>(answer: T | Refusal): T {
  if (isRefusal(answer)) throw new Error(`It was refused: ${answer.malformed.join("; ")}`);
  return answer;
}

/** The refusal, which the answer must be. */
export function refused(answer: object): Refusal {
  if (!isRefusal(answer)) throw new Error(`It was answered: ${JSON.stringify(answer)}`);
  return answer;
}

async function orRefusal<T>(answer: Promise<unknown>, schema: z.ZodType<T>): Promise<T | Refusal> {
  try {
    return schema.parse(await answer);
  } catch (error) {
    if (!(error instanceof MalformedCandidateError)) throw error;
    return {
      malformed: error.reasons,
      answers: error.answers.map((each) => sizeSchema.nullable().parse(each)),
    };
  }
}

function openTypeScript({ url, key = "sb_secret_test", ...options }: Settings): Promise<Subject> {
  const told: string[] = [];
  const supabase = createClient(url, key, { auth: { persistSession: false, autoRefreshToken: false } });
  const edgeloop = new Edgeloop(supabase, { ...options, warn: (line) => told.push(line) } satisfies Options);
  return Promise.resolve({
    size: (candidate) => orRefusal(edgeloop.size(candidate), sizeSchema),
    sizeMany: (candidates) => orRefusal(edgeloop.sizeMany(candidates), z.array(sizeSchema)),
    levers: (candidate) => orRefusal(edgeloop.levers(candidate), leversSchema),
    warnings: () => Promise.resolve([...told]),
    [Symbol.asyncDispose]: (): Promise<void> => Promise.resolve(),
  });
}

const PYTHON_CLIENT = new URL("../../../supabase/clients/python/", import.meta.url).pathname;
const DRIVER = new URL("driver.py", import.meta.url).pathname;

const refusalSchema = z.strictObject({
  malformed: z.array(z.string()),
  answers: z.array(sizeSchema.nullable()),
});

/** The Python client, with what only it can do. */
export class PythonSubject implements Subject {
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #lines: AsyncIterator<string>;

  private constructor() {
    this.#process = new Deno.Command("python3", {
      args: [DRIVER, PYTHON_CLIENT],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    this.#writer = this.#process.stdin.getWriter();
    const lines: ReadableStream<string> = this.#process.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream());
    this.#lines = lines[Symbol.asyncIterator]();
  }

  static async open(
    { url, key = "sb_secret_test", timeoutMs, staleAfterMs, remember }: Settings,
    others: Readonly<Record<string, unknown>> = {},
  ): Promise<PythonSubject> {
    const subject = new PythonSubject();
    await subject.command("open", {
      url,
      key,
      ...(timeoutMs === undefined ? {} : { timeout: timeoutMs / 1_000 }),
      ...(staleAfterMs === undefined ? {} : { stale_after: staleAfterMs / 1_000 }),
      ...(remember === undefined ? {} : { remember }),
      ...others,
    });
    return subject;
  }

  /** One command of the driver. */
  async command(what: string, given?: unknown): Promise<Record<string, unknown>> {
    await this.#writer.write(new TextEncoder().encode(JSON.stringify({ do: what, given }) + "\n"));
    const { value, done } = await this.#lines.next();
    if (done === true) {
      throw new Error(`The driver of the Python client ended at "${what}"; why stands above.`);
    }
    return z.record(z.string(), z.unknown()).parse(JSON.parse(value));
  }

  async #ask<T>(what: string, given: unknown, schema: z.ZodType<T>): Promise<T | Refusal> {
    const reply = await this.command(what, given);
    return "malformed" in reply ? refusalSchema.parse(reply) : schema.parse(reply["answer"]);
  }

  size(candidate: Candidate): Promise<AnySize | Refusal> {
    return this.#ask("size", candidate, sizeSchema);
  }

  sizeMany(candidates: readonly Candidate[]): Promise<AnySize[] | Refusal> {
    return this.#ask("size_many", candidates, z.array(sizeSchema));
  }

  levers(candidate: Candidate): Promise<AnyLevers | Refusal> {
    return this.#ask("levers", candidate, leversSchema);
  }

  /** Each asked in a thread of its own. */
  atOnce(candidates: readonly Candidate[]): Promise<AnySize[] | Refusal> {
    return this.#ask("at_once", candidates, z.array(sizeSchema));
  }

  /** Asked in a process that was forked off. */
  inChild(candidate: Candidate): Promise<AnySize | Refusal> {
    return this.#ask("in_child", candidate, sizeSchema);
  }

  /** All that was logged, each with its level. */
  async logged(): Promise<[level: string, message: string][]> {
    const { told } = await this.command("told");
    return z.array(z.tuple([z.string(), z.string()])).parse(told);
  }

  async warnings(): Promise<string[]> {
    return (await this.logged()).filter(([level]) => level !== "INFO").map(([, message]) => message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#lines.return?.();
    await this.#process.status;
  }
}

function pythonIsHere(): boolean {
  try {
    return new Deno.Command("python3", { args: ["--version"], stdout: "null", stderr: "null" }).outputSync()
      .success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

export const PYTHON: Language = {
  name: "python3",
  isHere: pythonIsHere(),
  open: (settings) => PythonSubject.open(settings),
};

export const TYPESCRIPT: Language = { name: "TypeScript", isHere: true, open: openTypeScript };

export const LANGUAGES: readonly Language[] = [TYPESCRIPT, PYTHON];

/** Registers the test once per language; the name says for which, and that it is skipped where that is missing. */
export function testInEachLanguage(name: string, test: (language: Language) => Promise<void>): void {
  for (const language of LANGUAGES) testIn(language, name, () => test(language));
}

/** Registers a test of one language's client. */
export function testIn(language: Language, name: string, test: () => Promise<void>): void {
  Deno.test({ name: `${name} (${language.name})`, ignore: !language.isHere, fn: test });
}
