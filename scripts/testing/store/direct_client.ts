/** Where tests look for it; a proof on history calls the functions in the same way. */
export { directClient } from "../../stack/direct_client.ts";
