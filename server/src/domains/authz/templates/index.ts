import { boundTemplates } from "./bounds.ts";
import { sharingTemplates } from "./sharing.ts";
import type { PolicyTemplate } from "./template.ts";
import { tierTemplates } from "./tiers.ts";

/** By name. */
export const POLICY_TEMPLATES: readonly PolicyTemplate[] = [
  ...sharingTemplates,
  ...boundTemplates,
  ...tierTemplates,
].sort((a, b) => (a.name < b.name ? -1 : 1));
