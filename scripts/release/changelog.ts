/** The changelog, in the form of Keep a Changelog: what comes next stands under "Unreleased". */

/**
 * The changelog with what is unreleased under the version and its day, below an empty "Unreleased". Throws where there is
 * nothing to tell.
 */
export function releaseChangelog(text: string, version: string, day: string): string {
  const sections = [...text.matchAll(/^## .*$/gm)];
  if (sections.some(([heading]) => heading.slice(3).startsWith(`${version} `))) {
    throw new Error(
      `CHANGELOG.md has a section ${version} already; write what is new under "## Unreleased".`,
    );
  }
  const place = sections.findIndex(([heading]) => heading.trimEnd() === "## Unreleased");
  const section = sections[place];
  if (section === undefined) {
    throw new Error(
      'CHANGELOG.md has no section "## Unreleased"; write there what changes and what a user must do.',
    );
  }
  const from = section.index + section[0].length;
  const entry = text.slice(from, sections[place + 1]?.index).replaceAll(/^#+ .*$/gm, "").trim();
  if (entry === "") {
    throw new Error(
      '"## Unreleased" in CHANGELOG.md is empty; write there what becomes different and what a user must do.',
    );
  }
  return `${text.slice(0, section.index)}## Unreleased\n\n## ${version} – ${day}${text.slice(from)}`;
}
