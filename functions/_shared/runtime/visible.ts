// Controls (C0, DEL, C1), what turns the direction of writing, and the two separators that end a line.
const CONTROLS = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

function escaped(control: string): string {
  return `\\u${control.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/**
 * Text that others wrote, for a terminal: characters that would move its cursor, change its title, reach its clipboard or
 * turn the direction of writing are shown as JSON escapes them, so that what was JSON stays the same JSON.
 */
export function visible(text: string): string {
  return text.replaceAll(CONTROLS, escaped);
}

/** As {@link visible}, for text of several lines: their ends stay. */
export function visibleLines(text: string): string {
  return text.split("\n").map(visible).join("\n");
}
