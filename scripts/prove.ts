/**
 * Would what is learned have paid? Replays a history through the loop in the order of time.
 *
 *     deno task prove FILE | --sample | --db URL | --freqtrade FILE [options]
 */

import { visibleLines } from "../functions/_shared/runtime/visible.ts";
import { optionsOrExitCode, print } from "./command_line.ts";
import { readConfig } from "./demo/files.ts";
import { HELP, parseProveArguments, type ProveOptions } from "./prove/arguments.ts";
import { readHistory } from "./prove/history.ts";
import { keepProof } from "./prove/keep.ts";
import { makeProof } from "./prove/make_proof.ts";
import { proofPage } from "./prove/page.ts";
import { ProofProgress } from "./prove/progress.ts";
import type { Proof } from "./prove/proof.ts";
import { renderProof } from "./prove/report.ts";
import { openScratch, scratchName } from "./prove/scratch.ts";
import { databaseSource, fileSource, sampleSource, type Source } from "./prove/sources.ts";
import { Stopped, stopSignal } from "./stack/stopping.ts";

function openSource({ source }: ProveOptions): Promise<Source> {
  switch (source.kind) {
    case "db":
      return databaseSource(source.url);
    case "sample":
      return Promise.resolve(sampleSource(new Date()));
    default:
      return fileSource(source.path, source.kind === "freqtrade");
  }
}

async function prove(options: ProveOptions, signal: AbortSignal, progress: ProofProgress): Promise<Proof> {
  const compared = await Promise.all(
    options.configs.map(async (path) => ({ name: path.replace(/^.*\//, ""), patch: await readConfig(path) })),
  );
  const source = await openSource(options);
  const name = await scratchName([
    source.identity,
    JSON.stringify([options.cadence, options.embargo, options.from, options.until, compared]),
  ]);
  progress.say("Opening the scratch database");
  await using scratch = await openScratch(name, options.scratch);
  const read = {
    cadence: options.cadenceMs,
    embargo: options.embargoMs,
    ...(options.from === null ? {} : { from: Date.parse(options.from) }),
    ...(options.until === null ? {} : { until: Date.parse(options.until) }),
  };
  const proof = await makeProof(scratch.sql, () => readHistory(source.strands(), read), {
    source: source.name,
    cadence: options.cadence,
    embargo: options.embargo,
    embargoMs: options.embargoMs,
    placebos: options.placebos,
    configs: source.configs,
    configVersion: source.configVersion,
    release: source.release,
    compared,
  }, { onProgress: progress.onProgress, signal });
  await scratch.discard();
  return proof;
}

async function main(): Promise<number> {
  const options = optionsOrExitCode(parseProveArguments, HELP);
  if (typeof options === "number") return options;
  const progress = new ProofProgress();
  const signal = stopSignal();
  try {
    const proof = await prove(options, signal, progress);
    if (options.json !== null) await Deno.writeTextFile(options.json, JSON.stringify(proof, null, 2) + "\n");
    if (options.out !== null) await Deno.writeTextFile(options.out, proofPage(proof));
    if (options.keep && options.source.kind === "db") await keepProof(options.source.url, proof);
    progress.end();
    print(renderProof(proof));
    return 0;
  } catch (error) {
    progress.end();
    const message = error instanceof Error ? error.message : String(error);
    const isStop = error instanceof Stopped;
    Deno.stderr.writeSync(
      new TextEncoder().encode(
        isStop
          ? `\n${message} The same command goes on from here.\n`
          : `\nThe proof failed: ${visibleLines(message)}\n`,
      ),
    );
    return isStop ? error.exitCode : 1;
  }
}

Deno.exit(await main());
