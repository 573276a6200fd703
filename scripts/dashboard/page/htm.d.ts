/** What is used of htm; its own declarations name the default export in a way that only CommonJS finds. */
import type { VNode } from "preact";

declare const htm: {
  bind(
    create: typeof import("preact").h,
  ): (strings: TemplateStringsArray, ...values: unknown[]) => VNode | VNode[];
};
export default htm;
