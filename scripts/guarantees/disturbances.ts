/** What may go wrong between a strand and its effect, each as a way of feeding a history. */

import { delay } from "@std/async/delay.js";
import { Random } from "../sample/random.ts";
import type { Cluster } from "./cluster.ts";
import type { Fate } from "./gateway.ts";
import type { Delivery } from "./history.ts";
import type { Rig } from "./rig.ts";

/** Feeds strands while something goes wrong; what is left to do afterwards is left to the sweeps. */
export type Disturbance = (scene: Scene) => Promise<void>;

export interface Scene {
  readonly rig: Rig;
  readonly deliveries: readonly Delivery[];
  readonly random: Random;
  /** The server the rig's database is on; null where it must not be killed. */
  readonly cluster: Cluster | null;
  /** How often a process is killed. */
  readonly kills: number;
}

/** Runs `work`, and beside it `meanwhile` again and again until the work is done. */
async function during(work: Promise<void>, meanwhile: () => Promise<void>): Promise<void> {
  let done = false;
  const finished = work.finally(() => {
    done = true;
  });
  // Should it fail while the other side waits, it is heard below.
  finished.catch(() => {});
  while (!done) await meanwhile();
  await finished;
}

async function feedAndSweep({ rig, deliveries }: Scene): Promise<void> {
  await rig.feed(deliveries);
  await rig.sweep();
}

/** Kills so often while strands come in, are swept and leases lapse: while strands are applied, at any moment of it. */
async function killing(scene: Scene, kill: () => Promise<void>): Promise<void> {
  const { rig, random, kills, deliveries } = scene;
  let done = 0;
  const work = async (): Promise<void> => {
    const share = Math.ceil(deliveries.length / (kills + 1));
    for (let turn = 0; turn <= kills; turn++) {
      await rig.feed(deliveries.slice(turn * share, (turn + 1) * share));
      while (done < kills && done <= turn) {
        await rig.lapse();
        await rig.sweep();
        await delay(200);
      }
    }
  };
  await during(work(), async () => {
    if (done >= kills || rig.calls.inFlight("/apply_strands") === 0) return await delay(1);
    // Within the first batch, or when some have taken effect already.
    await delay(random.chance(0.5) ? random.between(0, 400) : random.between(400, 4_000));
    await kill();
    done += 1;
  });
}

/** In order of what is disturbed; the name completes "strands come to the same …". */
export const DISTURBANCES: Readonly<Record<string, Disturbance>> = {
  "when every doorbell is lost": async (scene) => {
    scene.rig.doorbells.fate = (): Fate => "lose";
    await scene.rig.feed(scene.deliveries);
    await scene.rig.settle();
  },

  "when every doorbell rings twice": async (scene) => {
    scene.rig.doorbells.fate = (): Fate => "double";
    await feedAndSweep(scene);
    await scene.rig.settle();
  },

  "when functions are killed at random": async (scene) => {
    await killing(scene, () => scene.rig.stack.killFunctions());
  },

  "when two sweeps and eight functions run at once, and leases lapse under them": async (scene) => {
    const { rig } = scene;
    const invoke = async (): Promise<void> => {
      const response = await fetch(`${rig.doorbells.url}/functions/v1/aggregate-strands`, {
        method: "POST",
        headers: { apikey: rig.stack.secretKey },
      });
      await response.body?.cancel();
    };
    await during(rig.feed(scene.deliveries), async () => {
      await Promise.all([
        ...Array.from({ length: 8 }, invoke),
        ...Array.from({ length: 2 }, () => rig.sweep()),
        // What one function holds another may claim as well.
        ...Array.from({ length: 5 }, async () => {
          await delay(scene.random.between(0, 300));
          await rig.lapse();
        }),
      ]);
    });
  },

  "when functions do not answer, or hang, for a while": async (scene) => {
    const fates: readonly Fate[] = ["lose", "forget", "hang"];
    scene.rig.doorbells.fate = (): Fate => scene.random.pick(fates.map((fate) => [fate, 1]));
    await feedAndSweep(scene);
    await scene.rig.settle();
  },

  "when strands change while functions hold them, and what these ask of the database comes late": async (
    scene,
  ) => {
    const { rig } = scene;
    rig.calls.fate = (): Fate => "delay";
    await during(rig.feed(scene.deliveries, { batch: 3, pauseMs: 5 }), async () => {
      await rig.sweep();
      await delay(100);
    });
  },

  "when the database's answers are lost on their way to the functions, or come twice, for a while": async (
    scene,
  ) => {
    const fates: readonly (readonly [Fate, number])[] = [
      ["deliver", 6],
      ["lose", 2],
      ["forget", 3],
      ["double", 2],
      ["hang", 0.2],
    ];
    scene.rig.calls.fate = (): Fate => scene.random.pick(fates);
    await scene.rig.feed(scene.deliveries);
    for (let round = 0; round < 4; round++) {
      await scene.rig.lapse();
      await scene.rig.sweep();
      await scene.rig.settle();
    }
  },
};

/** Ends every process of the database server at once, again and again, and starts it anew. */
export const KILL_POSTGRES: Disturbance = async (scene) => {
  const { cluster } = scene;
  if (cluster === null) throw new Error("There is no server that may be killed.");
  await killing(scene, async () => {
    await cluster.kill();
    await cluster.start();
  });
};
