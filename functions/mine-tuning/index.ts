import { serveWithSecret } from "../_shared/http/serve.ts";
import { mineTuning } from "../_shared/tuning/mine.ts";

export default {
  fetch: serveWithSecret("mine-tuning", (store, body) => mineTuning(store, body["continue"] === true)),
};
