import { assertEquals, assertThrows } from "@std/assert/mod.js";
import { parseAdoptArguments, tellers } from "./adopt.ts";

const DB = "postgres://me@host/db";

Deno.test("adopt looks unless it is told to do more", () => {
  assertEquals(parseAdoptArguments(["--db", DB]), {
    does: "look",
    discard: false,
    databaseUrl: DB,
    plan: { crowdingByValue: false, thresholds: {} },
  });
  assertEquals(
    parseAdoptArguments([
      "--data=here",
      "--apply",
      "--unit=percent",
      "--dims=a, b",
      "--crowding=value",
      "--ts-min=0.6",
      "--halo-max=1",
      "--slope-min=0",
    ]),
    {
      does: "apply",
      discard: false,
      dataDirectory: "here",
      plan: {
        crowdingByValue: true,
        unit: "percent",
        dimensions: ["a", "b"],
        thresholds: { ts_min: 0.6, halo_max: 1, slope_min: 0 },
      },
    },
  );
  assertEquals(parseAdoptArguments(["--help"]), "help");
});

Deno.test("adopt says which argument is wrong and what it takes", () => {
  for (
    const [args, message] of [
      [[], "Either --db or --data"],
      [["--db", DB, "--data", "here"], "Either --db or --data"],
      [["--db", "host/db"], 'not "host/db"'],
      [["--db", DB, "--apply", "--undo"], "--apply and --undo do not go together"],
      [["--db", DB, "--discard"], "--discard goes with --undo"],
      [["--db", DB, "--unit", "cent"], "fraction or percent"],
      [["--db", DB, "--crowding", "x"], "--crowding takes value"],
      [["--db", DB, "--ts-min", "low"], '--ts-min takes a number from -1e6 to 1e6, not "low"'],
      [["--db", DB, "--ts-min", "1e7"], "--ts-min takes a number"],
      [["--db", DB, "--force"], 'Unknown argument "--force"'],
    ] as const
  ) assertThrows(() => parseAdoptArguments(args), Error, message);
});

Deno.test("what a guest's database says moves no cursor, and begins no line of its own", () => {
  const written: string[] = [];
  const { say, progress, stopped } = tellers((line) => written.push(line), () => "0.1 s");
  say("The table \u001b[2Jx\nNothing was changed.");
  progress("strand \u009b1A\u202e");
  stopped(new Error('column "\u0007" is in the way\nso is "\r"'));
  assertEquals(written.slice(0, 2), [
    "The table \\u001b[2Jx\\u000aNothing was changed.",
    "0.1 s strand \\u009b1A\\u202e",
  ]);
  // Obstacles are told one a line.
  assertEquals(written[2]?.endsWith(' column "\\u0007" is in the way\nso is "\\u000d"'), true);
});
