/** Whether there is a browser of the system for tests to open. */

/** The program; undefined where none of the usual names starts one. */
export async function findChromium(): Promise<string | undefined> {
  for (const name of ["chromium", "chromium-browser", "google-chrome"]) {
    try {
      const { success } = await new Deno.Command(name, {
        args: ["--version"],
        stdout: "null",
        stderr: "null",
      })
        .output();
      if (success) return name;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
}

/** Where it is, for what starts programs by their path. */
export async function pathOf(program: string): Promise<string> {
  const { stdout } = await new Deno.Command("which", { args: [program], stdout: "piped" }).output();
  return new TextDecoder().decode(stdout).trim();
}
