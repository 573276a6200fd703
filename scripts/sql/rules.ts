/** What holds for every file of `sql/`, in figures. */

export const LONGEST_FILE = 350;
export const LONGEST_FUNCTION = 80;
export const LONGEST_LINE = 110;

/** How a function's comment says why it is longer than that. */
export const REASON_FOR_LENGTH = /\b(?:In one piece|Long)(?:,? because|:) \S/;
