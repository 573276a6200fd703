/**
 * Modules that load many test files at once. Deno starts an isolate of its own for each module it is given, which takes
 * longer than what most files of tests do in it.
 *
 * @module
 */

const REPOSITORY = new URL("../../", import.meta.url);
/** A folder for each run, as several may go on at once; those of runs that died are harmless. */
const COMPANIES = `.edgeloop/test-companies/${Deno.pid}/`;

/** How many files share an isolate: few enough that two workers end together. */
const COMPANY = 10;

/** Writes modules that load the files, and returns their paths and those of the files that cannot share one. */
export async function inCompany(paths: readonly string[]): Promise<string[]> {
  const folder = new URL(COMPANIES, REPOSITORY);
  await Deno.mkdir(folder, { recursive: true });
  const { files = [], loners = [] } = await byCompany(paths);
  const count = Math.ceil(files.length / COMPANY);
  // Neighbours do alike and take alike long.
  const companies = Array.from(
    { length: count },
    (_, index) => files.filter((_, position) => position % count === index),
  );
  const modules = await Promise.all(companies.map(async (company, index) => {
    const path = `${COMPANIES}${index + 1}.test.ts`;
    const lines = company.map((file) => `import ${JSON.stringify(`../../../${file}`)};\n`);
    await Deno.writeTextFile(new URL(path, REPOSITORY), lines.join(""));
    return path;
  }));
  return [...loners, ...modules];
}

/** Takes away what {@linkcode inCompany} wrote. */
export async function dissolveCompanies(): Promise<void> {
  await Deno.remove(new URL(COMPANIES, REPOSITORY), { recursive: true }).catch((error: unknown) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
}

/** A hook around tests would be one around all that its file is loaded with. */
async function byCompany(paths: readonly string[]): Promise<Partial<Record<"files" | "loners", string[]>>> {
  const hooked = await Promise.all(
    paths.map(async (path) =>
      /\bDeno\.test\.(?:before|after)/.test(await Deno.readTextFile(new URL(path, REPOSITORY)))
    ),
  );
  return Object.groupBy(paths, (_, index) => hooked[index] === true ? "loners" : "files");
}
