/**
 * What the README shows in fences, block by block.
 *
 * @module
 */

/** A fenced block of a language; drawings have none and are no blocks. */
export interface Block {
  /** The heading it stands under, without its number signs. */
  readonly heading: string;
  readonly language: string;
  readonly text: string;
  /** Line of the fence, from 1. */
  readonly line: number;
}

/** The blocks of a text, from the top. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let heading = "";
  let open: { language: string; line: number; lines: string[] } | undefined;
  for (const [place, line] of markdown.split("\n").entries()) {
    const fence = /^```(\w*)$/.exec(line);
    if (open === undefined) {
      heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading;
      if (fence !== null) open = { language: fence[1] ?? "", line: place + 1, lines: [] };
    } else if (fence === null) open.lines.push(line);
    else {
      if (open.language !== "") {
        blocks.push({ heading, language: open.language, text: open.lines.join("\n"), line: open.line });
      }
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`The fence of line ${open.line} is never closed.`);
  return blocks;
}

/** The commands of a shell block: lines, joined where one ends in a backslash, without those that are empty. */
export function commandsOf({ text }: Block): string[] {
  return text.replaceAll("\\\n", "").split("\n").map((line) => line.trim()).filter((line) => line !== "");
}

/** What to do with a block: whoever runs it is found by its heading, its language and what is in it. */
export interface Step<Run> {
  readonly heading: string;
  readonly language: string;
  /** In this block and in no other of the heading and language. */
  readonly holds: string;
  readonly run: Run;
}

/** Each block with its step, in the README's order; throws where a block has none or a step no block. */
export function matched<Run>(blocks: readonly Block[], steps: readonly Step<Run>[]): [Block, Step<Run>][] {
  const pairs = blocks.map((block): [Block, Step<Run>] => {
    const fitting = steps.filter((step) =>
      step.heading === block.heading && step.language === block.language && block.text.includes(step.holds)
    );
    if (fitting.length === 1 && fitting[0] !== undefined) return [block, fitting[0]];
    throw new Error(
      `Line ${block.line} of the README, ${block.language} under "${block.heading}", has ${fitting.length} steps ` +
        "in scripts/readme/steps.ts and needs one.",
    );
  });
  const unused = steps.find((step) => !pairs.some(([_, used]) => used === step));
  if (unused !== undefined) {
    throw new Error(
      `The README has no ${unused.language} under "${unused.heading}" with "${unused.holds}": its step is left over.`,
    );
  }
  return pairs;
}
