import { mineLessons } from "../_shared/lessons/mine.ts";
import { serveWithSecret } from "../_shared/http/serve.ts";

export default {
  fetch: serveWithSecret("mine-lessons", (store, body) => mineLessons(store, body["continue"] === true)),
};
